import type { KubeObject } from '#libs/apimachinery';
import { compared, HIDDEN } from './compare.js';
import { identityOf, pairsOf } from './match.js';
import { normalized } from './normalize.js';
import { stateOf } from './summary.js';

const object = (kind: string, metadata: object, fields: object = {}, apiVersion = 'v1'): KubeObject =>
  ({ apiVersion, kind, metadata: { namespace: 'default', ...metadata }, ...fields }) as KubeObject;
const owned = (kind: string, name: string): object => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }],
});

const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const pod = (name: string, { node = 'n1', status = READY as object, owner = 'web-1', cpu = '100m' } = {}): KubeObject =>
  object(
    'Pod',
    { name, generateName: `${owner}-`, ...owned('ReplicaSet', owner) },
    { spec: { nodeName: node, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '64Mi' } } }] }, status },
  );
const deployment = (replicas: number, more: object = {}): KubeObject =>
  object('Deployment', { name: 'web', ...more }, { spec: { replicas } }, 'apps/v1');
const replicaSet = object('ReplicaSet', { name: 'web-1', ...owned('Deployment', 'web') }, {}, 'apps/v1');

describe('an object, as it can be compared', () => {
  it.each<[string, object, object, object]>([
    [
      'has nothing that is drawn or counted',
      { name: 'x', uid: 'u', resourceVersion: '5', generation: 3, creationTimestamp: '2026-05-01T10:00:00Z', managedFields: [] },
      { status: { observedGeneration: 3 } },
      { metadata: { namespace: 'default' }, status: {} },
    ],
    ['has no times', { name: 'x' }, { status: { at: '2026-05-01T10:00:00.123Z', word: 'x' } }, { status: { word: 'x' } }],
    [
      'belongs to an owner without uid',
      { name: 'x', ...owned('Y', 'y') },
      {},
      { metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Y', name: 'y', controller: true }] } },
    ],
    [
      'has conditions without their stories',
      { name: 'x' },
      {
        status: {
          conditions: [{ type: 'A', status: 'True', reason: 'R', message: 'at 10:00', lastTransitionTime: '2026-05-01T10:00:00Z' }],
        },
      },
      { status: { conditions: [{ type: 'A', status: 'True', reason: 'R' }] } },
    ],
    [
      'says that it is being deleted',
      { name: 'x', deletionTimestamp: '2026-05-01T10:00:00Z' },
      {},
      { metadata: { deletionTimestamp: true } },
    ],
    [
      'has a token volume without its lot',
      { name: 'x' },
      { spec: { volumes: [{ name: 'kube-api-access-x7k2p' }] } },
      { spec: { volumes: [{ name: 'kube-api-access' }] } },
    ],
  ])('%s', (_rule, metadata, fields, wanted) => {
    expect(normalized(object('X', metadata, fields))).toMatchObject(wanted);
    expect(JSON.stringify(normalized(object('X', metadata, fields)))).not.toMatch(/"uid|resourceVersion|10:00/);
  });

  it('of a slice counts endpoints, whatever their addresses', () => {
    const slice = (...ips: readonly string[]): KubeObject =>
      object(
        'EndpointSlice',
        { name: 's' },
        { endpoints: ips.map((ip) => ({ addresses: [ip], nodeName: 'n1', conditions: { ready: true }, targetRef: { name: ip } })) },
      );
    expect(normalized(slice('10.0.0.1'))).toEqual(normalized(slice('10.0.0.2')));
    expect(normalized(slice('10.0.0.1'))).not.toEqual(normalized(slice('10.0.0.1', '10.0.0.2')));
  });
});

describe('objects of two clusters', () => {
  it.each<[string, KubeObject, string]>([
    ['go by their names', deployment(1), 'apps/v1 Deployment default web'],
    ['go by their owner where their name was drawn', pod('web-1-abcde'), 'v1 Pod default ReplicaSet/web-1 web-1-*'],
    ['go by what their name begins with where they have none', object('X', { name: 'a-xyz', generateName: 'a-' }), 'v1 X default a-*'],
    [
      'go by a name that was given though one could have been drawn',
      object('X', { name: 'other', generateName: 'a-' }),
      'v1 X default other',
    ],
  ])('%s', (_rule, one, wanted) => {
    expect(identityOf(one)).toBe(wanted);
  });

  it.each<[string, readonly KubeObject[], readonly KubeObject[], readonly (readonly (string | undefined)[])[]]>([
    [
      'the same name comes first',
      [pod('web-1-a'), pod('web-1-b')],
      [pod('web-1-b'), pod('web-1-c')],
      [
        ['web-1-b', 'web-1-b'],
        ['web-1-a', 'web-1-c'],
      ],
    ],
    [
      'then the same node',
      [pod('web-1-a', { node: 'n1' }), pod('web-1-b', { node: 'n2' })],
      [pod('web-1-c', { node: 'n2' }), pod('web-1-d', { node: 'n1' })],
      [
        ['web-1-a', 'web-1-d'],
        ['web-1-b', 'web-1-c'],
      ],
    ],
    [
      'what is left over is in one alone',
      [pod('web-1-a'), pod('web-1-b')],
      [pod('web-1-c')],
      [
        ['web-1-a', 'web-1-c'],
        ['web-1-b', undefined],
      ],
    ],
  ])('%s', (_rule, source, fork, wanted) => {
    expect(pairsOf(source, fork).map((pair) => [pair.source?.metadata.name, pair.fork?.metadata.name])).toEqual(wanted);
  });
});

describe('a pod counts as', () => {
  const waiting = (reason: string): object => ({ phase: 'Pending', containerStatuses: [{ name: 'c', state: { waiting: { reason } } }] });
  it.each<[string, object, string]>([
    ['ready', READY, 'ready'],
    ['unready', { phase: 'Running' }, 'unready'],
    ['pending', { phase: 'Pending' }, 'pending'],
    ['pending while its containers are made', waiting('ContainerCreating'), 'pending'],
    ['what it waits for', waiting('CrashLoopBackOff'), 'CrashLoopBackOff'],
    ['one whose image can not be pulled, also in the pause', waiting('ImagePullBackOff'), 'ErrImagePull'],
    ['failed', { phase: 'Failed' }, 'failed'],
  ])('%s', (_what, status, wanted) => {
    expect(stateOf(pod('p', { status }) as never)).toBe(wanted);
  });
});

describe('a comparison', () => {
  it('finds nothing where nothing but names and times differ', () => {
    const one = compared(
      [deployment(2, { uid: 'a' }), replicaSet, pod('web-1-a')],
      [deployment(2, { uid: 'b' }), replicaSet, pod('web-1-z')],
    );
    expect(one.objects).toEqual([]);
  });

  it('says in which fields an object differs, one plain value after the other', () => {
    const limits = { spec: { template: { resources: { cpu: '1', memory: '2' } } } };
    const before = object('Deployment', { name: 'web' }, limits, 'apps/v1');
    expect(compared([before], [object('Deployment', { name: 'web' }, { spec: {} }, 'apps/v1')]).objects).toEqual([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        namespace: 'default',
        source: 'web',
        fork: 'web',
        fields: [
          { field: 'spec.template.resources.cpu', source: '1' },
          { field: 'spec.template.resources.memory', source: '2' },
        ],
      },
    ]);
  });

  it('lists what is in one alone, workloads first', () => {
    const { objects } = compared([object('ConfigMap', { name: 'a' }), deployment(1)], [object('ConfigMap', { name: 'b' })]);
    expect(objects.map(({ kind, source, fork }) => [kind, source, fork])).toEqual([
      ['Deployment', 'web', undefined],
      ['ConfigMap', 'a', undefined],
      ['ConfigMap', undefined, 'b'],
    ]);
  });

  it('shows nothing of what a Secret holds', () => {
    const secret = (value: string): KubeObject =>
      object(
        'Secret',
        { name: 's', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value } },
        { data: { k: value }, type: value },
      );
    const { objects } = compared([secret('aGlkZGVu')], [secret('b3RoZXI=')]);
    const { fields = [] } = objects[0] ?? {};
    expect(fields.find(({ field }) => field === 'data.k')).toEqual({ field: 'data.k', source: HIDDEN, fork: HIDDEN });
    expect(JSON.stringify(fields.filter(({ field }) => field !== 'type'))).not.toMatch(/aGlkZGVu|b3RoZXI=/);
  });

  it('leaves out what a fork has otherwise by nature', () => {
    const own = [
      object('Event', { name: 'e' }),
      object('Lease', { name: 'l' }),
      object('ConfigMap', { name: 'kube-root-ca.crt' }),
      object('Endpoints', { name: 'kubernetes' }),
      object('Service', { name: 'kubernetes' }),
      object('EndpointSlice', { name: 'k', labels: { 'kubernetes.io/service-name': 'kubernetes' } }),
      object('ValidatingWebhookConfiguration', { name: 'w' }),
      object('APIService', { name: 'v1.x' }, { spec: { service: {} } }),
    ];
    expect(compared(own, []).objects).toEqual([]);
  });

  it('counts pods by the workload they belong to in the end, and what nodes carry', () => {
    const nodes = ['n1', 'n2'].map((name) => object('Node', { name, namespace: undefined }));
    const source = [...nodes, deployment(2), replicaSet, pod('web-1-a'), pod('web-1-b', { node: 'n2', status: { phase: 'Running' } })];
    const fork = [...nodes.slice(0, 1), deployment(2), replicaSet, pod('web-1-a'), pod('web-1-c')];
    const { workloads, nodes: loads, counts } = compared(source, fork);
    expect(workloads).toEqual([
      { kind: 'Deployment', namespace: 'default', name: 'web', source: { ready: 1, unready: 1 }, fork: { ready: 2 } },
    ]);
    const load = (pods: number): object => ({ pods, cpu: pods * 100, memory: pods * 64 * 1024 * 1024 });
    expect(loads).toEqual([
      { name: 'n1', source: load(1), fork: load(2) },
      { name: 'n2', source: load(1) },
    ]);
    expect(counts).toEqual({ source: 6, fork: 5 });
  });
});
