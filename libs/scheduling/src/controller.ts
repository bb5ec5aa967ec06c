import {
  NODECLAIMS,
  NODES,
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  podCondition,
  PODS,
  tell,
  type Binding,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
  type PodCondition,
} from '#libs/api';
import {
  deepEqual,
  formatTime,
  type Basis,
  type Change,
  type Controller,
  type Instant,
  type Reconcile,
  type ReconcileResult,
  type WatchRule,
} from '#libs/apimachinery';
import { ClusterState, clusterState, isPending, isPlaced, SCHEDULER_NAME, type SchedulingSnapshot } from './cluster-state.js';
import { QUEUE, queueKey } from './part.js';
import { scheduleAll, type SchedulingProfile } from './schedule.js';

/** Most pods bound, and most told that they fit nowhere, by one decision. */
export const MOST_PLACED = 500;

/** Decides on all pods that wait, the most important and oldest first, each counting on those before it. */
export const reconcilePending: Reconcile<SchedulingSnapshot> = (snapshot, now) => reconcileBy('spreading', snapshot, now);

function reconcileBy(profile: SchedulingProfile, { nodes, pending }: SchedulingSnapshot, now: Instant): ReconcileResult {
  const bindings: Change[] = [];
  const refusals: Change[] = [];
  const claims = new Map(nodes.map(({ name, claim }) => [name, claim]));
  let refused = 0;
  const placements = scheduleAll(pending, nodes, MOST_PLACED, profile);
  for (const [{ pod }, placement] of placements) {
    if ('node' in placement) bindings.push(...bind(pod, placement.node, claims.get(placement.node), now));
    else if (refused < MOST_PLACED && !saysSo(pod, placement.why)) {
      refused++;
      refusals.push(...refuse(pod, placement.why, now));
    }
  }
  // Nothing else need happen for the rest to have their turn: what is bound wakes nobody.
  const rest = placements.size < pending.length ? { requeueAfterMs: 1 } : {};
  return { changes: [...bindings, ...refusals], ...rest };
}

/** The binding stands on what was taken of the node when its claim stood there. */
function bind(pod: Pod, node: string, claim: string | undefined, now: Instant): readonly Change[] {
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  const object: Binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target: { kind: 'Node', name: node } };
  const basis: Basis = { resource: NODECLAIMS, name: node, ...(claim === undefined ? {} : { resourceVersion: claim }) };
  const message = `Successfully assigned ${namespace}/${name} to ${node}`;
  return [
    { verb: 'create', resource: PODS, subresource: 'binding', object, basis },
    tell(SCHEDULER_NAME, { about: pod, type: 'Normal', reason: 'Scheduled', message }, now),
  ];
}

function saysSo(pod: Pod, why: string): boolean {
  const scheduled = podCondition(pod, 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' && scheduled.message === why;
}

function refuse(pod: Pod, message: string, now: Instant): readonly Change[] {
  const old = podCondition(pod, 'PodScheduled');
  const lastTransitionTime = old?.status === 'False' && old.lastTransitionTime ? old.lastTransitionTime : formatTime(now);
  const condition: PodCondition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const object: Pod = { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
  return [
    { verb: 'update', resource: PODS, subresource: 'status', object },
    tell(SCHEDULER_NAME, { about: pod, type: 'Warning', reason: 'FailedScheduling', message }, now),
  ];
}

/** What of a node placements depend on; a heartbeat is nothing new. */
const relevant = (node: Node | undefined): unknown =>
  node && [node.spec, node.metadata.labels, node.status?.allocatable, node.status?.capacity];

const roomyNodes: WatchRule = {
  resource: NODES,
  keys: (next, old) => (deepEqual(relevant(next as Node | undefined), relevant(old as Node | undefined)) ? [] : [QUEUE]),
};

/** A pod that waits, and one that makes room, wake the queue. */
const pods: WatchRule = {
  resource: PODS,
  keys(next, old) {
    const waits = next !== undefined && isPending(next as Pod);
    const leaves = old !== undefined && isPlaced(old as Pod) && !(next && isPlaced(next as Pod));
    return waits || leaves ? [QUEUE] : [];
  },
};

/** A claim that is bound, or of which there was none, lets the pods that wait for it go. */
const claims: WatchRule = {
  resource: PERSISTENTVOLUMECLAIMS,
  keys(next, old) {
    const phase = (object: typeof next): string | undefined => (object as PersistentVolumeClaim | undefined)?.status?.phase;
    return next && phase(next) !== phase(old) ? [QUEUE] : [];
  },
};

/** Volumes are known before claims are bound to them. */
const volumes: WatchRule = { resource: PERSISTENTVOLUMES, keys: () => [] };

/** A claim that moves says that room was taken, which lets nobody go. */
const nodeClaims: WatchRule = { resource: NODECLAIMS, keys: () => [] };

/**
 * kube-scheduler's default profile, as far as its plugins are here. Every decision is about all pods that wait; of several replicas each
 * decides on its part of them.
 */
const controller: Controller<SchedulingSnapshot> = {
  name: SCHEDULER_NAME,
  actor: 'system:kube-scheduler',
  watches: [roomyNodes, pods, claims, volumes, nodeClaims],
  keyOfPart: queueKey,
  snapshot: (key, lister) => clusterState(lister).snapshot(key),
  reconcile: reconcilePending,
  index: () => new ClusterState(),
};

/** The scheduler, as the runtime takes it. */
export const schedulerController: Controller = controller as unknown as Controller;

/** The scheduler that chooses nodes as the profile says. */
export function schedulerFor(profile: SchedulingProfile): Controller {
  const chosen: Controller<SchedulingSnapshot> = { ...controller, reconcile: (snapshot, now) => reconcileBy(profile, snapshot, now) };
  return chosen as unknown as Controller;
}
