import { AGE, NAME, column } from '../../columns.js';
import { fill, within } from '../../defaulting.js';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { HORIZONTALPODAUTOSCALERS } from '../../resources.js';
import { standardStrategy, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { validateAutoscaler, validateAutoscalerStatus } from './horizontalpodautoscaler-validation.js';

const CPU_TARGET: MetricSpec = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
} as const;
const SCALE_DOWN = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } as const;

const behaviorDefaults = (sent: HorizontalPodAutoscalerBehavior): HorizontalPodAutoscalerBehavior => {
  const behavior = fill(sent, { scaleUp: SCALE_UP, scaleDown: SCALE_DOWN });
  return within(
    within(behavior, 'scaleUp', (rules) => fill(rules, SCALE_UP)),
    'scaleDown',
    (rules) => fill(rules, SCALE_DOWN),
  );
};

function specDefaults(sent: HorizontalPodAutoscalerSpec): HorizontalPodAutoscalerSpec {
  const spec = fill(sent, { minReplicas: 1 });
  const measured = (spec.metrics ?? []).length > 0 ? spec : { ...spec, metrics: [CPU_TARGET] };
  return within(measured, 'behavior', behaviorDefaults);
}

/** What a new autoscaler has; a list that is not there is null, as Go writes it. */
const NOT_YET = { desiredReplicas: 0, currentMetrics: null } as unknown as HorizontalPodAutoscalerStatus;

const UNKNOWN = '<unknown>';
const MOST_SHOWN = 2;
type Current = MetricValueStatus | undefined;

const average = (current: Current, target: MetricTarget): string => `${current?.averageValue ?? UNKNOWN}/${target.averageValue ?? ''}`;
const byValue = (current: Current, target: MetricTarget): string =>
  target.averageValue === undefined ? `${current?.value ?? UNKNOWN}/${target.value ?? ''}` : `${average(current, target)} (avg)`;

function ofResource(name: string, current: Current, target: MetricTarget): string {
  if (target.averageValue !== undefined) return `${name}: ${average(current, target)}`;
  const percent = (value: number | undefined, none: string): string => (value === undefined ? none : `${value}%`);
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target.averageUtilization, '<auto>')}`;
}

/** What is measured and what it should be. */
function targetText({ external, pods, object, resource, containerResource }: MetricSpec, status: MetricStatus | undefined): string {
  if (external) return byValue(status?.external?.current, external.target);
  if (pods) return average(status?.pods?.current, pods.target);
  if (object) return byValue(status?.object?.current, object.target);
  if (resource) return ofResource(resource.name, status?.resource?.current, resource.target);
  if (containerResource) return ofResource(containerResource.name, status?.containerResource?.current, containerResource.target);
  return '<unknown type>';
}

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const all = (spec?.metrics ?? []).map((metric, index) => targetText(metric, status?.currentMetrics?.[index]));
  if (all.length === 0) return '<none>';
  const shown = all.slice(0, MOST_SHOWN).join(', ');
  return all.length > MOST_SHOWN ? `${shown} + ${all.length - MOST_SHOWN} more...` : shown;
}

export const horizontalpodautoscalers = kindOf<HorizontalPodAutoscaler>(HORIZONTALPODAUTOSCALERS, 'HorizontalPodAutoscaler', {
  scope: 'Namespaced',
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: [statusOf('HorizontalPodAutoscaler')],
  strategy: standardStrategy<HorizontalPodAutoscaler>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) => ({ ...object, status: NOT_YET }),
    prepareForUpdate: (next, old) => withStatusOf(next, old),
    validate: (object) => validateAutoscaler(object),
    validateUpdate: validateAutoscaler,
    validateStatusUpdate: (next) => validateAutoscalerStatus(next),
  }),
  columns: [
    NAME,
    column('Reference', ({ spec }) => `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`),
    column('Targets', targets),
    column('MinPods', ({ spec }) => `${spec?.minReplicas ?? '<unset>'}`),
    column('MaxPods', ({ spec }) => spec?.maxReplicas ?? 0, 'integer'),
    column('Replicas', ({ status }) => status?.currentReplicas ?? 0, 'integer'),
    AGE,
  ],
});
