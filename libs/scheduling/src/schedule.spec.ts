import fc from 'fast-check';
import { NODES, PODS, type Node, type Pod, type PodSpec } from '#libs/api';
import { clusterState, ClusterState, type SchedulingSnapshot } from './cluster-state.js';
import { MOST_PLACED, reconcilePending } from './controller.js';
import { NodeUse, allocatableOf, type NodeInfo } from './node-info.js';
import { podInfo } from './pod-info.js';
import { QUEUE } from './part.js';
import { schedule, scheduleAll } from './schedule.js';

interface NodeWish {
  readonly name: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: Node['spec'];
  readonly holds?: readonly Pod[];
}

const nodeObject = ({ name, cpu = '4', memory = '8Gi', pods = '110', labels = {}, spec = {} }: NodeWish): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec,
  status: { allocatable: { cpu, memory, pods } },
});

const node = (wish: NodeWish): NodeInfo => {
  const object = nodeObject(wish);
  const use = new NodeUse();
  for (const one of wish.holds ?? []) use.add(podInfo(one));
  return { name: wish.name, node: object, allocatable: allocatableOf(object), use };
};

const pod = (
  name: string,
  spec: Partial<PodSpec> & { cpu?: string; memory?: string; hostPort?: number } = {},
  metadata: object = {},
): Pod => {
  const { cpu, memory, hostPort, ...rest } = spec;
  const requests = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  const ports = hostPort === undefined ? {} : { ports: [{ containerPort: 80, hostPort }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests }, ...ports }], schedulerName: 'default-scheduler', ...rest },
  };
};

const noPreemption = (count: number, text: string): string => ` preemption: 0/${count} nodes are available: ${count} ${text}.`;
const HOPELESS = 'Preemption is not helpful for scheduling';
const NO_VICTIMS = 'No preemption victims found for incoming pod';

describe('a node is refused', () => {
  it.each<[string, Pod, NodeWish, string, string]>([
    ['when it is cordoned', pod('p'), { name: 'n', spec: { unschedulable: true } }, 'node(s) were unschedulable', HOPELESS],
    [
      'when the pod names another',
      pod('p', { nodeName: 'other' }),
      { name: 'n' },
      "node(s) didn't match the requested node name",
      HOPELESS,
    ],
    [
      'for a taint that is not tolerated',
      pod('p'),
      { name: 'n', spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      'node(s) had untolerated taint(s)',
      HOPELESS,
    ],
    [
      'for its labels',
      pod('p', { nodeSelector: { disk: 'ssd' } }),
      { name: 'n' },
      "node(s) didn't match Pod's node affinity/selector",
      HOPELESS,
    ],
    ['for too little cpu in all', pod('p', { cpu: '5' }), { name: 'n' }, 'Insufficient cpu', HOPELESS],
    ['for too little cpu left', pod('p', { cpu: '3' }), { name: 'n', holds: [pod('x', { cpu: '2' })] }, 'Insufficient cpu', NO_VICTIMS],
    [
      'for too little memory left',
      pod('p', { memory: '5Gi' }),
      { name: 'n', holds: [pod('x', { memory: '4Gi' })] },
      'Insufficient memory',
      NO_VICTIMS,
    ],
    ['when it holds as many pods as it may', pod('p'), { name: 'n', pods: '1', holds: [pod('x')] }, 'Too many pods', NO_VICTIMS],
    [
      'for a host port that is taken',
      pod('p', { hostPort: 80 }),
      { name: 'n', holds: [pod('x', { hostPort: 80 })] },
      "node(s) didn't have free ports for the requested pod ports",
      NO_VICTIMS,
    ],
  ])('%s', (_why, wanted, wish, reason, help) => {
    expect(schedule(podInfo(wanted), [node(wish)])).toEqual({ why: `0/1 nodes are available: 1 ${reason}.${noPreemption(1, help)}` });
  });
});

describe('a node is taken', () => {
  it.each<[string, Pod, NodeWish]>([
    [
      'whose taint is tolerated',
      pod('p', { tolerations: [{ key: 'a', operator: 'Exists' }] }),
      { name: 'n', spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
    ],
    [
      'that is cordoned, by a pod that tolerates it',
      pod('p', { tolerations: [{ operator: 'Exists' }] }),
      { name: 'n', spec: { unschedulable: true } },
    ],
    [
      'that one term of the affinity selects',
      pod('p', {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                {
                  matchExpressions: [
                    { key: 'a', operator: 'DoesNotExist' },
                    { key: 'gen', operator: 'Gt', values: ['3'] },
                  ],
                },
              ],
            },
          },
        },
      }),
      { name: 'n', labels: { gen: '4' } },
    ],
    ['with exactly enough left', pod('p', { cpu: '2', memory: '4Gi' }), { name: 'n', holds: [pod('x', { cpu: '2', memory: '4Gi' })] }],
  ])('%s', (_why, wanted, wish) => {
    expect(schedule(podInfo(wanted), [node(wish)])).toEqual({ node: 'n' });
  });

  it.each<[string, Pod, NodeWish, NodeWish]>([
    ['that has more left', pod('p', { cpu: '1' }), { name: 'better' }, { name: 'worse', holds: [pod('x', { cpu: '2' })] }],
    [
      'without a taint of the gentle kind',
      pod('p'),
      { name: 'better' },
      { name: 'worse', spec: { taints: [{ key: 'a', effect: 'PreferNoSchedule' }] } },
    ],
    [
      'that the affinity prefers',
      pod('p', {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 5, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } },
            ],
          },
        },
      }),
      { name: 'better', labels: { a: '' } },
      { name: 'worse' },
    ],
    [
      'with fewer pods of the same controller',
      pod('p', {}, { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }] }),
      { name: 'better', holds: [pod('y')] },
      {
        name: 'worse',
        holds: [pod('x', {}, { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }] })],
      },
    ],
  ])('%s', (_why, wanted, better, worse) => {
    expect(schedule(podInfo(wanted), [node(better), node(worse)])).toEqual({ node: 'better' });
    expect(schedule(podInfo(wanted), [node(worse), node(better)])).toEqual({ node: 'better' });
  });
});

