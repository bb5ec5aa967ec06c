import { CONFIGMAPS, NAMESPACES, RESOURCEQUOTAS, type ResourceQuota } from '#libs/api';
import { StatusError, type KubeObject } from '#libs/apimachinery';
import { aConfigMap, aNamespace, MemoryCluster } from '#libs/testing';
import { MemoryLog } from '#libs/simulation';

const quota = (name: string, hard: string, used = '0'): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, namespace: 'default' },
    spec: { hard: { configmaps: hard } },
    status: { hard: { configmaps: hard }, used: { configmaps: used } },
  }) as KubeObject;

async function limited(cluster: MemoryCluster, name: string, hard: string): Promise<void> {
  const { object } = await cluster.create(RESOURCEQUOTAS, quota(name, hard));
  const { status } = quota(name, hard) as ResourceQuota;
  await cluster.write('update', RESOURCEQUOTAS, { namespace: 'default', name, subresource: 'status', object: { ...object, status } });
  await cluster.settled();
}

async function outcomesOf(writes: readonly Promise<unknown>[]): Promise<{ readonly made: number; readonly refused: readonly string[] }> {
  const settled = await Promise.allSettled(writes);
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  for (const reason of refused) if (!(reason instanceof StatusError)) throw reason;
  return { made: settled.length - refused.length, refused: (refused as readonly StatusError[]).map(({ message }) => message) };
}

const usedBy = async (cluster: MemoryCluster, name: string) =>
  ((await cluster.get(RESOURCEQUOTAS, 'default', name)) as ResourceQuota).status?.used?.['configmaps'];

const EXCEEDED =
  /^configmaps "m\d+" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=150, limited: configmaps=150$/;

describe('creations at once under one quota', () => {
  it('neither overshoot nor give up, however many there are', async () => {
    const cluster = await MemoryCluster.start();
    await cluster.create(NAMESPACES, aNamespace('default'));
    await limited(cluster, 'q', '150');
    await limited(cluster, 'roomy', '1000');
    const { made, refused } = await outcomesOf(Array.from({ length: 400 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`m${i}`))));
    expect(made).toBe(150);
    expect(refused.filter((message) => !EXCEEDED.test(message))).toEqual([]);
    expect([await usedBy(cluster, 'q'), await usedBy(cluster, 'roomy')]).toEqual(['150', '150']);
    expect(cluster.view.entries(CONFIGMAPS)).toHaveLength(150);
    await cluster.stop();
  });

  it('share the appends that charge them: what comes while one is being stored goes together', async () => {
    const cluster = await MemoryCluster.start();
    await cluster.create(NAMESPACES, aNamespace('default'));
    await limited(cluster, 'q', '150');
    let charges = 0;
    cluster.view.subscribe(({ resource }) => void (charges += resource.resource === RESOURCEQUOTAS.resource ? 1 : 0));
    await Promise.all(Array.from({ length: 150 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`m${i}`))));
    await cluster.settled();
    expect([cluster.view.entries(CONFIGMAPS).length, await usedBy(cluster, 'q')]).toEqual([150, '150']);
    expect(charges).toBeLessThan(10);
    await cluster.stop();
  });

  it('are told apart: one that is refused for its name holds up no other', async () => {
    const cluster = await MemoryCluster.start();
    await cluster.create(NAMESPACES, aNamespace('default'));
    await limited(cluster, 'q', '50');
    const { made, refused } = await outcomesOf(Array.from({ length: 40 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`m${i % 20}`))));
    expect([made, await usedBy(cluster, 'q')]).toEqual([20, '20']);
    expect(refused.filter((message) => !/^configmaps "m\d+" already exists$/.test(message))).toEqual([]);
    await cluster.stop();
  });

  it('of which the log takes none are refused, and leave room for the next', async () => {
    let fault: 'unavailable' | undefined;
    const cluster = await MemoryCluster.start({ fault: () => fault });
    await cluster.create(NAMESPACES, aNamespace('default'));
    await limited(cluster, 'q', '50');
    fault = 'unavailable';
    const { made, refused } = await outcomesOf(Array.from({ length: 10 }, (_, i) => cluster.create(CONFIGMAPS, aConfigMap(`m${i}`))));
    expect([made, new Set(refused).size]).toEqual([0, 1]);
    fault = undefined;
    await cluster.create(CONFIGMAPS, aConfigMap('m0'));
    expect(await usedBy(cluster, 'q')).toBe('1');
    await cluster.stop();
  });

  it('through two write paths on one log do not overshoot either', async () => {
    const log = new MemoryLog({});
    const [one, two] = await Promise.all([MemoryCluster.start({}, log), MemoryCluster.start({}, log)]);
    await one.create(NAMESPACES, aNamespace('default'));
    await limited(one, 'q', '150');
    await two.settled();
    const writes = Array.from({ length: 300 }, (_, i) => (i % 2 ? one : two).create(CONFIGMAPS, aConfigMap(`m${i}`)));
    const { made, refused } = await outcomesOf(writes);
    expect(made).toBe(150);
    expect(refused.filter((message) => !EXCEEDED.test(message))).toEqual([]);
    expect(await usedBy(two, 'q')).toBe('150');
    await Promise.all([one.stop(), two.stop()]);
  });
});
