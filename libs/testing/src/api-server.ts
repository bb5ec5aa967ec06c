import { randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { DEFINITIONS, definitionByKind } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { encodeObject, subjectOf, type EventMeta, type Sequence } from '#libs/log';
import { HttpsWebhookCaller, StateCache, WritePathEngine, type Logger, type PastReader, type WebhookCaller } from '#libs/runtime';
import { clusterAuthorization, startApiServer, type RunningServer, type ServerOptions } from '#libs/server';
import { MemoryAudit, MemoryLog, SIMULATED_SETTINGS } from '#libs/simulation';
import { appended, metaOf } from './events.js';
import { LogHistory } from './memory-history.js';
import { testAuthority, testTokenKey, type TestAuthority, type TestPair } from './pki.js';

/** An answer, read to its end. */
export interface TestAnswer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; fails where it is none. */
  json<T = Record<string, unknown>>(): T;
}

/** What a test asks. `as`: whose certificate; undefined: nobody's. */
export interface TestRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly anonymous?: boolean;
  readonly client?: TestPair;
}

/** An API server over a log in memory, for one spec. */
export interface TestApiServer {
  readonly server: RunningServer;
  readonly log: MemoryLog;
  readonly audit: MemoryAudit;
  readonly view: StateCache;
  readonly writePath: WritePathEngine;
  readonly authority: TestAuthority;
  readonly admin: TestPair;
  readonly logged: readonly string[];
  ask(path: string, request?: TestRequest): Promise<TestAnswer>;
  /** Opens a stream and hands over its answer once its headers are there. */
  open(path: string, request?: TestRequest): Promise<IncomingMessage>;
  /** Stores an object without the write path: history for a test. Resolves once the cache has it. */
  put(object: KubeObject, expected?: Sequence, meta?: Partial<EventMeta>): Promise<Sequence>;
  /** Stores the deletion of an object. */
  remove(object: KubeObject, expected: Sequence): Promise<Sequence>;
  close(): Promise<void>;
}

const CLUSTER = 'test';

/** What a spec decides about its server; the rest is drawn. */
export interface TestServerOptions {
  readonly options?: Partial<ServerOptions>;
  readonly window?: { readonly events: number; readonly bytes: number };
  readonly now?: () => number;
  /** Calls webhooks, of reads and writes. */
  readonly caller?: WebhookCaller;
  /** The projection of the server's own log; default: the log itself. */
  readonly history?: (log: MemoryLog, audit: MemoryAudit) => PastReader;
}

/** Sends requests with a certificate to a port of the loopback. */
const opener =
  (port: number, ca: string, admin: TestPair) =>
  (path: string, request: TestRequest = {}): Promise<IncomingMessage> => {
    const { method = 'GET', headers = {}, body, anonymous = false, client = admin } = request;
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = httpsRequest({
        host: '127.0.0.1',
        port,
        path,
        method,
        ca,
        ...(anonymous ? {} : { cert: client.cert, key: client.key }),
        agent: false,
        headers: {
          ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }),
          ...headers,
        },
      });
      asked.once('response', resolve);
      asked.once('error', reject);
      asked.end(bytes);
    });
  };

/** Stores events of objects past the write path, and waits until the cache has them. */
const storing =
  (log: MemoryLog, view: StateCache) =>
  async (object: KubeObject, expected: Sequence, meta: Partial<EventMeta>): Promise<Sequence> => {
    const definition = definitionByKind(object.apiVersion, object.kind);
    if (definition === undefined) throw new Error(`no definition of ${object.kind}`);
    const { stream, resource } = definition;
    const subject = subjectOf(CLUSTER, stream, resource, object.metadata.namespace ?? '', object.metadata.name ?? '');
    const [sequence = 0] = await appended(log, stream, [
      { subject, expected, meta: metaOf({ previous: expected, ...meta }), body: encodeObject(object) },
    ]);
    await view.reached(stream, sequence);
    return sequence;
  };

/** Starts a server on a free loopback port, with an administrator's certificate. */
export async function startTestApiServer(chosen: TestServerOptions = {}): Promise<TestApiServer> {
  const { options = {}, window, caller, now = Date.now, history = (log, audit) => new LogHistory(log, audit) } = chosen;
  const authority = await testAuthority();
  const serving = await authority.issue('apiserver', { addresses: ['127.0.0.1'] });
  const admin = await authority.issue('admin', { organizations: ['system:masters'] });
  const kubelet = await authority.issue('kube-apiserver-kubelet-client');
  const logged: string[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void logged.push(message),
    error: (message, error) => void logged.push(`${message}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`),
  };
  const log = new MemoryLog({ now });
  const audit = new MemoryAudit();
  const stop = new AbortController();
  const snapshots = { snapshot: () => Promise.resolve({ position: { state: 0, lease: 0, event: 0 }, rows: [] }) };
  const view = await StateCache.start({
    log,
    snapshots,
    definitions: DEFINITIONS,
    logger,
    signal: stop.signal,
    ...(window ? { window } : {}),
  });
  const world = { now, random: Math.random, uuid: randomUUID };
  const https = new HttpsWebhookCaller(view);
  const writePath = new WritePathEngine({ cluster: CLUSTER, log, view, settings: SIMULATED_SETTINGS, world, caller: caller ?? https });
  const server = await startApiServer({
    cluster: CLUSTER,
    view,
    log,
    history: history(log, audit),
    writePath,
    ...(caller ? { caller } : {}),
    audit,
    world,
    logger,
    listen: [{ host: '127.0.0.1', port: 0 }],
    tls: { ...serving, clientCa: authority.cert },
    tokens: { signingKey: testTokenKey(), verifyingKeys: [], issuer: 'https://kubernetes.default.svc.cluster.local' },
    kubelet: { ...kubelet, ca: authority.cert },
    ...clusterAuthorization(view),
    ...options,
  });
  const open = opener(server.port, authority.cert, admin);
  const store = storing(log, view);
  return {
    server,
    log,
    audit,
    view,
    writePath,
    authority,
    admin,
    logged,
    open,
    ask: async (path, request) => {
      const answer = await open(path, request);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString('utf8');
      return { code: answer.statusCode ?? 0, headers: answer.headers, text, json: <T>() => JSON.parse(text) as T };
    },
    put: (object, expected = 0, meta = {}) => store(object, expected, { type: expected === 0 ? 'Created' : 'Updated', ...meta }),
    remove: (object, expected) => store(object, expected, { type: 'Deleted' }),
    close: async () => {
      await server.close();
      https.close();
      stop.abort();
      await log.close();
    },
  };
}
