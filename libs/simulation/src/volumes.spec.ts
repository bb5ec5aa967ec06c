import {
  NAMESPACES,
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  VOLUMEATTRIBUTESCLASSES,
  type Pod,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { WriteRequest } from '#libs/registry';
import { writeIn } from '#libs/testing';
import { SimulatedCluster } from './simulated-cluster.js';

let cluster: SimulatedCluster;
beforeAll(async () => {
  cluster = await SimulatedCluster.start();
  await write('create', NAMESPACES, { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } } });
  await cluster.settle();
});
afterAll(() => cluster.stop());

const write = (verb: WriteRequest['verb'], resource: GroupVersionResource, wish: Partial<WriteRequest>): Promise<void> =>
  writeIn(cluster, 'shop', verb, resource, wish);

const volume = (name: string, spec: object = {}, metadata: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...metadata },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' }, ...spec },
  }) as KubeObject;
const claim = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'shop' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '', ...spec },
  }) as KubeObject;

const pv = (name: string) => cluster.view.get(PERSISTENTVOLUMES, undefined, name) as PersistentVolume | undefined;
const pvc = (name: string) => cluster.view.get(PERSISTENTVOLUMECLAIMS, 'shop', name) as PersistentVolumeClaim | undefined;
const messages = (name: string): readonly unknown[] =>
  cluster.view
    .list({ group: '', version: 'v1', resource: 'events' }, 'shop')
    .map((event) => event as KubeObject & { readonly involvedObject: { readonly name: string }; readonly reason: string })
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason }) => reason);

async function written(...objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects)
    await write('create', object.kind === 'PersistentVolume' ? PERSISTENTVOLUMES : PERSISTENTVOLUMECLAIMS, { object });
  await cluster.settle();
}

async function gone(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (pvc(name)) await write('delete', PERSISTENTVOLUMECLAIMS, { name });
    await cluster.settle();
    if (pv(name)) await write('delete', PERSISTENTVOLUMES, { name });
  }
  await cluster.settle();
  expect(names.filter((name) => pv(name) ?? pvc(name))).toEqual([]);
}

describe('a claim', () => {
  it('is bound to the smallest free volume that suits it, and the volume to it', async () => {
    await written(volume('large', { capacity: { storage: '9Gi' } }), volume('fitting'), volume('small', { capacity: { storage: '1Mi' } }));
    expect([pv('large'), pv('fitting')].map((one) => one?.status?.phase)).toEqual(['Available', 'Available']);
    await written(claim('c'));
    expect(pvc('c')).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: { volumeName: 'fitting' },
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } },
    });
    expect(pv('fitting')).toMatchObject({
      spec: { claimRef: { name: 'c', namespace: 'shop', uid: pvc('c')?.metadata.uid } },
      status: { phase: 'Bound' },
    });
    await gone('c', 'fitting', 'large', 'small');
  });

  it.each([
    ['class', { storageClassName: 'fast' }, { storageClassName: 'slow' }],
    ['mode of access', {}, { accessModes: ['ReadWriteMany'] }],
    ['kind of volume', { volumeMode: 'Block' }, {}],
    ['size', {}, { resources: { requests: { storage: '6Gi' } } }],
    ['label', {}, { selector: { matchLabels: { disk: 'ssd' } } }],
  ])('is not bound to a volume of another %s', async (_title, ofVolume, ofClaim) => {
    await written(volume('v', ofVolume), claim('c', ofClaim));
    expect([pvc('c')?.status?.phase, pv('v')?.status?.phase]).toEqual(['Pending', 'Available']);
    await gone('c', 'v');
  });

  it('that comes first is bound when a volume appears, and said meanwhile what it waits for', async () => {
    await written(claim('early'));
    expect(messages('early')).toContain('FailedBinding');
    await written(volume('v'));
    expect(pvc('early')?.status?.phase).toBe('Bound');
    await gone('early', 'v');
  });

  it('takes the volume that is reserved for it, and that it names', async () => {
    await written(volume('v'), volume('reserved', { claimRef: { namespace: 'shop', name: 'c' }, capacity: { storage: '9Gi' } }));
    await written(claim('c'), claim('d', { volumeName: 'v' }));
    expect([pvc('c')?.spec?.volumeName, pvc('d')?.status?.phase]).toEqual(['reserved', 'Bound']);
    await gone('c', 'd', 'v', 'reserved');
  });

  it('of many has a volume to itself', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await written(...names.map((name) => volume(name)));
    await Promise.all(names.map((name) => write('create', PERSISTENTVOLUMECLAIMS, { object: claim(name) })));
    await cluster.settle();
    expect(names.map((name) => pvc(name)?.spec?.volumeName).sort()).toEqual(names);
    await gone(...names.filter((name) => pvc(name)));
    expect(names.filter((name) => pv(name))).toEqual([]);
  });

  it('whose volume is gone is lost', async () => {
    await written(volume('v'), claim('c'));
    await write('patch', PERSISTENTVOLUMES, { name: 'v', patch: { type: 'merge', body: { metadata: { finalizers: null } } } });
    await write('delete', PERSISTENTVOLUMES, { name: 'v' });
    await cluster.settle();
    if (pv('v')) await write('patch', PERSISTENTVOLUMES, { name: 'v', patch: { type: 'merge', body: { metadata: { finalizers: null } } } });
    await cluster.settle();
    expect([pvc('c')?.status?.phase, messages('c').includes('ClaimLost')]).toEqual(['Lost', true]);
    await gone('c');
  });
});

