import { NAMESPACES, RESOURCECLAIMS, RESOURCECLAIMTEMPLATES } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, MemoryCluster, refusalOf } from '#libs/testing';

const spec = { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'd', adminAccess: true } }] } };
const claim = (namespace: string): KubeObject =>
  ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'a', namespace }, spec }) as KubeObject;
const template = (namespace: string): KubeObject =>
  ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaimTemplate', metadata: { name: 'a', namespace }, spec: { spec } }) as KubeObject;

describe('access to devices that are in use', () => {
  let cluster: MemoryCluster;
  beforeEach(async () => {
    cluster = await MemoryCluster.start();
    await cluster.create(NAMESPACES, aNamespace('default'));
    const admin = aNamespace('admin');
    const labels = { 'resource.kubernetes.io/admin-access': 'true' };
    await cluster.create(NAMESPACES, { ...admin, metadata: { ...admin.metadata, labels } });
  });
  afterEach(() => cluster.stop());

  it('is refused where the namespace is not made for it', async () => {
    for (const refused of [cluster.create(RESOURCECLAIMS, claim('default')), cluster.create(RESOURCECLAIMTEMPLATES, template('default'))]) {
      const { code, message } = await refusalOf(refused);
      expect(code).toBe(422);
      expect(message).toContain('requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace');
    }
  });

  it('is given where it is', async () => {
    expect((await cluster.create(RESOURCECLAIMS, claim('admin'))).code).toBe(201);
    expect((await cluster.create(RESOURCECLAIMTEMPLATES, template('admin'))).code).toBe(201);
  });
});
