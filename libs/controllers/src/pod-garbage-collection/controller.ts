import { isPodTerminal, NODES, PODS, type Node, type Pod, type PodCondition } from '#libs/api';
import { parseTime, keyOf, type Change, type Controller, type Instant, type Reconcile, type WatchRule } from '#libs/apimachinery';
import { withCondition } from '../conditions.js';
import { splitKey } from '../watching.js';

/** A pod may be made for a node that is about to join: its node counts as gone only after this long. */
export const QUARANTINE_MS = 40_000;

export interface LostPodSnapshot {
  readonly pod: Pod;
  readonly node: Node | undefined;
}

/** Removes pods that nobody will finish: their node is gone, or they were deleted before they had one. */
export const reconcileLostPod: Reconcile<LostPodSnapshot> = ({ pod, node }, now) => {
  const { deletionTimestamp, creationTimestamp } = pod.metadata;
  if (!pod.spec?.nodeName) return { changes: deletionTimestamp === undefined ? [] : [removal(pod)] };
  if (node) return { changes: [] };
  const wait = (parseTime(creationTimestamp) ?? now) + QUARANTINE_MS - now;
  if (wait > 0) return { changes: [], requeueAfterMs: wait };
  return { changes: [...(isPodTerminal(pod) ? [] : [failed(pod, now)]), removal(pod)] };
};

function failed(pod: Pod, now: Instant): Change {
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
  };
  const object: Pod = {
    ...pod,
    status: { ...pod.status, phase: 'Failed', conditions: withCondition(pod.status?.conditions, condition, now) },
  };
  return { verb: 'update', resource: PODS, subresource: 'status', object };
}

const removal = ({ metadata: { name = '', namespace = '', uid = '' } }: Pod): Change => ({
  verb: 'delete',
  resource: PODS,
  namespace,
  name,
  preconditions: { uid },
  gracePeriodSeconds: 0,
});

const goneNodes: WatchRule = {
  resource: NODES,
  keys: (next, old, lister) =>
    next ? [] : (lister.list(PODS) as readonly Pod[]).filter(({ spec }) => spec?.nodeName === old?.metadata.name).map(keyOf),
};

const lostPods: WatchRule = {
  resource: PODS,
  keys(next, _old, lister) {
    if (!next) return [];
    const node = (next as Pod).spec?.nodeName;
    const lost = node ? !lister.get(NODES, undefined, node) : next.metadata.deletionTimestamp !== undefined;
    return lost ? [keyOf(next)] : [];
  },
};

/** kube-controller-manager's `pod-garbage-collector`, but for its threshold of ended pods. A key is a pod. */
export const podGarbageCollector: Controller<LostPodSnapshot> = {
  name: 'pod-garbage-collector-controller',
  actor: 'system:serviceaccount:kube-system:pod-garbage-collector',
  watches: [goneNodes, lostPods],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const pod = lister.get(PODS, namespace, name) as Pod | undefined;
    return pod && { pod, node: lister.get(NODES, undefined, pod.spec?.nodeName ?? '') as Node | undefined };
  },
  reconcile: reconcileLostPod,
};