describe('a volume whose claim is gone', () => {
  it('is released, and keeps what was on it', async () => {
    await written(volume('v'), claim('c'));
    await write('delete', PERSISTENTVOLUMECLAIMS, { name: 'c' });
    await cluster.settle();
    expect([pvc('c'), pv('v')?.status?.phase]).toEqual([undefined, 'Released']);
    await gone('v');
  });

  it('says that nobody can delete it where it should go', async () => {
    await written(volume('v', { persistentVolumeReclaimPolicy: 'Delete' }), claim('c'));
    await write('delete', PERSISTENTVOLUMECLAIMS, { name: 'c' });
    await cluster.settle();
    expect(pv('v')?.status).toMatchObject({
      phase: 'Failed',
      message: 'error getting deleter volume plugin for volume "v": no volume plugin matched',
    });
    await gone('v');
  });
});

describe('protection', () => {
  it('keeps a claim that a pod with a node uses, and a volume that is bound', async () => {
    await written(volume('v'), claim('c'));
    const spec = {
      nodeName: 'far-away',
      containers: [{ name: 'main', image: 'web:1' }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
    };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec };
    await write('create', PODS, { object });
    await write('delete', PERSISTENTVOLUMECLAIMS, { name: 'c' });
    await write('delete', PERSISTENTVOLUMES, { name: 'v' });
    await cluster.settle();
    expect([pvc('c')?.metadata.deletionTimestamp, pv('v')?.metadata.deletionTimestamp]).toEqual([expect.any(String), expect.any(String)]);
    await write('delete', PODS, { name: 'p', options: { gracePeriodSeconds: 0 } });
    await cluster.settle();
    expect([pvc('c'), pv('v')]).toEqual([undefined, undefined]);
  });
});

describe('a class of attributes', () => {
  it('stays as long as a claim is of it', async () => {
    const driver = { driverName: 'example.com', parameters: { iops: '1' } };
    const object = { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttributesClass', metadata: { name: 'fast' }, ...driver };
    await write('create', VOLUMEATTRIBUTESCLASSES, { object });
    await written(claim('c', { volumeAttributesClassName: 'fast' }));
    await write('delete', VOLUMEATTRIBUTESCLASSES, { name: 'fast' });
    await cluster.settle();
    const there = () => cluster.view.get(VOLUMEATTRIBUTESCLASSES, undefined, 'fast') !== undefined;
    expect(there()).toBe(true);
    await gone('c');
    expect(there()).toBe(false);
  });
});

describe('a pod with a claim', () => {
  const pod = (name: string): KubeObject =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'shop' },
      spec: {
        containers: [{ name: 'main', image: 'web:1' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
      },
    }) as KubeObject;
  const found = (name: string) => cluster.view.get(PODS, 'shop', name) as Pod | undefined;

  it('waits for the claim, then for its volume, and goes where that is', async () => {
    for (const name of ['n1', 'n2', 'n3']) cluster.startNode({ name, podPrefix: `10.64.${name.slice(1)}` });
    await cluster.settle();
    await write('create', PODS, { object: pod('p') });
    await cluster.settle();
    const why = () => found('p')?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
    expect(why()).toMatch(/^0\/3 nodes are available: persistentvolumeclaim "c" not found\. preemption: /);
    await written(claim('c'));
    expect(why()).toMatch(/^0\/3 nodes are available: pod has unbound immediate PersistentVolumeClaims\. preemption: /);
    const term = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n2'] }] };
    const { hostPath: _none, ...spec } =
      (volume('v', { nodeAffinity: { required: { nodeSelectorTerms: [term] } } }) as PersistentVolume).spec ?? {};
    await written({ ...volume('v'), spec: { ...spec, local: { path: '/data' } } } as KubeObject);
    expect(found('p')?.spec?.nodeName).toBe('n2');
  });
});