describe('pods that wait', () => {
  it('are told by how many nodes for which reason, sorted as upstream sorts them', () => {
    const nodes = [node({ name: 'a', spec: { unschedulable: true } }), node({ name: 'b', cpu: '1' }), node({ name: 'c', cpu: '1' })];
    expect(schedule(podInfo(pod('p', { cpu: '2' })), nodes)).toEqual({
      why: `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.${noPreemption(3, HOPELESS)}`,
    });
  });

  it('are told that there are no nodes', () => {
    expect(schedule(podInfo(pod('p')), [])).toEqual({ why: 'no nodes available to schedule pods' });
  });

  it('count on those placed before them in the same batch', () => {
    const pods = ['a', 'b', 'c'].map((name) => podInfo(pod(name, { cpu: '2' })));
    const placements = [...scheduleAll(pods, [node({ name: 'n' })], 10).values()];
    expect(placements.slice(0, 2)).toEqual([{ node: 'n' }, { node: 'n' }]);
    expect(placements[2]).toHaveProperty('why');
  });

  it('come by priority, then by age', () => {
    const state = new ClusterState();
    state.apply(PODS, pod('young', {}, { creationTimestamp: '2026-01-01T00:00:02Z' }), undefined);
    state.apply(PODS, pod('old', {}, { creationTimestamp: '2026-01-01T00:00:01Z' }), undefined);
    state.apply(PODS, pod('urgent', { priority: 10 }, { creationTimestamp: '2026-01-01T00:00:03Z' }), undefined);
    expect(state.snapshot(QUEUE)?.pending.map((info) => info.pod.metadata.name)).toEqual(['urgent', 'old', 'young']);
  });

  it('of other schedulers, behind gates, deleted or placed do not wait here', () => {
    const state = new ClusterState();
    state.apply(PODS, pod('a', { schedulerName: 'mine' }), undefined);
    state.apply(PODS, pod('b', { schedulingGates: [{ name: 'g' }] }), undefined);
    state.apply(PODS, pod('c', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), undefined);
    state.apply(PODS, pod('d', { nodeName: 'n' }), undefined);
    expect(state.snapshot(QUEUE)).toBeUndefined();
  });

  it('are bound and told, or refused and told once', () => {
    const fits = podInfo(pod('fits'));
    const huge = podInfo(pod('huge', { cpu: '100' }));
    const { changes } = reconcilePending({ nodes: [node({ name: 'n' })], pending: [fits, huge] }, 0);
    expect(changes).toMatchObject([
      { subresource: 'binding', object: { target: { kind: 'Node', name: 'n' } } },
      { object: { reason: 'Scheduled', message: 'Successfully assigned default/fits to n' } },
      { subresource: 'status', object: { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] } } },
      { object: { reason: 'FailedScheduling', type: 'Warning' } },
    ]);
    const told = changes[2];
    const again = told && told.verb === 'update' ? podInfo(told.object as Pod) : huge;
    expect(reconcilePending({ nodes: [node({ name: 'n' })], pending: [again] }, 0)).toEqual({ changes: [] });
  });
});

