import { LEASES, NODES, PODS, type Node, type Pod } from '#libs/api';
import type { Controller, KubeObject, Lister } from '#libs/apimachinery';
import { adoptedNode, podPrefixOf } from './adopted-node.js';

const NOW = Date.parse('2026-05-01T10:00:00Z');
const IMAGES = new Map([['no/such:1', 'manifest unknown']]);
const CONTROLLER: Controller = adoptedNode({ name: 'n', failingImages: IMAGES });

const node = (status: Node['status'] = {}, spec: Node['spec'] = { podCIDR: '10.64.3.0/24' }): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', uid: 'n' },
  spec,
  status,
});
const HEALTHY = {
  capacity: { cpu: '16', memory: '64Gi', pods: '250' },
  allocatable: { cpu: '15', memory: '60Gi', pods: '250' },
  conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-05-01T09:59:00Z' }],
};
const pod = (image: string, status: Pod['status'] = { phase: 'Pending' }): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'p', generation: 1 },
  spec: { nodeName: 'n', containers: [{ name: 'c', image }] },
  status,
});

/** A lister of these objects, and the same through the controller's own index. */
function snapshots(key: string, objects: readonly KubeObject[]): readonly unknown[] {
  const resources = { Node: NODES, Pod: PODS, Lease: LEASES, Namespace: { group: '', version: 'v1', resource: 'namespaces' } };
  const of = (resource: { readonly resource: string }): readonly KubeObject[] =>
    objects.filter(({ kind }) => resources[kind as keyof typeof resources].resource === resource.resource);
  const lister: Lister = {
    get: (resource, _namespace, name) => of(resource).find(({ metadata }) => metadata.name === name),
    list: (resource) => of(resource),
  } as Lister;
  const index = CONTROLLER.index?.();
  for (const object of objects) index?.apply(resources[object.kind as keyof typeof resources], object, undefined);
  return [CONTROLLER.snapshot(key, lister), index?.snapshot(key)];
}

const decide = (key: string, ...objects: readonly KubeObject[]): readonly unknown[] => {
  const [snapshot] = snapshots(key, objects);
  return CONTROLLER.reconcile(snapshot, NOW).changes;
};

const NAMESPACE: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-node-lease' } };
const other: Pod = { ...pod('app:1'), metadata: { name: 'q', namespace: 'default', uid: 'q' }, spec: { containers: [] } };

describe('an adopted node', () => {
  it.each(['node', 'pods'])('sees by its index what a list shows: %s', (key) => {
    const [listed, indexed] = snapshots(key, [node(HEALTHY), NAMESPACE, pod('app:1'), other]);
    expect(indexed).toEqual(listed);
  });

  it('renews its lease from the start, and leaves what is well as it is', () => {
    expect(decide('node', node(HEALTHY), NAMESPACE)).toEqual([expect.objectContaining({ verb: 'create', resource: LEASES })]);
  });

  it.each<[string, Node['status'], unknown]>([
    ['keeps the amounts it had when it reports again', { ...HEALTHY, conditions: [] }, HEALTHY.allocatable],
    ['has some where it had none', {}, { cpu: '4', memory: '8Gi', pods: '110' }],
  ])('%s', (_rule, status, allocatable) => {
    const [change] = decide('node', node(status)) as readonly { readonly object: Node }[];
    expect(change?.object.status?.allocatable).toEqual(allocatable);
    expect(change?.object.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });

  it('does nothing for a node that is not there', () => {
    expect([...decide('node', NAMESPACE), ...decide('pods', pod('app:1'))]).toEqual([]);
  });

  it('runs a pod at an address of its own range', () => {
    const [change] = decide('pods', node(HEALTHY), pod('app:1')) as readonly { readonly object: Pod }[];
    expect(change?.object.status).toMatchObject({ phase: 'Running', podIP: '10.64.3.2' });
  });

  it('leaves a pod waiting whose image can not be pulled, and says so once', () => {
    const [change] = decide('pods', node(HEALTHY), pod('no/such:1')) as readonly { readonly object: Pod }[];
    const status = change?.object.status;
    expect(status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } }],
    });
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'ContainersNotReady' });
    expect(decide('pods', node(HEALTHY), pod('no/such:1', status))).toEqual([]);
  });

  it.each<[string, Node, RegExp]>([
    ['the range it was given', node(), /^10\.64\.3$/],
    ['a range that follows from its name, where it was given none', node({}, {}), /^10\.\d+\.\d+$/],
  ])("takes its pods' addresses from %s", (_rule, one, wanted) => {
    expect(podPrefixOf(one)).toMatch(wanted);
  });
});
