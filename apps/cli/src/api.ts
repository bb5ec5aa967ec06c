import { request } from 'node:https';
import { join } from 'node:path';

import type { Cluster } from './cluster.js';
import { Failure, messageOf } from './failure.js';
import { readPair } from './pki.js';
import type { Folders } from './profile.js';
import { readIfThere } from './profile.js';

/** What the API server answered; `body` as text. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks the cluster's API server as its administrator. */
export type Api = (path: string) => Promise<ApiAnswer>;

const TIMEOUT_MS = 10_000;

export async function connectApi(cluster: Cluster, folders: Folders): Promise<Api> {
  const [ca, admin] = await Promise.all([readIfThere(join(folders.pki, 'ca.crt')), readPair(join(folders.pki, 'admin'))]);
  if (ca === undefined || admin === undefined) {
    throw new Failure(`the keys of profile "${cluster.profile}" are missing`, ['Run `./decklog start`: it makes them anew.']);
  }
  const options = {
    host: '127.0.0.1',
    port: cluster.ports.api,
    ca,
    cert: admin.certificate,
    key: admin.key,
    timeout: TIMEOUT_MS,
    agent: false,
  };
  return (path) =>
    new Promise((resolve, reject) => {
      const req = request({ ...options, path, method: 'GET', headers: { accept: 'application/json' } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
      });
      req.on('timeout', () => req.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
      req.on('error', reject);
      req.end();
    });
}

/** A GET that has to be answered; the body as JSON, undefined on 404. */
export async function getObject<T>(api: Api, path: string): Promise<T | undefined> {
  const answer = await api(path).catch((error: unknown) => {
    throw new Failure(`the API server does not answer: ${messageOf(error)}`, ['Is the cluster running? See `./decklog status`.'], 1, {
      cause: error,
    });
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Failure(`the API server answers ${answer.status} to ${path}: ${answer.body.slice(0, 300)}`);
  return JSON.parse(answer.body) as T;
}
