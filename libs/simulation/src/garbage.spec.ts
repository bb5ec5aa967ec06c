import { CONFIGMAPS, EVENTS, NAMESPACES, PODS, REPLICATIONCONTROLLERS } from '#libs/api';
import type { GroupVersionResource, KubeObject, OwnerReference } from '#libs/apimachinery';
import type { WriteOptions, WriteRequest } from '#libs/registry';
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

const find = (resource: GroupVersionResource, name: string, namespace = space): KubeObject | undefined =>
  cluster.view.get(resource, namespace, name);
const owner = (kind: string, name: string, uid: string, more: object = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind,
  name,
  uid,
  ...more,
});
const uidOf = (resource: GroupVersionResource, name: string): string => find(resource, name)?.metadata.uid ?? '';
const podOf = (name: string, ...ownerReferences: readonly OwnerReference[]): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: space, labels: { app: name }, ownerReferences },
    spec: { containers: [{ name: 'main', image: 'web:1' }] },
  }) as KubeObject;
const controllerOf = (name: string, replicas: number): object => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name, namespace: space },
  spec: {
    replicas,
    selector: { rc: name },
    template: { metadata: { labels: { rc: name } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } },
  },
});
const podsOf = (name: string): readonly KubeObject[] =>
  cluster.view.list(PODS, space).filter(({ metadata }) => metadata.labels?.['rc'] === name);
const owned = (uid: string): OwnerReference => owner('ReplicationController', 'other', uid, { blockOwnerDeletion: true });

async function created(resource: GroupVersionResource, object: unknown): Promise<void> {
  await write('create', resource, { object });
  await cluster.settle();
}
async function deleted(resource: GroupVersionResource, name: string, options: WriteOptions = {}): Promise<void> {
  await write('delete', resource, { name, options });
  await cluster.settle();
}

describe('the garbage collector', () => {
  it('deletes the pods of a replication controller that goes', async () => {
    await created(REPLICATIONCONTROLLERS, controllerOf('rc', 3));
    expect(podsOf('rc')).toHaveLength(3);
    await deleted(REPLICATIONCONTROLLERS, 'rc', { propagationPolicy: 'Background' });
    expect(podsOf('rc')).toEqual([]);
  });

  it('leaves them where they are to be orphaned', async () => {
    await created(REPLICATIONCONTROLLERS, controllerOf('rc', 3));
    await deleted(REPLICATIONCONTROLLERS, 'rc', { propagationPolicy: 'Orphan' });
    expect(podsOf('rc').map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined, undefined, undefined]);
  });

  it('keeps the controller until its pods are gone where that is asked for', async () => {
    await created(REPLICATIONCONTROLLERS, controllerOf('rc', 1));
    const [pod] = podsOf('rc');
    const held = { metadata: { finalizers: ['example.com/held'] } };
    await write('patch', PODS, { name: pod?.metadata.name ?? '', patch: { type: 'merge', body: held } });
    await deleted(REPLICATIONCONTROLLERS, 'rc', { propagationPolicy: 'Foreground' });
    expect(find(REPLICATIONCONTROLLERS, 'rc')?.metadata.finalizers).toEqual(['foregroundDeletion']);
    await write('patch', PODS, { name: pod?.metadata.name ?? '', patch: { type: 'merge', body: { metadata: { finalizers: null } } } });
    await cluster.settle();
    expect([find(REPLICATIONCONTROLLERS, 'rc'), podsOf('rc').length]).toEqual([undefined, 0]);
  });

  it('keeps what has another owner that stays, and only lets go of the one that waits', async () => {
    await created(REPLICATIONCONTROLLERS, controllerOf('going', 2));
    await created(REPLICATIONCONTROLLERS, controllerOf('other', 0));
    const [shared] = podsOf('going');
    const ownerReferences = [...(shared?.metadata.ownerReferences ?? []), owned(uidOf(REPLICATIONCONTROLLERS, 'other'))];
    await write('patch', PODS, { name: shared?.metadata.name ?? '', patch: { type: 'merge', body: { metadata: { ownerReferences } } } });
    await deleted(REPLICATIONCONTROLLERS, 'going', { propagationPolicy: 'Foreground' });
    expect(find(REPLICATIONCONTROLLERS, 'going')).toBeUndefined();
    expect(podsOf('going').map(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name))).toEqual([['other']]);
  });

  it('is not held up by objects that own one another in a circle', async () => {
    for (const name of ['a', 'b', 'c']) await created(PODS, podOf(name));
    const own = async (name: string, by: string): Promise<void> => {
      const ownerReferences = [owner('Pod', by, uidOf(PODS, by), { controller: true, blockOwnerDeletion: true })];
      await write('patch', PODS, { name, patch: { type: 'merge', body: { metadata: { ownerReferences } } } });
    };
    await own('a', 'c');
    await own('b', 'a');
    await own('c', 'b');
    await deleted(PODS, 'a', { propagationPolicy: 'Foreground' });
    expect(['a', 'b', 'c'].map((name) => find(PODS, name))).toEqual([undefined, undefined, undefined]);
  });

  it('deletes what names an owner in another namespace, and says why', async () => {
    await created(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'elsewhere', namespace: space } });
    const uid = uidOf(CONFIGMAPS, 'elsewhere');
    const here = `${space}-b`;
    await write('create', NAMESPACES, { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: here } } });
    const metadata = { name: 'child', namespace: here, ownerReferences: [owner('ConfigMap', 'elsewhere', uid)] };
    await write('create', CONFIGMAPS, { namespace: here, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata } });
    await cluster.settle();
    expect(find(CONFIGMAPS, 'child', here)).toBeUndefined();
    expect(cluster.view.list(EVENTS, here)).toContainEqual(
      expect.objectContaining({
        reason: 'OwnerRefInvalidNamespace',
        message: `ownerRef [v1/ConfigMap, namespace: ${here}, name: elsewhere, uid: ${uid}] does not exist in namespace "${here}"`,
      }),
    );
  });

  it('leaves alone what names an owner of a kind that nobody knows', async () => {
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Nothing', name: 'x', uid: 'x' }];
    await created(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'child', namespace: space, ownerReferences } });
    expect(find(CONFIGMAPS, 'child')).toBeDefined();
  });
});

