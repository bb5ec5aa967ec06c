import { isPodActive, isPodReady, podCondition, DELETION_COST, type Pod } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';
import { byName } from '../ordering.js';

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const MOST_INT32 = 2 ** 31 - 1;

const assigned = ({ spec }: Pod): number => Number((spec?.nodeName ?? '') !== '');
const phaseRank = ({ status }: Pod): number => PHASE_RANK[status?.phase ?? ''] ?? 0;

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[DELETION_COST];
  if (text === undefined || !/^(0|[+-]?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return Math.abs(cost) > MOST_INT32 ? 0 : cost;
}

const restarts = ({ status }: Pod): number =>
  Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount ?? 0));

/** Ages are compared by their magnitude: among pods of about one age, which goes is left to chance (their uids). */
const magnitude = (since: Instant | undefined, now: Instant): number => {
  const age = since === undefined ? 0 : (now - since) * 1_000_000;
  return age > 0 ? Math.floor(Math.log2(age)) : -1;
};

const uid = ({ metadata }: Pod): string => metadata.uid ?? '';
const byUid = (a: Pod, b: Pod): number => (uid(a) < uid(b) ? -1 : uid(a) > uid(b) ? 1 : 0);

/** Younger first; among those of one magnitude by uid. An age that is not known counts as youngest. */
function byAge(a: Pod, b: Pod, from: (pod: Pod) => Instant | undefined, now: Instant): number {
  const x = from(a);
  const y = from(b);
  if (x === y) return 0;
  if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
  return magnitude(x, now) - magnitude(y, now) || byUid(a, b);
}

const readySince = (pod: Pod): Instant | undefined => parseTime(podCondition(pod, 'Ready')?.lastTransitionTime);
const createdAt = ({ metadata }: Pod): Instant | undefined => parseTime(metadata.creationTimestamp);

/**
 * The pods in the order in which a ReplicaSet gives them up (upstream's ActivePodsWithRanks): unassigned, pending,
 * not ready, cheap, doubled up on a node, ready for a short time, often restarted, young. `related` are the pods of
 * all ReplicaSets of the same owner: they say how many share a node.
 */
export function inDeletionOrder(pods: readonly Pod[], related: readonly Pod[], now: Instant): readonly Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName;
    if (node !== undefined && node !== '' && isPodActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const rank = ({ spec }: Pod): number => onNode.get(spec?.nodeName ?? '') ?? 0;
  return [...pods].sort(
    (a, b) =>
      assigned(a) - assigned(b) ||
      phaseRank(a) - phaseRank(b) ||
      Number(isPodReady(a)) - Number(isPodReady(b)) ||
      deletionCost(a) - deletionCost(b) ||
      rank(b) - rank(a) ||
      (isPodReady(a) && isPodReady(b) ? byAge(a, b, readySince, now) : 0) ||
      restarts(b) - restarts(a) ||
      byAge(a, b, createdAt, now) ||
      byUid(a, b) ||
      byName(a, b),
  );
}
