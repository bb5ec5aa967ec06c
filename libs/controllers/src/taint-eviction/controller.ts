import { tolerates, tell, NODES, PODS, type Node, type Pod, type PodCondition, type Taint } from '#libs/api';
import { parseTime, keyOf, type Change, type Controller, type Instant, type Reconcile, type WatchRule } from '#libs/apimachinery';
import { withCondition } from '../conditions.js';
import { splitKey } from '../watching.js';

const COMPONENT = 'taint-eviction-controller';

export interface EvictionSnapshot {
  readonly pod: Pod;
  /** The taints of its node that evict. */
  readonly taints: readonly Taint[];
}

/** Deletes a pod from a node whose taints it does not tolerate, or not for longer. */
export const reconcileEviction: Reconcile<EvictionSnapshot> = ({ pod, taints }, now) => {
  if (pod.metadata.deletionTimestamp !== undefined || taints.length === 0) return { changes: [] };
  const at = evictionTime(pod, taints, now);
  if (at === undefined) return { changes: [] };
  return at > now ? { changes: [], requeueAfterMs: at - now } : { changes: evict(pod, now) };
};

/** When the pod has to go: at once where a taint is not tolerated, never where all are for ever. */
function evictionTime({ spec }: Pod, taints: readonly Taint[], now: Instant): Instant | undefined {
  const used = taints.map((taint) => (spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint)));
  if (used.some((tolerations) => tolerations.length === 0)) return now;
  const seconds = used.flat().flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
  if (seconds.length === 0) return undefined;
  const least = Math.max(0, Math.min(...seconds));
  const since = taints.map(({ timeAdded }) => parseTime(timeAdded) ?? now);
  return Math.min(...since) + least * 1000;
}

function evict(pod: Pod, now: Instant): readonly Change[] {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
  };
  const object: Pod = { ...pod, status: { ...pod.status, conditions: withCondition(pod.status?.conditions, condition, now) } };
  const marked = pod.status?.conditions?.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True') === true;
  const told = {
    about: pod,
    type: 'Normal' as const,
    reason: 'TaintManagerEviction',
    message: `Marking for deletion Pod ${namespace}/${name}`,
  };
  return [
    ...(marked ? [] : [{ verb: 'update' as const, resource: PODS, subresource: 'status', object }]),
    { verb: 'delete', resource: PODS, namespace, name, preconditions: { uid } },
    tell(COMPONENT, told, now),
  ];
}

const evicting = (node: Node | undefined): readonly Taint[] => (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

const nodeTaints: WatchRule = {
  resource: NODES,
  keys(next, old, lister) {
    const taints = evicting(next as Node | undefined);
    const before = new Set(evicting(old as Node | undefined).map(({ key, value }) => `${key}=${value ?? ''}`));
    if (!next || taints.length === 0 || taints.every(({ key, value }) => before.has(`${key}=${value ?? ''}`))) return [];
    return (lister.list(PODS) as readonly Pod[]).filter(({ spec }) => spec?.nodeName === next.metadata.name).map(keyOf);
  },
};

const boundPods: WatchRule = {
  resource: PODS,
  keys(next, old, lister) {
    const node = (next as Pod | undefined)?.spec?.nodeName;
    if (!next || node === undefined || (old as Pod | undefined)?.spec?.nodeName === node) return [];
    return evicting(lister.get(NODES, undefined, node) as Node | undefined).length > 0 ? [keyOf(next)] : [];
  },
};

/** kube-controller-manager's `taint-eviction`. A key is a pod. */
export const taintEvictionController: Controller<EvictionSnapshot> = {
  name: 'taint-eviction-controller',
  actor: 'system:serviceaccount:kube-system:node-controller',
  watches: [nodeTaints, boundPods],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    const pod = lister.get(PODS, namespace, name) as Pod | undefined;
    const node = pod?.spec?.nodeName;
    if (!pod || node === undefined) return undefined;
    return { pod, taints: evicting(lister.get(NODES, undefined, node) as Node | undefined) };
  },
  reconcile: reconcileEviction,
};
