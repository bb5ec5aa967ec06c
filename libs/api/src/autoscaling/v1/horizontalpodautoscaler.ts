import { isJsonObject, type ObjectMeta } from '#libs/apimachinery';
import type { Strategy } from '../../definition.js';
import type {
  AutoscalingV1HorizontalPodAutoscaler,
  AutoscalingV1HorizontalPodAutoscalerStatus,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  HPAScalingRules,
  MetricSpec,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1 } from '../../resources.js';
import { statusOf } from '../../verbs.js';
import { horizontalpodautoscalers } from '../v2/horizontalpodautoscaler.js';
import { metricSpecOf, metricStatusOf, oldMetricSpec, oldMetricStatus, type OldMetric } from './metrics.js';

type Old = AutoscalingV1HorizontalPodAutoscaler;

/** What autoscaling/v1 has no members for goes through annotations, as upstream. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

function withAnnotations(
  { annotations: sent, ...metadata }: ObjectMeta,
  added: Readonly<Record<string, unknown>>,
): { readonly metadata: ObjectMeta } {
  const annotations: Record<string, string> = { ...sent };
  for (const key of [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR]) delete annotations[key];
  for (const [key, value] of Object.entries(added)) if (value !== undefined) annotations[key] = JSON.stringify(value);
  return { metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations } };
}

/** The value in an annotation; undefined where it holds none that can be read. */
function annotated<T>({ annotations }: ObjectMeta, key: string, isOne: (value: unknown) => value is T): T | undefined {
  const text = annotations?.[key];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isOne(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isMetrics = (value: unknown): value is readonly OldMetric[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((each) => isJsonObject(each) && Object.values(each).every((part) => part !== null));
type Conditions = NonNullable<HorizontalPodAutoscalerStatus['conditions']>;
const isConditions = (value: unknown): value is Conditions => Array.isArray(value) && value.length > 0 && value.every(isJsonObject);

/** Scaling rules in the annotation bear the names of Go's fields. */
const oldRules = (rules: HPAScalingRules | undefined): unknown =>
  rules
    ? {
        StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
        SelectPolicy: rules.selectPolicy ?? null,
        Policies:
          rules.policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
        Tolerance: rules.tolerance ?? null,
      }
    : null;

const lowered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(lowered);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(members.map(([key, each]) => [key.charAt(0).toLowerCase() + key.slice(1), lowered(each)]));
};

const isCpuUtilization = ({ type, resource }: MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;

function oldStatus(status: HorizontalPodAutoscalerStatus): AutoscalingV1HorizontalPodAutoscalerStatus {
  const { observedGeneration, lastScaleTime, currentReplicas = 0, desiredReplicas, currentMetrics } = status;
  const cpu = (currentMetrics ?? []).find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu')?.resource?.current;
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    currentReplicas,
    desiredReplicas,
    ...(cpu?.averageUtilization === undefined ? {} : { currentCPUUtilizationPercentage: cpu.averageUtilization }),
  };
}

/** An autoscaler as autoscaling/v1 writes it. */
export function toV1({ metadata, spec, status }: HorizontalPodAutoscaler): Old {
  const metrics = spec?.metrics ?? [];
  const others = metrics.filter((each) => !isCpuUtilization(each));
  const utilization = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const { metrics: _metrics, behavior, ...rest } = spec ?? { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 };
  const current = status?.currentMetrics ?? [];
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    ...withAnnotations(metadata, {
      [METRICS]: others.length > 0 ? others.map(oldMetricSpec) : undefined,
      [CURRENT_METRICS]: current.length > 0 ? current.map(oldMetricStatus) : undefined,
      [CONDITIONS]: status?.conditions?.length ? status.conditions : undefined,
      [BEHAVIOR]: behavior ? { ScaleUp: oldRules(behavior.scaleUp), ScaleDown: oldRules(behavior.scaleDown) } : undefined,
    }),
    ...(spec ? { spec: { ...rest, ...(utilization === undefined ? {} : { targetCPUUtilizationPercentage: utilization }) } } : {}),
    ...(status ? { status: oldStatus(status) } : {}),
  };
}

function specOf({ metadata, spec }: Old): HorizontalPodAutoscalerSpec | undefined {
  if (!spec) return undefined;
  const { targetCPUUtilizationPercentage: averageUtilization, ...rest } = spec;
  const cpu: readonly MetricSpec[] =
    averageUtilization === undefined
      ? []
      : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }];
  const metrics = [...(annotated(metadata, METRICS, isMetrics) ?? []).map(metricSpecOf), ...cpu];
  const behavior = annotated(metadata, BEHAVIOR, isJsonObject);
  return {
    ...rest,
    ...(metrics.length > 0 ? { metrics } : {}),
    ...(behavior ? { behavior: lowered(behavior) as HorizontalPodAutoscalerBehavior } : {}),
  };
}

function statusFrom({ metadata, status }: Old): HorizontalPodAutoscalerStatus | undefined {
  if (!status) return undefined;
  const { currentCPUUtilizationPercentage: averageUtilization, currentReplicas, ...rest } = status;
  const seen = annotated(metadata, CURRENT_METRICS, isMetrics)?.map(metricStatusOf);
  const cpu = averageUtilization === undefined ? null : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } }];
  const conditions = annotated(metadata, CONDITIONS, isConditions);
  return {
    ...rest,
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    currentMetrics: seen ?? cpu,
    ...(conditions ? { conditions } : {}),
  } as HorizontalPodAutoscalerStatus;
}

/** An autoscaler that autoscaling/v1 wrote, as it is stored. */
export function fromV1(old: Old): HorizontalPodAutoscaler {
  const spec = specOf(old);
  const status = statusFrom(old);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    ...withAnnotations(old.metadata, {}),
    ...(spec ? { spec } : {}),
    ...(status ? { status } : {}),
  };
}

const { strategy: rules } = horizontalpodautoscalers;

/** The rules are those of autoscaling/v2, which both are judged as. */
const strategy: Strategy<Old> = {
  defaults: (object) => toV1(rules.defaults(fromV1(object))),
  prepareForCreate: (object, context) => toV1(rules.prepareForCreate(fromV1(object), context)),
  prepareForUpdate: (next, old, context) => toV1(rules.prepareForUpdate(fromV1(next), fromV1(old), context)),
  prepareForStatusUpdate: (next, old, context) => toV1(rules.prepareForStatusUpdate(fromV1(next), fromV1(old), context)),
  validate: (object) => rules.validate(fromV1(object)),
  validateUpdate: (next, old) => rules.validateUpdate(fromV1(next), fromV1(old)),
  validateStatusUpdate: (next, old) => rules.validateStatusUpdate(fromV1(next), fromV1(old)),
  warnings: () => [],
};

export const horizontalpodautoscalersV1 = kindOf<Old>(HORIZONTALPODAUTOSCALERS_V1, 'HorizontalPodAutoscaler', {
  scope: 'Namespaced',
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: [statusOf('HorizontalPodAutoscaler')],
  storage: {
    resource: HORIZONTALPODAUTOSCALERS,
    toStored: fromV1,
    fromStored: (stored) => toV1(stored as HorizontalPodAutoscaler),
  },
  strategy,
  columns: horizontalpodautoscalers.columns.map((one) => ({ ...one, cell: (object, now) => one.cell(fromV1(object), now) })),
});
