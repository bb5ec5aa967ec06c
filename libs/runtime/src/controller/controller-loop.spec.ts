import { CONFIGMAPS, type ConfigMap } from '#libs/api';
import { conflict, forbidden, objectKey, StatusError, type Change, type Controller } from '#libs/apimachinery';
import { MemoryCluster, aConfigMap, aNamespace, eventsOf } from '#libs/testing';
import { NAMESPACES } from '#libs/api';
import type { MemoryLogOptions } from '#libs/simulation';
import type { Logger, TransactionPath } from '../ports.js';
import { ControllerLoop } from './controller-loop.js';
import { TerminalError } from './terminal-error.js';

interface Snapshot {
  readonly map: ConfigMap;
  readonly copies: readonly ConfigMap[];
}

/** Wants three copies of every config map that asks for them. */
const copier = (over: Partial<Controller<Snapshot>> = {}): Controller<Snapshot> => ({
  name: 'copier',
  actor: 'system:serviceaccount:kube-system:copier',
  watches: [
    {
      resource: CONFIGMAPS,
      keys: (next, old) => {
        const { namespace, name, labels } = (next ?? old)?.metadata ?? {};
        return [objectKey(namespace, labels?.['copy-of'] ?? name ?? '')];
      },
    },
  ],
  snapshot(key, lister) {
    const [namespace = '', name = ''] = key.split('/');
    const map = lister.get(CONFIGMAPS, namespace, name) as ConfigMap | undefined;
    if (!map || map.data?.['copies'] === undefined) return undefined;
    const copies = (lister.list(CONFIGMAPS, namespace) as readonly ConfigMap[]).filter(
      ({ metadata }) => metadata.labels?.['copy-of'] === name,
    );
    return { map, copies };
  },
  reconcile({ map, copies }) {
    const missing = Math.max(0, Number(map.data?.['copies']) - copies.length);
    const { name = '', namespace = '' } = map.metadata;
    const object: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { generateName: `${name}-`, namespace, labels: { 'copy-of': name } },
    };
    return { changes: Array.from({ length: missing }, (): Change => ({ verb: 'create', resource: CONFIGMAPS, object })) };
  },
  ...over,
});

const errors: unknown[] = [];
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_message, error) => errors.push(error),
};

/** A write path that does some things otherwise. */
const otherwise =
  (over: (path: TransactionPath) => Partial<TransactionPath>) =>
  (path: TransactionPath): TransactionPath => ({
    transact: (requests) => path.transact(requests),
    execute: (request) => path.execute(request),
    madeCurrent: () => path.madeCurrent(),
    ...over(path),
  });

async function setUp(
  controller: Controller<Snapshot>,
  wrap: (path: TransactionPath) => TransactionPath = (path) => path,
  options: MemoryLogOptions = {},
) {
  const cluster = await MemoryCluster.start(options);
  const { view, world } = cluster;
  const loop = new ControllerLoop<Snapshot>({
    controller,
    view,
    writePath: wrap(cluster.writePath),
    world,
    logger,
    build: 'b1',
  });
  await cluster.create(NAMESPACES, aNamespace('default'));
  const idle = async (): Promise<void> => {
    for (let calm = 0; calm < 3;) {
      await cluster.settled();
      await new Promise((resolve) => setImmediate(resolve));
      calm = loop.idle ? calm + 1 : 0;
    }
  };
  const stop = async (): Promise<void> => {
    await loop.stop();
    await cluster.stop();
  };
  const copies = (): number => view.list(CONFIGMAPS).filter(({ metadata }) => metadata.labels?.['copy-of']).length;
  return { cluster, loop, idle, stop, copies };
}

const asking = (name: string, copies = 3) => aConfigMap(name, { copies: String(copies) });

