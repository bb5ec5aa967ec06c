import { request } from 'node:http';

import { parseNetwork } from './addresses.js';
import type { Network } from './addresses.js';
import { Failure, messageOf } from './failure.js';

/** Label of everything that a cluster makes in the container engine. */
export const CLUSTER_LABEL = 'dev.decklog.cluster';

/** A container of the cluster, as the engine lists it. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The engine's socket: DOCKER_HOST where it names one, else the usual place. */
export function dockerSocket(): string {
  const host = process.env['DOCKER_HOST'] ?? '';
  return host.startsWith('unix://') ? host.slice('unix://'.length) : (process.env['DOCKER_SOCKET'] ?? '/var/run/docker.sock');
}

function call(method: string, path: string, timeoutMs = 10_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath: dockerSocket(), method, path, headers: { host: 'docker' }, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    req.on('timeout', () => req.destroy(new Error(`the container engine did not answer in ${timeoutMs / 1000} s`)));
    req.on('error', reject);
    req.end();
  });
}

async function must(method: string, path: string, accept: readonly number[], timeoutMs?: number): Promise<Answer> {
  const answer = await call(method, path, timeoutMs).catch((error: unknown) => {
    throw new Failure(`the container engine at ${dockerSocket()} does not answer: ${messageOf(error)}`, [], 1, { cause: error });
  });
  if (accept.includes(answer.status)) return answer;
  throw new Failure(`the container engine refused ${method} ${path.split('?')[0] ?? ''}: ${answer.body.trim().slice(0, 300)}`);
}

/** The engine's version, or why it does not answer. */
export async function dockerVersion(): Promise<{ readonly version: string } | { readonly why: string; readonly denied: boolean }> {
  try {
    const answer = await call('GET', '/version', 5_000);
    if (answer.status !== 200) return { why: `it answers ${answer.status}`, denied: false };
    return { version: (JSON.parse(answer.body) as { Version?: string }).Version ?? 'unknown' };
  } catch (error) {
    const why = messageOf(error);
    return { why, denied: why.includes('EACCES') };
  }
}

/** The subnets of the engine's networks; none where it does not answer. */
export async function dockerSubnets(): Promise<readonly Network[]> {
  const answer = await call('GET', '/networks').catch(() => undefined);
  if (answer?.status !== 200) return [];
  const networks = JSON.parse(answer.body) as readonly { IPAM?: { Config?: readonly { Subnet?: string }[] | null } }[];
  return networks.flatMap((network) => (network.IPAM?.Config ?? []).flatMap((config) => parseNetwork(config.Subnet ?? '') ?? []));
}

function byCluster(id: string): string {
  return encodeURIComponent(JSON.stringify({ label: [`${CLUSTER_LABEL}=${id}`] }));
}

export async function containersOf(id: string): Promise<readonly ContainerSummary[]> {
  const answer = await must('GET', `/containers/json?all=1&filters=${byCluster(id)}`, [200], 30_000);
  const list = JSON.parse(answer.body) as readonly { Id: string; Names?: readonly string[]; State: string }[];
  return list.map(({ Id, Names, State }) => ({ id: Id, name: (Names?.[0] ?? '').replace(/^\//, ''), running: State === 'running' }));
}

/** Stops a container: its stop signal, and after the grace SIGKILL. Gone or stopped already is as good. */
export async function stopContainer(id: string, graceSeconds: number): Promise<void> {
  await must('POST', `/containers/${id}/stop?t=${graceSeconds}`, [204, 304, 404], (graceSeconds + 30) * 1000);
}

export async function removeContainer(id: string): Promise<void> {
  await must('DELETE', `/containers/${id}?force=1&v=1`, [204, 404, 409], 60_000);
}

export async function removeNetworksOf(id: string): Promise<number> {
  const answer = await must('GET', `/networks?filters=${byCluster(id)}`, [200]);
  const networks = JSON.parse(answer.body) as readonly { Id: string }[];
  for (const network of networks) await must('DELETE', `/networks/${network.Id}`, [204, 404], 30_000);
  return networks.length;
}

/** Does a thing to many, a few at a time. */
export async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
