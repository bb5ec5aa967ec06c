import { CONFIGMAPS, EVENTS, IPADDRESSES, NAMESPACES, NODEPORTS, RESOURCEQUOTAS, SERVICES } from '#libs/api';
import { connectLog } from '#libs/adapters';
import type { KubeObject } from '#libs/apimachinery';
import { aConfigMap, aNamespace, aService, MemoryCluster, startNats, type TestServer } from '#libs/testing';

let server: TestServer;
let one: MemoryCluster;
let two: MemoryCluster;

const connected = async (): Promise<MemoryCluster> => MemoryCluster.start({}, await connectLog({ url: server.url, cluster: 'test' }));
const many = <T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const names = (cluster: MemoryCluster, resource: typeof SERVICES): string[] => cluster.view.entries(resource).map(({ name }) => name);

beforeAll(async () => {
  server = await startNats();
  [one, two] = await Promise.all([connected(), connected()]);
  await one.create(NAMESPACES, aNamespace('default'));
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await server.stop();
});

describe('an object of a stream that forgets by age', () => {
  it('can be deleted though the log has forgotten what it is', async () => {
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'old', namespace: 'default' }, reason: 'Old' };
    await one.create(EVENTS, { ...event, involvedObject: { namespace: 'default' } } as KubeObject);
    const { connect } = await import('nats');
    const connection = await connect({ servers: server.url });
    await (await connection.jetstreamManager()).streams.purge('decklog_test_event');
    await connection.close();
    await one.write('delete', EVENTS, { namespace: 'default', name: 'old' });
    await one.settled();
    expect(names(one, EVENTS)).toEqual([]);
  });
});

describe('two API servers on one JetStream log', () => {
  it('see each other’s writes before they refuse one', async () => {
    await one.create(CONFIGMAPS, aConfigMap('a'));
    const { object } = await two.write('patch', CONFIGMAPS, {
      namespace: 'default',
      name: 'a',
      patch: { type: 'merge', body: { data: { k: 'v' } } },
    });
    expect(await one.get(CONFIGMAPS, 'default', 'a')).toEqual(object);
  });

  it('lose no patch of an object that both change', async () => {
    await one.create(CONFIGMAPS, aConfigMap('shared'));
    const wish = (i: number) => ({
      namespace: 'default',
      name: 'shared',
      patch: { type: 'merge' as const, body: { data: { [`k${i}`]: 'v' } } },
    });
    await many(12, (i) => (i % 2 ? one : two).write('patch', CONFIGMAPS, wish(i)));
    const { data } = (await one.get(CONFIGMAPS, 'default', 'shared')) as KubeObject & { data: object };
    expect(Object.keys(data)).toHaveLength(12);
  });

  it('never give two Services the same address or node port', async () => {
    await many(40, (i) => (i % 2 ? one : two).create(SERVICES, aService(`s${i}`, { type: 'NodePort' })));
    await Promise.all([one.settled(), two.settled()]);
    expect([names(one, IPADDRESSES).length, names(one, NODEPORTS).length]).toEqual([40, 40]);
    await many(40, (i) => (i % 3 ? one : two).write('delete', SERVICES, { namespace: 'default', name: `s${i}` }));
    await one.settled();
    expect([names(one, SERVICES), names(one, IPADDRESSES), names(one, NODEPORTS)]).toEqual([[], [], []]);
  });

  it('never make more objects than a quota allows, and all that it does', async () => {
    const space = 'limited';
    await one.create(NAMESPACES, aNamespace(space));
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'q', namespace: space },
      spec: { hard: { configmaps: '60' } },
    };
    const { object } = await one.create(RESOURCEQUOTAS, quota);
    const status = { hard: { configmaps: '60' }, used: { configmaps: '0' } };
    await one.write('update', RESOURCEQUOTAS, { namespace: space, name: 'q', subresource: 'status', object: { ...object, status } });
    await Promise.all([one.settled(), two.settled()]);
    const made = await Promise.allSettled(
      Array.from({ length: 120 }, (_, i) => (i % 2 ? one : two).create(CONFIGMAPS, aConfigMap(`m${i}`, {}, space))),
    );
    await Promise.all([one.settled(), two.settled()]);
    expect(made.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(60);
    expect(two.view.entries(CONFIGMAPS, space)).toHaveLength(60);
    expect(await two.get(RESOURCEQUOTAS, space, 'q')).toMatchObject({ status: { used: { configmaps: '60' } } });
  });

  it('start again with what was acknowledged, and may take the names of what was deleted', async () => {
    await many(20, (i) => one.create(CONFIGMAPS, aConfigMap(`c${i}`)));
    await many(20, (i) => two.write('delete', CONFIGMAPS, { namespace: 'default', name: `c${i}` }));
    const three = await connected();
    await two.settled();
    expect(names(three, CONFIGMAPS)).toEqual(names(two, CONFIGMAPS));
    await many(20, (i) => three.create(CONFIGMAPS, aConfigMap(`c${i}`)));
    await three.settled();
    expect(names(three, CONFIGMAPS).filter((name) => /^c\d/.test(name))).toHaveLength(20);
    await three.stop();
  });
});
