import {
  CONFIGMAPS,
  NAMESPACES,
  PERSISTENTVOLUMECLAIMS,
  PODS,
  REPLICASETS,
  REPLICATIONCONTROLLERS,
  RESOURCEQUOTAS,
  SECRETS,
  SERVICES,
  type ResourceQuota,
} from '#libs/api';
import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import { writeIn } from '#libs/testing';
import { SimulatedCluster } from './simulated-cluster.js';

let cluster: SimulatedCluster;
let space = '';
let spaces = 0;
beforeAll(async () => {
  cluster = await SimulatedCluster.start();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  space = `space-${++spaces}`;
  await write('create', NAMESPACES, { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: space } } });
  await cluster.settle();
});

const write = (verb: WriteRequest['verb'], resource: GroupVersionResource, wish: Partial<WriteRequest>): Promise<void> =>
  writeIn(cluster, space, verb, resource, wish);

const made = (apiVersion: string, kind: string, name: string, members: object = {}): KubeObject =>
  ({ apiVersion, kind, metadata: { name, namespace: space }, ...members }) as KubeObject;
const quota = (name: string, hard: object, spec: object = {}): Promise<void> =>
  created(RESOURCEQUOTAS, made('v1', 'ResourceQuota', name, { spec: { hard, ...spec } }));

async function created(resource: GroupVersionResource, object: KubeObject): Promise<void> {
  await write('create', resource, { object });
  await cluster.settle();
}
async function deleted(resource: GroupVersionResource, name: string): Promise<void> {
  await write('delete', resource, { name, options: { gracePeriodSeconds: 0 } });
  await cluster.settle();
}
const used = (name = 'q') => (cluster.view.get(RESOURCEQUOTAS, space, name) as ResourceQuota | undefined)?.status?.used;
const refused = async (resource: GroupVersionResource, object: KubeObject): Promise<string> => {
  try {
    await write('create', resource, { object });
  } catch (thrown) {
    if (thrown instanceof StatusError) return thrown.message;
    throw thrown;
  }
  throw new Error('the write was not refused');
};

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const pod = (name: string, resources: object = {}, spec: object = {}): KubeObject =>
  made('v1', 'Pod', name, { spec: { containers: [{ name: 'main', image: 'web:1', resources }], ...spec } });
const service = (name: string, type: string): KubeObject => made('v1', 'Service', name, { spec: { type, ports: [{ port: 80 }] } });

