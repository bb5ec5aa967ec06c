import { connectLog } from '#libs/adapters';
import { CONFIGMAPS, NAMESPACES } from '#libs/api';
import { parseSubject } from '#libs/log';
import type { WriteRequest } from '#libs/registry';
import { aConfigMap, aNamespace, definedAs, eventsOf, MemoryCluster, startNats, type TestServer } from '#libs/testing';

const OBJECTS = 100;
const KILLS = 10;

/** A transaction that creates so many objects, named after its number. */
const transaction = (number: number): readonly WriteRequest[] =>
  Array.from({ length: OBJECTS }, (_, i) => ({
    verb: 'create',
    definition: definedAs(CONFIGMAPS),
    namespace: 'default',
    object: aConfigMap(`t${number}-${i}`, { k: 'v'.repeat(500) }),
    options: {},
    requester: { actor: { user: 'alice' } },
  }));

describe('a transaction, while the log is killed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.stop());

  it('is there whole or not at all, is there where it was acknowledged, and others follow by themselves', async () => {
    const log = await connectLog({ url: server.url, cluster: 'test' });
    const cluster = await MemoryCluster.start({}, log);
    await cluster.create(NAMESPACES, aNamespace('default'));
    await cluster.settled();
    const acknowledged = new Set<number>();
    let [posted, killing] = [0, true];
    const posting = (async () => {
      while (killing || acknowledged.size < KILLS) {
        const number = ++posted;
        const done = await cluster.writePath.transact(transaction(number)).catch(() => undefined);
        if (done !== undefined) acknowledged.add(number);
      }
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged.size;
      while (acknowledged.size === before) await new Promise((next) => setTimeout(next, 1));
      // At another place of the next transaction each time.
      await new Promise((next) => setTimeout(next, kill * 7));
      await server.kill();
      await server.start();
    }
    killing = false;
    await posting;
    const found = new Map<number, number>();
    for (const { subject, meta } of await eventsOf(cluster.log, 'state')) {
      const [, number] = /^t(\d+)-/.exec(parseSubject(subject)?.name ?? '') ?? [];
      if (number === undefined) continue;
      found.set(Number(number), (found.get(Number(number)) ?? 0) + 1);
      expect(meta.batch?.size).toBe(OBJECTS);
    }
    expect(new Set(found.values())).toEqual(new Set([OBJECTS]));
    expect([...acknowledged].filter((number) => !found.has(number))).toEqual([]);
    expect(found.size).toBeGreaterThanOrEqual(acknowledged.size);
    await cluster.stop();
  }, 120_000);
});
