import {
  HORIZONTALPODAUTOSCALERS,
  tell,
  type Deployment,
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  type HorizontalPodAutoscalerStatus,
  type Scale,
} from '#libs/api';
import {
  deepEqual,
  formatTime,
  type Change,
  type GroupVersionResource,
  type Instant,
  type Reconcile,
  type Refusal,
} from '#libs/apimachinery';
import { conditionOf, withCondition } from '../conditions.js';
import { failureOf } from './metrics.js';

const COMPONENT = 'horizontal-pod-autoscaler';

/** What an autoscaler scales. */
export interface ScaleTarget {
  readonly resource: GroupVersionResource;
  readonly object: Pick<Deployment, 'apiVersion' | 'kind' | 'metadata'> & { readonly spec?: { readonly replicas?: number } };
}

export interface AutoscalerSnapshot {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly target: ScaleTarget | undefined;
  /** Why there is no target. */
  readonly missing: string;
}

type Condition = Pick<HorizontalPodAutoscalerCondition, 'type' | 'status' | 'reason' | 'message'>;
const condition = (type: string, status: 'True' | 'False', reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
});

const GOT = condition('AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
const DISABLED = 'scaling is disabled since the replica count of the target is zero';

/** What one look at the target has come to. */
interface Finding {
  readonly conditions: readonly Condition[];
  readonly current: number;
  /** Present where the target is to have another size. */
  readonly size?: { readonly replicas: number; readonly reason: string };
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

/** No metric has a value: there is no metrics API. */
function unmeasured({ metadata, spec }: HorizontalPodAutoscaler, current: number): Finding {
  const metrics = spec?.metrics ?? [];
  const [first] = metrics.map((metric) => failureOf(metric, metadata.namespace ?? ''));
  if (!first) return { conditions: [GOT], current, warnings: [] };
  const inactive = condition('ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.message}`);
  const invalid = `invalid metrics (${metrics.length} invalid out of ${metrics.length})`;
  const all = `${invalid}, first error is: failed to get ${first.what} metric value: ${first.message}`;
  return { conditions: [GOT, inactive], current, warnings: [first, { reason: 'FailedComputeMetricsReplicas', message: all }] };
}

function found({ autoscaler, target, missing }: AutoscalerSnapshot): Finding {
  if (!target) {
    const message = `the HPA controller was unable to get the target's current scale: ${missing}`;
    const warnings = [{ reason: 'FailedGetScale', message: missing }];
    return { conditions: [condition('AbleToScale', 'False', 'FailedGetScale', message)], current: 0, warnings };
  }
  const { minReplicas = 1, maxReplicas = 1 } = autoscaler.spec ?? {};
  const current = target.object.spec?.replicas ?? 1;
  if (current === 0 && minReplicas !== 0) {
    return { conditions: [GOT, condition('ScalingActive', 'False', 'ScalingDisabled', DISABLED)], current, warnings: [] };
  }
  if (current > maxReplicas) return resized(current, maxReplicas, 'Current number of replicas above Spec.MaxReplicas');
  if (current < minReplicas) return resized(current, minReplicas, 'Current number of replicas below Spec.MinReplicas');
  return unmeasured(autoscaler, current);
}

function resized(current: number, replicas: number, reason: string): Finding {
  const message = `the HPA controller was able to update the target scale to ${replicas}`;
  return { conditions: [condition('AbleToScale', 'True', 'SucceededRescale', message)], current, size: { replicas, reason }, warnings: [] };
}

/** A condition that differs in its words moves too, without a new time of transition. */
const withAll = (
  before: HorizontalPodAutoscalerStatus['conditions'],
  next: readonly Condition[],
  now: Instant,
): readonly HorizontalPodAutoscalerCondition[] =>
  next.reduce<readonly HorizontalPodAutoscalerCondition[]>((all, one) => withCondition(all, one, now), before ?? []);

function scaleTo({ resource, object }: ScaleTarget, replicas: number): Change {
  const { name = '', namespace = '', resourceVersion } = object.metadata;
  const metadata = { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  const scale: Scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata, spec: { replicas } };
  return { verb: 'update', resource, subresource: 'scale', object: scale };
}

/**
 * Keeps a target within its autoscaler's bounds, and says that nothing more can be known: metrics come from an API
 * that is aggregated, and where none is every one of them fails.
 */
export const reconcileAutoscaler: Reconcile<AutoscalerSnapshot> = (snapshot, now) => {
  const { autoscaler, target } = snapshot;
  if (autoscaler.metadata.deletionTimestamp !== undefined) return { changes: [] };
  const { conditions, current, size, warnings } = found(snapshot);
  const { status } = autoscaler;
  const next = {
    ...(status?.lastScaleTime === undefined ? {} : { lastScaleTime: status.lastScaleTime }),
    ...(size ? { lastScaleTime: formatTime(now) } : {}),
    ...(current > 0 ? { currentReplicas: current } : {}),
    desiredReplicas: size?.replicas ?? status?.desiredReplicas ?? 0,
    currentMetrics: null,
    conditions: withAll(status?.conditions, conditions, now),
  } as unknown as HorizontalPodAutoscalerStatus;
  const isNew = conditions.some(({ type, reason }) => conditionOf(status?.conditions, type)?.reason !== reason);
  const object: HorizontalPodAutoscaler = { ...autoscaler, status: next };
  const told = warnings.map(({ reason, message }) => tell(COMPONENT, { about: autoscaler, type: 'Warning', reason, message }, now));
  const message = `New size: ${size?.replicas ?? 0}; reason: ${size?.reason ?? ''}`;
  return {
    changes: [
      ...(size && target ? [scaleTo(target, size.replicas)] : []),
      ...(size ? [tell(COMPONENT, { about: autoscaler, type: 'Normal', reason: 'SuccessfulRescale', message }, now)] : []),
      ...(deepEqual(next, status)
        ? []
        : [{ verb: 'update', resource: HORIZONTALPODAUTOSCALERS, subresource: 'status', object } satisfies Change]),
      ...(isNew ? told : []),
    ],
  };
};

/** Says on the autoscaler that its target could not be scaled. */
export function refuseAutoscaler({ autoscaler }: AutoscalerSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.verb === 'update' && change.subresource === 'scale');
  if (!refusal) return [];
  return [tell(COMPONENT, { about: autoscaler, type: 'Warning', reason: 'FailedRescale', message: refusal.message }, now)];
}
