import {
  tell,
  isPodReady,
  PODDISRUPTIONBUDGETS,
  type Condition,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
} from '#libs/api';
import { deepEqual, parseTime, scaledValue, type Change, type Instant, type Reconcile } from '#libs/apimachinery';
import { conditionOf, withCondition } from '../conditions.js';

/** An eviction that was granted but did not delete its pod no longer counts after this long. */
const DELETION_TIMEOUT_MS = 120_000;
const COMPONENT = 'controllermanager';

export interface BudgetSnapshot {
  readonly budget: PodDisruptionBudget;
  /** Pods it selects, by name. */
  readonly pods: readonly Pod[];
  /** What the controllers of those pods are to run in sum, each counted once. */
  readonly scale: number;
  /** Pods that no scalable controller owns. */
  readonly unmanaged: readonly Pod[];
}

/** Says how many of a budget's pods may be disrupted now. */
export const reconcileBudget: Reconcile<BudgetSnapshot> = (snapshot, now) => {
  const { budget, pods, unmanaged } = snapshot;
  if (budget.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const { expected, desired } = goal(snapshot);
  const { disrupted, recheckMs } = stillDisrupted(budget, pods, now);
  const healthy = pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined && disrupted[metadata.name ?? ''] === undefined)
    .filter(isPodReady);
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy.length - desired);
  const changes = [
    ...report(
      budget,
      { expectedPods: expected, desiredHealthy: desired, currentHealthy: healthy.length, disruptionsAllowed: allowed },
      disrupted,
      now,
    ),
    ...warnings(budget, pods, unmanaged, now),
  ];
  return recheckMs === undefined ? { changes } : { changes, requeueAfterMs: recheckMs };
};

/** Upstream's getExpectedPodCount. */
function goal({ budget: { spec }, pods, scale }: BudgetSnapshot): { readonly expected: number; readonly desired: number } {
  if (spec?.maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - scaledValue(spec.maxUnavailable, scale, true)) };
  }
  const { minAvailable } = spec ?? {};
  if (typeof minAvailable === 'number') return { expected: pods.length, desired: minAvailable };
  if (minAvailable !== undefined) return { expected: scale, desired: scaledValue(minAvailable, scale, true) };
  return { expected: pods.length, desired: 0 };
}

type Disrupted = Readonly<Record<string, string>>;

/** Pods that were evicted and whose deletion has not been seen yet. */
function stillDisrupted(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  now: Instant,
): { readonly disrupted: Disrupted; readonly recheckMs?: number } {
  const present = new Map(pods.map((pod) => [pod.metadata.name ?? '', pod]));
  const left: [string, string][] = [];
  let recheckMs: number | undefined;
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = present.get(name);
    const until = (parseTime(time) ?? 0) + DELETION_TIMEOUT_MS - now;
    if (!pod || pod.metadata.deletionTimestamp !== undefined || until <= 0) continue;
    left.push([name, time]);
    recheckMs = Math.min(recheckMs ?? until, until);
  }
  return { disrupted: Object.fromEntries(left), ...(recheckMs === undefined ? {} : { recheckMs }) };
}

type Counts = Pick<PodDisruptionBudgetStatus, 'expectedPods' | 'desiredHealthy' | 'currentHealthy' | 'disruptionsAllowed'>;

function report(budget: PodDisruptionBudget, counts: Counts, disrupted: Disrupted, now: Instant): readonly Change[] {
  const generation = budget.metadata.generation ?? 0;
  const sufficient = (counts.disruptionsAllowed ?? 0) > 0;
  const condition: Condition = {
    type: 'DisruptionAllowed',
    status: sufficient ? 'True' : 'False',
    reason: sufficient ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: generation,
    lastTransitionTime: '',
  };
  const old = budget.status;
  const status: PodDisruptionBudgetStatus = {
    ...counts,
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    conditions: withCondition(old?.conditions, condition, now),
    observedGeneration: generation,
  };
  const current = conditionOf(old?.conditions, 'DisruptionAllowed');
  const numbers = ({
    expectedPods = 0,
    desiredHealthy = 0,
    currentHealthy = 0,
    disruptionsAllowed = 0,
    observedGeneration = 0,
  }: PodDisruptionBudgetStatus) => [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed, observedGeneration];
  const same =
    old !== undefined &&
    current?.status === condition.status &&
    current.observedGeneration === generation &&
    deepEqual(numbers(old), numbers(status)) &&
    deepEqual(old.disruptedPods ?? {}, disrupted);
  if (same) return [];
  const object: PodDisruptionBudget = { ...budget, status };
  return [{ verb: 'update', resource: PODDISRUPTIONBUDGETS, subresource: 'status', object }];
}

/** Told once, when the budget's generation is first looked at: a status that says nothing new tells nothing new. */
function warnings(budget: PodDisruptionBudget, pods: readonly Pod[], unmanaged: readonly Pod[], now: Instant): readonly Change[] {
  if ((budget.status?.observedGeneration ?? 0) >= (budget.metadata.generation ?? 0)) return [];
  if (pods.length === 0)
    return [tell(COMPONENT, { about: budget, type: 'Normal', reason: 'NoPods', message: 'No matching pods found' }, now)];
  if (unmanaged.length === 0 || typeof budget.spec?.minAvailable === 'number') return [];
  const names = unmanaged.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`).join(' ');
  const message =
    `Pods selected by this PodDisruptionBudget (selector: ${JSON.stringify(budget.spec?.selector ?? {})}) were found to be unmanaged. As a result, ` +
    'the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ' +
    `".spec.minAvailable" field of the PDB to an integer value. Unmanaged pods: [${names}]`;
  return [tell(COMPONENT, { about: budget, type: 'Warning', reason: 'UnmanagedPods', message }, now)];
}
