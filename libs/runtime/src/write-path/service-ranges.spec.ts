import { NAMESPACES, SERVICECIDRS, SERVICES, type Service } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, MemoryCluster, refusalOf } from '#libs/testing';

let cluster: MemoryCluster;
beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
});
afterEach(() => cluster.stop());

const range = async (name: string, cidr: string, ready = true): Promise<void> => {
  await cluster.create(SERVICECIDRS, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name, finalizers: ['networking.k8s.io/service-cidr-finalizer'] },
    spec: { cidrs: [cidr] },
  } as KubeObject);
  if (!ready) return;
  const conditions = [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  await cluster.update(SERVICECIDRS, { name, subresource: 'status' }, (old) => ({ ...old, status: { conditions } }));
  await cluster.settled();
};
const service = async (name: string, spec: object = {}): Promise<string> => {
  const manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
  };
  const { object } = await cluster.create(SERVICES, manifest as KubeObject);
  await cluster.settled();
  return (object as Service).spec?.clusterIP ?? '';
};

describe('the addresses of Services', () => {
  it('come from the range that the cluster was made with', async () => {
    await range('kubernetes', '10.96.0.0/16');
    expect(await service('a')).toMatch(/^10\.96\./);
  });

  it('may be asked for from every range that is ready, and from no other', async () => {
    await range('kubernetes', '10.96.0.0/16');
    await range('more', '10.250.0.0/24');
    await range('later', '10.251.0.0/24', false);
    expect(await service('a', { clusterIP: '10.250.0.7' })).toBe('10.250.0.7');
    expect((await refusalOf(service('b', { clusterIP: '10.251.0.7' }))).message).toContain(
      'failed to allocate IP 10.251.0.7: the provided network does not match the current range',
    );
    expect((await refusalOf(service('c', { clusterIP: '10.250.0.7' }))).message).toContain('provided IP is already allocated');
  });

  it('come from another range when the first is full', async () => {
    await range('a', '10.250.0.0/30');
    await range('b', '10.251.0.0/30');
    const drawn = [await service('a'), await service('b'), await service('c'), await service('d')];
    expect([...drawn].sort()).toEqual(['10.250.0.1', '10.250.0.2', '10.251.0.1', '10.251.0.2']);
    expect((await refusalOf(service('e'))).message).toContain('range is full');
  });

  it('come from no range that goes', async () => {
    await range('a', '10.250.0.0/24');
    await range('b', '10.251.0.0/24');
    await cluster.write('delete', SERVICECIDRS, { name: 'a' });
    await cluster.settled();
    expect(await service('a')).toMatch(/^10\.251\./);
  });
});