describe('more pods than one decision places', () => {
  const waiting = Array.from({ length: MOST_PLACED + 1 }, (_, i) => podInfo(pod(`p${i}`)));
  it.each([
    ['have their turn without anything else happening', waiting, 1],
    ['are not looked for where all were placed', waiting.slice(1), undefined],
  ])('%s', (_title, pending, requeueAfterMs) => {
    const result = reconcilePending({ nodes: [node({ name: 'n', pods: '1000' })], pending }, 0);
    expect(result.changes).toHaveLength(2 * MOST_PLACED);
    expect(result.requeueAfterMs).toBe(requeueAfterMs);
  });
});

describe('the state kept event by event', () => {
  const comparable = (snapshot: SchedulingSnapshot | undefined) =>
    snapshot && {
      nodes: snapshot.nodes.map(({ name, use }) => [
        name,
        use.requested,
        use.load,
        use.pods,
        [...use.ports].sort(),
        [...use.groups].sort(),
      ]),
      pending: snapshot.pending.map((info) => info.pod.metadata.name),
    };

  it('is the one computed from scratch, whatever happened', () => {
    const step = fc.record({
      pod: fc.integer({ min: 0, max: 5 }),
      what: fc.constantFrom('pending', 'bound', 'ended', 'gone'),
      node: fc.constantFrom('n0', 'n1', 'n2'),
      cpu: fc.constantFrom('1', '250m'),
      owner: fc.constantFrom(undefined, 'a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = new ClusterState();
        const nodes = ['n0', 'n1'].map((name) => nodeObject({ name }));
        for (const one of nodes) state.apply(NODES, one, undefined);
        const objects = new Map<string, Pod>([['waiting', pod('waiting')]]);
        state.apply(PODS, pod('waiting'), undefined);
        for (const { pod: i, what, node: nodeName, cpu, owner } of steps) {
          const name = `p${i}`;
          const old = objects.get(name);
          const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'set', uid: owner ?? '', controller: true };
          // A new owner is no new generation.
          const meta = { generation: cpu === '1' ? 1 : 2, ...(owner === undefined ? {} : { ownerReferences: [reference] }) };
          const bound = pod(name, { cpu, ...(what === 'pending' ? {} : { nodeName }), hostPort: 1000 + i }, meta);
          const next: Pod | undefined = what === 'gone' ? undefined : what === 'ended' ? { ...bound, status: { phase: 'Failed' } } : bound;
          if (!next && !old) continue;
          if (next) objects.set(name, next);
          else objects.delete(name);
          state.apply(PODS, next, old);
        }
        const scratch = clusterState({
          get: () => undefined,
          list: (resource) => (resource.resource === 'nodes' ? nodes : [...objects.values()]),
          ownedBy: () => [],
        });
        expect(comparable(state.snapshot(QUEUE))).toEqual(comparable(scratch.snapshot(QUEUE)));
      }),
    );
  });
});