describe('a quota', () => {
  it('has its status promptly, itself counted', async () => {
    await quota('q', { resourcequotas: '1', pods: '5', cpu: '1' });
    expect(cluster.view.get(RESOURCEQUOTAS, space, 'q')).toMatchObject({
      status: { hard: { resourcequotas: '1', pods: '5', cpu: '1' }, used: { resourcequotas: '1', pods: '0', cpu: '0' } },
    });
    expect(await refused(RESOURCEQUOTAS, made('v1', 'ResourceQuota', 'second', { spec: { hard: {} } }))).toMatch(
      /exceeded quota: q, requested: resourcequotas=1/,
    );
  });

  it('follows the life of a pod, its extended resources too', async () => {
    await quota('q', { pods: '5', cpu: '1', memory: '500Mi', 'requests.example.com/dongle': '3' });
    const takes = { requests: { cpu: '500m', memory: '252Mi', 'example.com/dongle': '2' }, limits: { 'example.com/dongle': '2' } };
    await created(PODS, pod('a', takes));
    expect(used()).toEqual({ pods: '1', cpu: '500m', memory: '252Mi', 'requests.example.com/dongle': '2' });
    expect(await refused(PODS, pod('b', { ...takes, requests: { ...takes.requests, cpu: '600m' } }))).toMatch(
      /exceeded quota: q, requested: cpu=600m/,
    );
    expect(await refused(PODS, pod('c', takes))).toMatch(/requested: memory=252Mi,requests.example.com\/dongle=2/);
    await deleted(PODS, 'a');
    expect(used()).toEqual({ pods: '0', cpu: '0', memory: '0', 'requests.example.com/dongle': '0' });
  });

  it('lets what has ended go', async () => {
    await quota('q', { pods: '1' });
    await created(PODS, pod('a'));
    await write('patch', PODS, { name: 'a', subresource: 'status', patch: { type: 'merge', body: { status: { phase: 'Succeeded' } } } });
    await cluster.settle();
    expect(used()).toEqual({ pods: '0' });
    await created(PODS, pod('b'));
  });

  it('follows the life of services and their node ports', async () => {
    await quota('q', { services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1' });
    await created(SERVICES, service('plain', 'ClusterIP'));
    await created(SERVICES, service('port', 'NodePort'));
    expect(used()).toEqual({ services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0' });
    expect(await refused(SERVICES, service('balanced', 'LoadBalancer'))).toMatch(/exceeded quota: q, requested: services.nodeports=1/);
    await deleted(SERVICES, 'plain');
    await deleted(SERVICES, 'port');
    expect(used()).toEqual({ services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
  });

  const kinds: readonly (readonly [string, GroupVersionResource, () => KubeObject])[] = [
    ['secrets', SECRETS, () => made('v1', 'Secret', 'a', { stringData: { k: 'v' } })],
    ['configmaps', CONFIGMAPS, () => made('v1', 'ConfigMap', 'a')],
    ['replicationcontrollers', REPLICATIONCONTROLLERS, () => made('v1', 'ReplicationController', 'a', { spec: { replicas: 0, template } })],
    [
      'count/replicasets.apps',
      REPLICASETS,
      () => made('apps/v1', 'ReplicaSet', 'a', { spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } }),
    ],
    [
      'persistentvolumeclaims',
      PERSISTENTVOLUMECLAIMS,
      () =>
        made('v1', 'PersistentVolumeClaim', 'a', { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }),
    ],
  ];
  it.each(kinds)('follows the life of %s', async (name, resource, object) => {
    const before = cluster.view.list(resource, space).length;
    await quota('q', { [name]: String(before + 1) });
    expect(used()).toEqual({ [name]: String(before) });
    await created(resource, object());
    expect(used()).toEqual({ [name]: String(before + 1) });
    await deleted(resource, 'a');
    expect(used()).toEqual({ [name]: String(before) });
  });

  it('counts only pods of its scopes', async () => {
    await quota('best-effort', { pods: '5' }, { scopes: ['BestEffort'] });
    await quota('not-best-effort', { pods: '5' }, { scopes: ['NotBestEffort'] });
    await quota('terminating', { pods: '5' }, { scopes: ['Terminating'] });
    await quota('not-terminating', { pods: '5' }, { scopes: ['NotTerminating'] });
    const counts = () => ['best-effort', 'not-best-effort', 'terminating', 'not-terminating'].map((name) => used(name)?.['pods']).join('');
    await created(PODS, pod('a'));
    expect(counts()).toBe('1001');
    await created(PODS, pod('b', { requests: { cpu: '1m' } }, { activeDeadlineSeconds: 3600 }));
    expect(counts()).toBe('1111');
    await deleted(PODS, 'a');
    expect(counts()).toBe('0110');
  });

  it('that is updated limits what it now says', async () => {
    await quota('q', { pods: '0' });
    expect(await refused(PODS, pod('a'))).toMatch(/exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0/);
    await write('patch', RESOURCEQUOTAS, { name: 'q', patch: { type: 'merge', body: { spec: { hard: { pods: '1' } } } } });
    await cluster.settle();
    await created(PODS, pod('a'));
    expect(used()).toEqual({ pods: '1' });
    await deleted(RESOURCEQUOTAS, 'q');
    await created(PODS, pod('b'));
  });

  it('whose status somebody changed is put right', async () => {
    await quota('q', { pods: '5' });
    const body = { status: { hard: { pods: '7' }, used: { pods: '3' } } };
    await write('patch', RESOURCEQUOTAS, { name: 'q', subresource: 'status', patch: { type: 'merge', body } });
    await cluster.settle();
    expect(cluster.view.get(RESOURCEQUOTAS, space, 'q')).toMatchObject({ status: { hard: { pods: '5' }, used: { pods: '0' } } });
  });

  it('is never exceeded by controllers that make pods, and filled by them', async () => {
    await quota('q', { pods: '3' });
    await created(
      REPLICASETS,
      made('apps/v1', 'ReplicaSet', 'r', { spec: { replicas: 9, selector: { matchLabels: { a: 'b' } }, template } }),
    );
    expect([used(), cluster.view.list(PODS, space).length]).toEqual([{ pods: '3' }, 3]);
  });
});
