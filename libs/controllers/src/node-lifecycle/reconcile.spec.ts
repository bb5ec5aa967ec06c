import type { Lease, Node, Pod, Taint } from '#libs/api';
import { formatTime } from '#libs/apimachinery';
import { reconcileEviction } from '../taint-eviction/controller.js';
import { GRACE_MS, reconcileNode } from './reconcile.js';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const ago = (ms: number): string => formatTime(NOW - ms);

const node = (ready: 'True' | 'False' | 'Unknown' | undefined, spec: Node['spec'] = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', uid: 'n', creationTimestamp: ago(3_600_000) },
  spec,
  status:
    ready === undefined
      ? {}
      : { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: ago(300_000), lastTransitionTime: ago(3_600_000) }] },
});

const lease = (silentMs: number): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'n', namespace: 'kube-node-lease' },
  spec: { renewTime: ago(silentMs) },
});

const pod = (spec: Pod['spec'] = { containers: [] }): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'p' },
  spec,
  status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(1000) }] },
});

const taint = (key: string, effect: string, timeAdded = ago(60_000)): Taint => ({ key, effect, timeAdded });

describe('a node', () => {
  it('that renews its lease is looked at when its time would be up', () => {
    expect(reconcileNode({ node: node('True'), lease: lease(10_000), pods: () => [] }, NOW)).toEqual({
      changes: [],
      requeueAfterMs: GRACE_MS - 10_000 + 1,
    });
  });

  it('that is silent takes its pods out of service and becomes unknown, in this order', () => {
    const { changes } = reconcileNode({ node: node('True'), lease: lease(51_000), pods: () => [pod()] }, NOW);
    expect(changes).toMatchObject([
      { subresource: 'status', object: { kind: 'Pod', status: { conditions: [{ type: 'Ready', status: 'False' }] } } },
      { object: { kind: 'Event', reason: 'NodeNotReady', message: 'Node is not ready' } },
      {
        subresource: 'status',
        object: {
          status: {
            conditions: [
              { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' },
              { type: 'MemoryPressure', status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' },
              { type: 'DiskPressure' },
              { type: 'PIDPressure' },
            ],
          },
        },
      },
      { object: { kind: 'Event', reason: 'NodeNotReady', message: 'Node n status is now: NodeNotReady' } },
    ]);
  });

  it.each<[string, Node, readonly string[]]>([
    ['unknown is unreachable', node('Unknown'), ['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute']],
    ['not ready is not ready', node('False'), ['node.kubernetes.io/not-ready:NoSchedule', 'node.kubernetes.io/not-ready:NoExecute']],
    ['cordoned is unschedulable', node('True', { unschedulable: true }), ['node.kubernetes.io/unschedulable:NoSchedule']],
    [
      'ready again keeps only what others put there',
      node('True', { taints: [taint('node.kubernetes.io/unreachable', 'NoExecute'), taint('dedicated', 'NoSchedule')] }),
      ['dedicated:NoSchedule'],
    ],
  ])('that is %s', (_what, one, expected) => {
    const { changes } = reconcileNode({ node: one, lease: lease(0), pods: () => [] }, NOW);
    const [change] = changes;
    const taints = change?.verb === 'update' ? ((change.object as Node).spec?.taints ?? []) : [];
    expect(taints.map(({ key, effect }) => `${key}:${effect}`)).toEqual(expected);
  });

  it('keeps the time at which a taint was added', () => {
    const tainted = node('Unknown', { taints: [taint('node.kubernetes.io/unreachable', 'NoExecute')] });
    const [change] = reconcileNode({ node: tainted, lease: lease(0), pods: () => [] }, NOW).changes;
    expect(change).toMatchObject({
      object: {
        spec: {
          taints: [
            { effect: 'NoExecute', timeAdded: ago(60_000) },
            { effect: 'NoSchedule', timeAdded: ago(0) },
          ],
        },
      },
    });
  });
});

describe('a pod on a tainted node', () => {
  const taints = [taint('node.kubernetes.io/unreachable', 'NoExecute')];
  const tolerating = (tolerationSeconds?: number): Pod =>
    pod({
      containers: [],
      tolerations: [
        {
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          effect: 'NoExecute',
          ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
        },
      ],
    });

  it('goes at once where it does not tolerate the taint', () => {
    expect(reconcileEviction({ pod: pod(), taints }, NOW).changes).toMatchObject([
      { subresource: 'status', object: { status: { conditions: [{}, { type: 'DisruptionTarget', reason: 'DeletionByTaintManager' }] } } },
      { verb: 'delete', name: 'p', preconditions: { uid: 'p' } },
      { object: { reason: 'TaintManagerEviction', message: 'Marking for deletion Pod default/p' } },
    ]);
  });

  it('goes when the time it tolerates the taint is over', () => {
    expect(reconcileEviction({ pod: tolerating(300), taints }, NOW)).toEqual({ changes: [], requeueAfterMs: 240_000 });
    expect(reconcileEviction({ pod: tolerating(60), taints }, NOW).changes).toHaveLength(3);
  });

  it('stays where it tolerates the taint for ever', () => {
    expect(reconcileEviction({ pod: tolerating(), taints }, NOW)).toEqual({ changes: [] });
  });
});
