import type { Controller, KubeObject } from '#libs/apimachinery';
import { customResourceDefinitionController, garbageCollector, namespaceController } from '#libs/controllers';
import type { Call, CallAnswer } from '#libs/registry';
import { ControllerLoop, type StateCache } from '#libs/runtime';
import { startTestApiServer, type TestAnswer, type TestApiServer } from './api-server.js';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const PATIENCE_MS = 5_000;

/** A watch under way. */
export interface TestWatch {
  /** The next events, once so many have come. */
  take(count: number): Promise<readonly unknown[]>;
  /** Resolves when the server ends it. */
  readonly ended: Promise<void>;
  end(): void;
}

/** What else a spec wants of its server. */
export interface CustomResourcesOptions {
  /** Answers webhooks. */
  readonly call?: (call: Call) => Promise<CallAnswer>;
  /** Run beside those of definitions, garbage and namespaces. */
  readonly controllers?: readonly Controller[];
}

/** A server with the controllers that custom resources need. */
export interface CustomResources {
  readonly server: TestApiServer;
  readonly view: StateCache;
  ask(path: string): Promise<TestAnswer>;
  send(method: string, path: string, body: unknown, type?: string): Promise<TestAnswer>;
  post(path: string, body: unknown): Promise<TestAnswer>;
  /** Creates a definition; resolves once its resources are served. Throws where it is refused. */
  define(crd: KubeObject): Promise<void>;
  watch(path: string): Promise<TestWatch>;
  /** Resolves once the condition holds. */
  until(holds: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const isEstablished = ({
  status,
}: {
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] | null };
}): boolean => status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True') === true;

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('what was waited for never came to be');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function watchOf(server: TestApiServer, path: string): Promise<TestWatch> {
  const answer = await server.open(path);
  const events: unknown[] = [];
  let text = '';
  answer.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) events.push(JSON.parse(line));
  });
  answer.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => void answer.once('end', resolve));
  return {
    async take(count) {
      await until(() => Promise.resolve(events.length >= count));
      return events.splice(0, count);
    },
    ended,
    end: () => void answer.destroy(),
  };
}

/** Starts a server on a log in memory with the controllers of definitions, garbage and namespaces. */
export async function startCustomResources(options: CustomResourcesOptions = {}): Promise<CustomResources> {
  const server = await startTestApiServer(options.call ? { caller: { call: options.call } } : {});
  const { view, writePath } = server;
  const world = { now: Date.now, random: Math.random, uuid: () => crypto.randomUUID() };
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const loops = [customResourceDefinitionController, garbageCollector, namespaceController, ...(options.controllers ?? [])].map(
    (controller) => new ControllerLoop({ controller: controller as never, view, writePath, world, logger, build: 'test' }),
  );
  for (const loop of loops) loop.start();
  const send = (method: string, path: string, body: unknown, type?: string): Promise<TestAnswer> =>
    server.ask(path, { method, body, ...(type === undefined ? {} : { headers: { 'content-type': type } }) });
  await until(async () => (await server.ask('/api/v1/namespaces/default')).code === 200);
  return {
    server,
    view,
    send,
    until,
    ask: (path) => server.ask(path),
    post: (path, body) => send('POST', path, body),
    async define(crd) {
      const answer = await send('POST', CRDS, crd);
      if (answer.code !== 201) throw new Error(answer.text);
      await until(async () => isEstablished((await server.ask(`${CRDS}/${crd.metadata.name ?? ''}`)).json()));
    },
    watch: (path) => watchOf(server, path),
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await server.close();
    },
  };
}
