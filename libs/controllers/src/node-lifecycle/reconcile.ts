import { tell, NODES, podCondition, PODS, type Lease, type Node, type NodeCondition, type Pod, type Taint } from '#libs/api';
import { deepEqual, formatTime, parseTime, type Change, type Instant, type Reconcile } from '#libs/apimachinery';
import { isNodeReady, nodeCondition, OWN_TAINTS, wantedTaints } from '../node-conditions.js';

/** How long a node may be silent before it counts as gone: four renewals of its lease. */
export const GRACE_MS = 50_000;
/** The same for a node that has never said anything. */
export const STARTUP_GRACE_MS = 60_000;

const COMPONENT = 'node-controller';
/** The conditions that a silent node no longer speaks for, as upstream lists them. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export interface NodeSnapshot {
  readonly node: Node;
  readonly lease: Lease | undefined;
  /** The pods bound to it, by name; asked for only when it falls silent. */
  readonly pods: () => readonly Pod[];
}

/** Declares nodes that stop renewing their lease unreachable, and keeps the taints that follow from nodes' conditions. */
export const reconcileNode: Reconcile<NodeSnapshot> = (snapshot, now) => {
  const { node, lease } = snapshot;
  if (node.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const heard = lastHeard(node, lease);
  const silentAfter = heard + (nodeCondition(node, 'Ready') || lease ? GRACE_MS : STARTUP_GRACE_MS);
  if (silentAfter <= now) {
    const silence = declareSilent(snapshot, now);
    return { changes: silence.length > 0 ? silence : retaint(node, now) };
  }
  return { changes: retaint(node, now), requeueAfterMs: silentAfter - now + 1 };
};

/** The newest sign of life: the lease's renewal or a heartbeat in the status; else when it was created. */
function lastHeard(node: Node, lease: Lease | undefined): Instant {
  const signs = [
    parseTime(lease?.spec?.renewTime),
    parseTime(nodeCondition(node, 'Ready')?.lastHeartbeatTime),
    parseTime(node.metadata.creationTimestamp),
  ];
  return Math.max(...signs.filter((sign): sign is Instant => sign !== undefined));
}

function silenced(node: Node, type: string, now: Instant): NodeCondition | undefined {
  const current = nodeCondition(node, type);
  if (current?.status === 'Unknown') return undefined;
  const time = formatTime(now);
  if (current) {
    return {
      ...current,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: time,
    };
  }
  return {
    type,
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
    lastTransitionTime: time,
    ...(node.metadata.creationTimestamp === undefined ? {} : { lastHeartbeatTime: node.metadata.creationTimestamp }),
  };
}

/** First its pods take no more traffic, then the node says why: a decision that was cut short is made again whole. */
function declareSilent({ node, pods }: NodeSnapshot, now: Instant): readonly Change[] {
  const changed = new Map(REPORTED.flatMap((type) => silenced(node, type, now) ?? []).map((condition) => [condition.type, condition]));
  if (changed.size === 0) return [];
  const conditions = (node.status?.conditions ?? []).map((condition) => changed.get(condition.type) ?? condition);
  const added = [...changed.values()].filter(({ type }) => !nodeCondition(node, type));
  const object: Node = { ...node, status: { ...node.status, conditions: [...conditions, ...added] } };
  const name = node.metadata.name ?? '';
  const told = { about: node, type: 'Normal' as const, reason: 'NodeNotReady', message: `Node ${name} status is now: NodeNotReady` };
  const wasReady = isNodeReady(node);
  return [
    ...(wasReady ? pods().flatMap((pod) => markNotReady(pod, now)) : []),
    { verb: 'update', resource: NODES, subresource: 'status', object },
    ...(wasReady ? [tell(COMPONENT, told, now)] : []),
  ];
}

function markNotReady(pod: Pod, now: Instant): readonly Change[] {
  if (podCondition(pod, 'Ready')?.status !== 'True') return [];
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: formatTime(now) } : condition,
  );
  const object: Pod = { ...pod, status: { ...pod.status, conditions } };
  return [
    { verb: 'update', resource: PODS, subresource: 'status', object },
    tell(COMPONENT, { about: pod, type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' }, now),
  ];
}

/** Other people's taints stay; a wanted one that is there already keeps the time at which it was added. */
function retaint(node: Node, now: Instant): readonly Change[] {
  const taints = node.spec?.taints ?? [];
  const wanted = wantedTaints(node);
  const same = (a: Pick<Taint, 'key' | 'effect'>, b: Pick<Taint, 'key' | 'effect'>): boolean => a.key === b.key && a.effect === b.effect;
  const kept = taints.filter((taint) => !isOwn(taint) || wanted.some((one) => same(one, taint)));
  const added = wanted
    .filter((one) => !taints.some((taint) => same(one, taint)))
    .map((one): Taint => ({ ...one, timeAdded: formatTime(now) }));
  const next = [...kept, ...added];
  if (deepEqual(next, taints)) return [];
  const { taints: _, ...spec } = node.spec ?? {};
  const object: Node = { ...node, spec: next.length > 0 ? { ...spec, taints: next } : spec };
  return [{ verb: 'update', resource: NODES, object }];
}

const isOwn = ({ key, effect }: Taint): boolean =>
  OWN_TAINTS.has(key) && (effect === 'NoSchedule' || (effect === 'NoExecute' && isHealth(key)));

/** Of the taints that evict, only those for a node's health are this controller's. */
const isHealth = (key: string): boolean => key === 'node.kubernetes.io/not-ready' || key === 'node.kubernetes.io/unreachable';