describe('a controller loop', () => {
  beforeEach(() => (errors.length = 0));

  it('sees what was there before it started, and what comes after', async () => {
    const { cluster, loop, idle, stop, copies } = await setUp(copier());
    await cluster.create(CONFIGMAPS, asking('before'));
    await cluster.settled();
    loop.start();
    await idle();
    expect(copies()).toBe(3);
    await cluster.create(CONFIGMAPS, asking('after'));
    await idle();
    expect(copies()).toBe(6);
    await stop();
  });

  it('writes with each event how it was decided and what caused it', async () => {
    const { cluster, loop, idle, stop } = await setUp(copier());
    loop.start();
    const { sequence } = await cluster.create(CONFIGMAPS, asking('a'));
    await idle();
    const events = (await eventsOf(cluster.log)).filter(({ meta }) => meta.decision);
    expect(events.map(({ meta }) => [meta.actor.user, meta.root, meta.cause, meta.decision])).toEqual(
      [0, 1, 2].map((index) => [
        'system:serviceaccount:kube-system:copier',
        `state:${sequence}`,
        `state:${sequence}`,
        {
          controller: 'copier',
          build: 'b1',
          key: 'default/a',
          seen: { state: sequence, lease: 0, event: 0 },
          decidedAt: cluster.world.now(),
          index,
        },
      ]),
    );
    await stop();
  });

  it('never decides on a key before the view shows what it wrote for it', async () => {
    let most = 0;
    const controller = copier();
    const { cluster, loop, idle, stop, copies } = await setUp({
      ...controller,
      reconcile(snapshot, now) {
        const result = controller.reconcile(snapshot, now);
        most = Math.max(most, snapshot.copies.length + result.changes.length);
        return result;
      },
    });
    loop.start();
    await cluster.create(CONFIGMAPS, asking('a', 200));
    await idle();
    expect(copies()).toBe(200);
    expect(most).toBe(200);
    await stop();
  });

  it('decides again after a race', async () => {
    let races = 2;
    const { cluster, loop, idle, stop, copies } = await setUp(
      copier(),
      otherwise((path) => ({
        execute: (request) => (races-- > 0 ? Promise.reject(conflict(CONFIGMAPS, 'a', 'moved')) : path.execute(request)),
      })),
    );
    loop.start();
    await cluster.create(CONFIGMAPS, asking('a'));
    await idle();
    await cluster.create(CONFIGMAPS, aConfigMap('other'));
    await idle();
    expect(copies()).toBe(3);
    await stop();
  });

  it('decides nothing more, after an answer that did not come, on a view that may lack what was stored', async () => {
    let [gate, open]: [Promise<void> | undefined, () => void] = [undefined, () => undefined];
    let [asked, decided] = [0, 0];
    const plain = copier();
    const { cluster, loop, idle, stop, copies } = await setUp(
      copier({ reconcile: (snapshot, now) => (decided++, plain.reconcile(snapshot, now)) }),
      otherwise((path) => ({
        async execute(request) {
          if (gate) return path.execute(request);
          gate = new Promise((resolve) => (open = resolve));
          await path.execute(request);
          throw new StatusError('ServiceUnavailable', 'the answer did not come');
        },
        madeCurrent: () => (asked++, path.madeCurrent()),
      })),
      { beforeRead: () => gate },
    );
    loop.start();
    await cluster.create(CONFIGMAPS, asking('a', 1));
    for (let turns = 0; asked === 0 && turns < 5_000; turns++) {
      cluster.world.time += 10;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect([asked, decided, copies()]).toEqual([1, 1, 0]);
    open();
    await idle();
    expect(copies()).toBe(1);
    await stop();
  });

  it('asks the controller what to say of a refusal', async () => {
    const said: string[] = [];
    const { cluster, loop, idle, stop, copies } = await setUp(
      copier({
        refused(_snapshot, refusals) {
          said.push(...refusals.map(({ reason, message }) => `${reason} ${message}`));
          return [];
        },
      }),
      otherwise(() => ({ execute: () => Promise.reject(forbidden(CONFIGMAPS, 'a', 'no')) })),
    );
    loop.start();
    await cluster.create(CONFIGMAPS, asking('a', 1));
    await idle();
    expect(said[0]).toBe('Forbidden configmaps "a" is forbidden: no');
    expect(copies()).toBe(0);
    await stop();
  });

  it('reports a terminal error once and does not try again', async () => {
    const { cluster, loop, idle, stop } = await setUp(
      copier({
        reconcile() {
          throw new TerminalError('hopeless');
        },
      }),
    );
    loop.start();
    await cluster.create(CONFIGMAPS, asking('a'));
    await idle();
    expect(errors.map(String)).toEqual(['TerminalError: hopeless']);
    await stop();
  });
});