describe('a namespace that is deleted', () => {
  it('loses its pods before everything else, and goes when both are gone', async () => {
    const held = { ...podOf('held'), metadata: { ...podOf('held').metadata, finalizers: ['example.com/held'] } };
    await created(PODS, held);
    await created(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: space } });
    await deleted(NAMESPACES, space);
    expect([find(PODS, 'held')?.metadata.deletionTimestamp === undefined, find(CONFIGMAPS, 'm')?.metadata.deletionTimestamp]).toEqual([
      false,
      undefined,
    ]);
    expect(cluster.view.get(NAMESPACES, undefined, space)).toMatchObject({
      status: {
        phase: 'Terminating',
        conditions: expect.arrayContaining([
          expect.objectContaining({
            type: 'NamespaceContentRemaining',
            message: 'Some resources are remaining: pods. has 1 resource instances',
          }),
          expect.objectContaining({
            type: 'NamespaceFinalizersRemaining',
            message: 'Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances',
          }),
        ]) as unknown,
      },
    });
    await write('patch', PODS, { name: 'held', patch: { type: 'merge', body: { metadata: { finalizers: null } } } });
    await cluster.settle();
    expect([find(CONFIGMAPS, 'm'), cluster.view.get(NAMESPACES, undefined, space)]).toEqual([undefined, undefined]);
  });

  it('waits for finalizers of its own', async () => {
    const name = `${space}-own`;
    const spec = { finalizers: ['kubernetes', 'example.com/own'] };
    await write('create', NAMESPACES, { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec } });
    await deleted(NAMESPACES, name);
    const left = cluster.view.get(NAMESPACES, undefined, name);
    expect(left).toMatchObject({ spec: { finalizers: ['example.com/own'] } });
    await write('update', NAMESPACES, { name, subresource: 'finalize', object: { ...left, spec: {} } });
    await cluster.settle();
    expect(cluster.view.get(NAMESPACES, undefined, name)).toBeUndefined();
  });
});
