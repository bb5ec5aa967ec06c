import { CSINODES, LEASES, NODES, PERSISTENTVOLUMECLAIMS, PODS, SERVICEACCOUNTS } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, aPod, aServiceAccount, decidedIn, refusedIn, type DecidedWish } from '#libs/testing';

const requester = { client: true, actor: { user: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] } };
const made = (apiVersion: string, kind: string, name: string, members: object = {}, metadata: object = {}): KubeObject =>
  ({ apiVersion, kind, metadata: { name, ...metadata }, ...members }) as KubeObject;
const node = (name: string, labels: object = {}, spec: object = {}): KubeObject => made('v1', 'Node', name, { spec }, { labels });
const pod = (name: string, nodeName: string): KubeObject =>
  aPod(name, { nodeName, containers: [{ name: 'main', image: 'i', resources: {} }] });

const world = [
  aNamespace('default'),
  aNamespace('kube-node-lease'),
  aServiceAccount('default'),
  node('n1', { 'example.com/a': 'b' }),
  node('n2'),
  pod('mine', 'n1'),
  pod('other', 'n2'),
  made(
    'v1',
    'PersistentVolumeClaim',
    'c',
    { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } } },
    { namespace: 'default' },
  ),
];
const asked = (wish: DecidedWish): DecidedWish => ({ requester, ...wish });
const whyNot = (wish: DecidedWish): string => refusedIn(world, asked(wish)).message.replace(/^.*? is forbidden: /, '');

const OWNER = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-4', controller: true };
const mirror = (spec: object = {}, ...ownerReferences: readonly object[]): KubeObject =>
  made(
    'v1',
    'Pod',
    'm',
    { spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'i' }], ...spec } },
    {
      namespace: 'default',
      annotations: { 'kubernetes.io/config.mirror': 'x' },
      ownerReferences,
    },
  );
const lease = (name: string, namespace: string): KubeObject => made('coordination.k8s.io/v1', 'Lease', name, {}, { namespace });
const eviction = (name: string): KubeObject => made('policy/v1', 'Eviction', name, {}, { namespace: 'default' });
const token = (spec: object): object => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec });
const boundTo = (name: string, uid?: string): object =>
  token({ audiences: [], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } });
const inDefault = { namespace: 'default' };
const patch = (body: object) => ({ verb: 'patch', patch: { type: 'merge', body } }) as const;

describe('a node may not', () => {
  const rows: readonly (readonly [string, DecidedWish, string])[] = [
    [
      'create a pod of its own making',
      { resource: PODS, object: pod('x', 'n1') },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    [
      'create a mirror pod on another node',
      { resource: PODS, object: mirror({ nodeName: 'n2' }, OWNER) },
      'node "n1" can only create pods with spec.nodeName set to itself',
    ],
    [
      'create a mirror pod without its owner',
      { resource: PODS, object: mirror() },
      'node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      'create a mirror pod of an earlier node',
      { resource: PODS, object: mirror({}, { ...OWNER, uid: 'old' }) },
      'node n1 UID mismatch: expected uid-4 got old',
    ],
    [
      'create a mirror pod with config maps',
      { resource: PODS, object: mirror({ volumes: [{ name: 'v', configMap: { name: 'm' } }] }, OWNER) },
      'node "n1" can not create pods that reference configmaps',
    ],
    [
      'delete the pod of another node',
      { resource: PODS, verb: 'delete', ...inDefault, name: 'other' },
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      'change a pod',
      { resource: PODS, ...inDefault, name: 'mine', ...patch({ metadata: { labels: { x: 'y' } } }) },
      'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
    ],
    [
      'say how the pod of another node is',
      { resource: PODS, ...inDefault, name: 'other', subresource: 'status', ...patch({ status: { phase: 'Failed' } }) },
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      'evict the pod of another node',
      { resource: PODS, ...inDefault, name: 'other', subresource: 'eviction', object: eviction('other') },
      'node n1 can only evict pods with spec.nodeName set to itself',
    ],
    [
      'open a connection to a pod',
      { resource: PODS, verb: 'connect', ...inDefault, name: 'mine', subresource: 'exec', object: made('v1', 'PodExecOptions', '') },
      "unexpected pod subresource \"exec\", only 'status' and 'eviction' are allowed",
    ],
    ['register another node', { resource: NODES, object: node('n3') }, 'node "n1" is not allowed to modify node "n3"'],
    [
      'change another node',
      { resource: NODES, name: 'n2', ...patch({ metadata: { annotations: { x: 'y' } } }) },
      'node "n1" is not allowed to modify node "n2"',
    ],
    [
      'name itself what would draw pods to it',
      {
        resource: NODES,
        name: 'n1',
        ...patch({ metadata: { labels: { 'node-restriction.kubernetes.io/x': 'y', 'kubernetes.io/z': 'y' } } }),
      },
      'node "n1" is not allowed to modify labels: kubernetes.io/z, node-restriction.kubernetes.io/x',
    ],
    [
      'take its own taints away',
      { resource: NODES, name: 'n1', ...patch({ spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } }) },
      'node "n1" is not allowed to modify taints',
    ],
    [
      'change a claim',
      { resource: PERSISTENTVOLUMECLAIMS, ...inDefault, name: 'c', ...patch({ metadata: { labels: { x: 'y' } } }) },
      'may only update PVC status',
    ],
    [
      'hold the lease of another node',
      { resource: LEASES, object: lease('n2', 'kube-node-lease') },
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'hold a lease elsewhere',
      { resource: LEASES, object: lease('n1', 'default') },
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      'write the CSINode of another node',
      { resource: CSINODES, object: made('storage.k8s.io/v1', 'CSINode', 'n2', { spec: { drivers: [] } }) },
      'can only access CSINode with the same name as the requesting node',
    ],
    [
      'have a token for no pod',
      { resource: SERVICEACCOUNTS, ...inDefault, name: 'default', subresource: 'token', object: token({ audiences: [] }) },
      'node requested token not bound to a pod',
    ],
    [
      'have a token for a pod elsewhere',
      { resource: SERVICEACCOUNTS, ...inDefault, name: 'default', subresource: 'token', object: boundTo('other', 'uid-7') },
      'node requested token bound to a pod scheduled on a different node',
    ],
  ];
  it.each(rows)('%s', (_title, wish, why) => {
    expect(whyNot(wish)).toBe(why);
  });
});

