import type {
  CrossVersionObjectReference,
  LabelSelector,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../generated/types.js';

/** A source of metrics as autoscaling/v1 writes it into an annotation, wanted or seen: its members by the names of then. */
interface OldSource {
  readonly name?: string;
  readonly container?: string;
  readonly target?: CrossVersionObjectReference;
  readonly metricName?: string;
  readonly selector?: LabelSelector;
  readonly metricSelector?: LabelSelector;
  readonly averageValue?: string;
  readonly targetValue?: string;
  readonly targetAverageValue?: string;
  readonly targetAverageUtilization?: number;
  readonly currentValue?: string;
  readonly currentAverageValue?: string;
  readonly currentAverageUtilization?: number;
}

const MEMBERS = ['object', 'pods', 'resource', 'containerResource', 'external'] as const;
type Member = (typeof MEMBERS)[number];

/** One of the metrics in the annotations of autoscaling/v1. */
export type OldMetric = { readonly type: string } & { readonly [K in Member]?: OldSource };

/** Without the members that are undefined. */
const defined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

type Direction = 'target' | 'current';
type Values = Pick<MetricValueStatus, 'value' | 'averageValue' | 'averageUtilization'>;
type AnySource = {
  readonly name?: string;
  readonly container?: string;
  readonly metric?: MetricIdentifier;
  readonly describedObject?: CrossVersionObjectReference;
} & { readonly [K in Direction]?: Values };

function oldSource(member: Member, source: AnySource, direction: Direction): OldSource {
  const { name, container, metric, describedObject } = source;
  const { value, averageValue, averageUtilization } = source[direction] ?? {};
  if (member === 'object') {
    const seen = direction === 'target' ? { targetValue: value ?? averageValue ?? '0' } : { currentValue: value ?? '0' };
    return defined({ target: describedObject, metricName: metric?.name, ...seen, selector: metric?.selector, averageValue }) as OldSource;
  }
  const old = { name, metricName: metric?.name, [`${direction}AverageUtilization`]: averageUtilization };
  const values = { [`${direction}Value`]: value, [`${direction}AverageValue`]: averageValue };
  const selector = { [member === 'external' ? 'metricSelector' : 'selector']: metric?.selector };
  return defined({ ...old, ...values, ...selector, container }) as OldSource;
}

const oldMetric = (metric: MetricSpec | MetricStatus, direction: Direction): OldMetric =>
  Object.fromEntries(
    Object.entries(metric).map(([key, value]) => [
      key,
      (MEMBERS as readonly string[]).includes(key) ? oldSource(key as Member, value as AnySource, direction) : (value as unknown),
    ]),
  ) as OldMetric;

/** A metric that is wanted, and one that was seen, as the annotations of autoscaling/v1 have them. */
export const oldMetricSpec = (metric: MetricSpec): OldMetric => oldMetric(metric, 'target');
export const oldMetricStatus = (metric: MetricStatus): OldMetric => oldMetric(metric, 'current');

const typeOfTarget = ({ value, averageUtilization }: Values): string =>
  averageUtilization !== undefined ? 'Utilization' : value !== undefined ? 'Value' : 'AverageValue';

function valuesOf(member: Member, old: OldSource, direction: Direction): Values {
  if (member === 'object') {
    const value = direction === 'target' ? (old.averageValue === undefined ? old.targetValue : undefined) : old.currentValue;
    return defined({ value, averageValue: old.averageValue }) as Values;
  }
  const value = old[`${direction}Value`];
  return defined({
    value,
    averageValue: old[`${direction}AverageValue`],
    averageUtilization: old[`${direction}AverageUtilization`],
  }) as Values;
}

function source(member: Member, old: OldSource, direction: Direction): AnySource {
  const values = valuesOf(member, old, direction);
  const target: Values | MetricTarget = direction === 'target' ? { type: typeOfTarget(values), ...values } : values;
  const selector = old.selector ?? old.metricSelector;
  const metric: MetricIdentifier | undefined =
    old.metricName === undefined ? undefined : { name: old.metricName, ...(selector === undefined ? {} : { selector }) };
  return defined({ name: old.name, container: old.container, describedObject: old.target, metric, [direction]: target }) as AnySource;
}

const metric = (old: OldMetric, direction: Direction): unknown =>
  Object.fromEntries(
    Object.entries(old).map(([key, value]) => [
      key,
      (MEMBERS as readonly string[]).includes(key) ? source(key as Member, value as OldSource, direction) : (value as unknown),
    ]),
  );

/** What the annotations of autoscaling/v1 say, as a metric that is wanted and as one that was seen. */
export const metricSpecOf = (old: OldMetric): MetricSpec => metric(old, 'target') as MetricSpec;
export const metricStatusOf = (old: OldMetric): MetricStatus => metric(old, 'current') as MetricStatus;
