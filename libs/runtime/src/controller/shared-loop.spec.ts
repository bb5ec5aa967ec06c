import { CONFIGMAPS, NAMESPACES, type ConfigMap } from '#libs/api';
import { objectKey, type Controller } from '#libs/apimachinery';
import type { Guard } from '#libs/log';
import { aConfigMap, aNamespace, eventsOf, MemoryCluster } from '#libs/testing';
import { SILENT_LOGGER } from '../ports.js';
import { shardOf, type Share, type Shard, type ShareListener } from '../sharing/share.js';
import { ControllerLoop } from './controller-loop.js';

const SHARDS = 8;

/** Writes into each config map who has worked on it. */
const marker: Controller<ConfigMap> = {
  name: 'marker',
  actor: 'system:serviceaccount:kube-system:marker',
  watches: [{ resource: CONFIGMAPS, keys: (next) => (next ? [objectKey(next.metadata.namespace, next.metadata.name ?? '')] : []) }],
  snapshot(key, lister) {
    const [namespace = '', name = ''] = key.split('/');
    return lister.get(CONFIGMAPS, namespace, name) as ConfigMap | undefined;
  },
  reconcile(map) {
    if (map.data?.['done'] !== undefined) return { changes: [] };
    return { changes: [{ verb: 'update', resource: CONFIGMAPS, object: { ...map, data: { ...map.data, done: 'yes' } } as ConfigMap }] };
  },
};

/** A share that a test gives and takes. */
class Given implements Share {
  readonly shards = SHARDS;
  readonly held = new Map<Shard, Guard>();
  leased = true;
  /** How often a key was to be worked on that could not be. */
  refused = 0;
  private listener: ShareListener | undefined;

  owns(shard: Shard): boolean {
    return this.held.has(shard);
  }

  guardsOf(shards: readonly Shard[]): readonly Guard[] | undefined {
    if (!this.leased) this.refused++;
    if (!this.leased) return undefined;
    const guards = shards.map((shard) => this.held.get(shard));
    return guards.every((guard) => guard !== undefined) ? guards : undefined;
  }

  subscribe(listener: ShareListener): () => void {
    this.listener = listener;
    return () => (this.listener = undefined);
  }

  gain(shard: Shard, guard: Guard): void {
    this.held.set(shard, guard);
    this.listener?.gained([shard]);
  }

  async lose(shard: Shard): Promise<void> {
    const done = this.listener?.losing([shard]);
    this.held.delete(shard);
    await done;
  }
}

const names = Array.from({ length: 30 }, (_, i) => `map-${i}`);
const shardOfName = (name: string): Shard => shardOf(`marker/default/${name}`, SHARDS);

async function setUp() {
  const cluster = await MemoryCluster.start();
  const { view, writePath, world } = cluster;
  const share = new Given();
  const loop = new ControllerLoop({ controller: marker, view, writePath, world, logger: SILENT_LOGGER, build: 'b1', share });
  await cluster.create(NAMESPACES, aNamespace('default'));
  const { sequence: fence = 0 } = await cluster.create(CONFIGMAPS, aConfigMap('fence', { done: 'yes' }));
  const subject = `decklog.test.state.core.configmaps.default.fence`;
  const idle = async (): Promise<void> => {
    for (let calm = 0; calm < 3;) {
      await cluster.settled();
      await new Promise((resolve) => setImmediate(resolve));
      calm = loop.idle ? calm + 1 : 0;
    }
  };
  const done = (): readonly string[] =>
    view
      .list(CONFIGMAPS)
      .flatMap(({ metadata: { name = '' }, ...map }) => ((map as ConfigMap).data?.['done'] === 'yes' && name !== 'fence' ? [name] : []));
  const stop = async (): Promise<void> => {
    await loop.stop();
    await cluster.stop();
  };
  return { cluster, share, loop, guard: { subject, expected: fence }, idle, done, stop };
}

describe('a controller loop that shares its keys with others', () => {
  const expected = (...shards: readonly Shard[]): readonly string[] => names.filter((name) => shards.includes(shardOfName(name))).sort();

  it('works on the keys of its shards alone, and on those of a shard it gains as if all were new', async () => {
    const { cluster, share, loop, guard, idle, done, stop } = await setUp();
    for (const name of names) await cluster.create(CONFIGMAPS, aConfigMap(name));
    share.held.set(0, guard);
    loop.start();
    await idle();
    expect([...done()].sort()).toEqual(expected(0));
    share.gain(1, guard);
    await idle();
    expect([...done()].sort()).toEqual(expected(0, 1));
    await stop();
  });

  it('lets go of a shard, and takes nothing of it that comes later', async () => {
    const { cluster, share, loop, guard, idle, done, stop } = await setUp();
    share.held.set(0, guard).set(1, guard);
    loop.start();
    await share.lose(1);
    for (const name of names) await cluster.create(CONFIGMAPS, aConfigMap(name));
    await idle();
    expect([...done()].sort()).toEqual(expected(0));
    await stop();
  });

  it('keeps its keys while the lease does not hold, takes in what comes, and works on them once it holds', async () => {
    const { cluster, share, loop, guard, idle, done, stop } = await setUp();
    share.held.set(0, guard);
    const [first = '', ...others] = expected(0);
    await cluster.create(CONFIGMAPS, aConfigMap(first));
    share.leased = false;
    loop.start();
    for (const name of others) await cluster.create(CONFIGMAPS, aConfigMap(name));
    while (share.refused < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect([done(), loop.idle]).toEqual([[], false]);
    share.leased = true;
    await idle();
    expect([...done()].sort()).toEqual(expected(0));
    await stop();
  });

  it('forgets the keys of a shard that it loses while the lease does not hold', async () => {
    const { cluster, share, loop, guard, idle, done, stop } = await setUp();
    share.held.set(0, guard).set(1, guard);
    for (const name of names) await cluster.create(CONFIGMAPS, aConfigMap(name));
    share.leased = false;
    loop.start();
    await share.lose(1);
    share.leased = true;
    await idle();
    expect([...done()].sort()).toEqual(expected(0));
    await stop();
  });

  it('writes nothing once the fence has moved, although it has not noticed, and everything once it is its own again', async () => {
    const { cluster, share, loop, guard, idle, done, stop } = await setUp();
    share.held.set(0, guard);
    loop.start();
    const { sequence = 0 } = await cluster.update(CONFIGMAPS, { namespace: 'default', name: 'fence' }, (old) => ({
      ...old,
      data: { done: 'yes', moved: '1' },
    }));
    for (const name of expected(0)) await cluster.create(CONFIGMAPS, aConfigMap(name));
    const before = (await eventsOf(cluster.log)).length;
    await idle();
    expect(done()).toEqual([]);
    expect((await eventsOf(cluster.log)).length).toBe(before);
    share.gain(0, { ...guard, expected: sequence });
    await idle();
    expect([...done()].sort()).toEqual(expected(0));
    await stop();
  });
});