describe('a node may', () => {
  const rows: readonly (readonly [string, DecidedWish])[] = [
    ['create a mirror pod', { resource: PODS, object: mirror({}, OWNER) }],
    ['delete its pod', { resource: PODS, verb: 'delete', ...inDefault, name: 'mine', options: { gracePeriodSeconds: 0 } }],
    [
      'say how its pod is',
      { resource: PODS, ...inDefault, name: 'mine', subresource: 'status', ...patch({ status: { phase: 'Failed' } }) },
    ],
    ['evict its pod', { resource: PODS, ...inDefault, name: 'mine', subresource: 'eviction', object: eviction('mine') }],
    [
      'say where it is',
      {
        resource: NODES,
        name: 'n1',
        ...patch({ metadata: { labels: { 'topology.kubernetes.io/zone': 'a', 'node.kubernetes.io/x': 'y' } } }),
      },
    ],
    ['hold its lease', { resource: LEASES, object: lease('n1', 'kube-node-lease') }],
    [
      'have a token for its pod',
      { resource: SERVICEACCOUNTS, ...inDefault, name: 'default', subresource: 'token', object: boundTo('mine', 'uid-6') },
    ],
  ];
  it.each(rows)('%s', (_title, wish) => {
    expect(decidedIn(world, asked(wish)).warnings).toEqual([]);
  });
});

it('NodeRestriction concerns nobody else, controllers of ours included', () => {
  const wish = { resource: NODES, name: 'n2', ...patch({ metadata: { labels: { 'kubernetes.io/z': 'y' } } }) };
  expect(decidedIn(world, { ...wish, requester: { client: true, actor: { user: 'alice' } } }).writes).toHaveLength(1);
  expect(decidedIn(world, { ...wish, requester: { actor: requester.actor } }).writes).toHaveLength(1);
});

it('PodTopologyLabels: a pod that is bound takes over where its node is', () => {
  const zoned = [...world, node('n3', { 'topology.kubernetes.io/zone': 'z', 'kubernetes.io/hostname': 'n3' }), aPod('free')];
  const object = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'free' }, target: { kind: 'Node', name: 'n3' } };
  const { writes } = decidedIn(zoned, { resource: PODS, ...inDefault, name: 'free', subresource: 'binding', object });
  expect(writes[0]?.object.metadata.labels).toEqual({ app: 'web', 'topology.kubernetes.io/zone': 'z' });
});
