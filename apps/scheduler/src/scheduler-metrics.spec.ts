import type { Node, Pod } from '#libs/api';
import { MetricsRegistry } from '#libs/process';
import { clusterState, QUEUE, schedulerController } from '#libs/scheduling';
import { metered, queueOf, showPending } from './scheduler-metrics.js';

const pod = (name: string, over: Partial<Pod> = {}, cpu = '1'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: name },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  ...over,
});
const spec = (more: object): Pick<Pod, 'spec'> => ({ spec: { containers: [{ name: 'c', image: 'i' }], ...more } });
const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n' },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True' }] },
};
const REFUSED = { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] } };

describe('the queue of a pod', () => {
  it.each<[string, Pod, string | undefined]>([
    ['that has not been looked at is active', pod('a'), 'active'],
    ['that fits nowhere is unschedulable', pod('a', REFUSED), 'unschedulable'],
    ['that is held back is gated', pod('a', spec({ schedulingGates: [{ name: 'g' }] })), 'gated'],
    ['that has a node is none', pod('a', spec({ nodeName: 'n' })), undefined],
    ['that has ended is none', pod('a', { status: { phase: 'Failed' } }), undefined],
  ])('%s', (_title, one, expected) => expect(queueOf(one)).toBe(expected));
});

describe('the scheduler', () => {
  it('counts pods that wait by their queue, and what it decides by the result', () => {
    const registry = new MetricsRegistry();
    const pods = [pod('fits'), pod('too-large', {}, '64'), pod('waits', REFUSED)];
    const list = (resource: { readonly resource: string }): readonly never[] =>
      (resource.resource === 'pods' ? pods.slice(0, 2) : resource.resource === 'nodes' ? [node] : []) as never[];
    showPending(registry, { list: () => pods });
    metered(schedulerController, registry).reconcile(clusterState({ list, get: () => undefined, ownedBy: () => [] }).snapshot(QUEUE), 0);
    const shown = registry.families().flatMap(({ name, series }) => series.map(({ labels, value }) => [name, labels[0], value]));
    expect(shown).toEqual(
      expect.arrayContaining([
        ['scheduler_pending_pods', 'active', 2],
        ['scheduler_pending_pods', 'unschedulable', 1],
        ['scheduler_pending_pods', 'gated', 0],
        ['scheduler_schedule_attempts_total', 'scheduled', 1],
        ['scheduler_schedule_attempts_total', 'unschedulable', 1],
      ]),
    );
  });
});
