/**
 * What a metric is. The values of its labels come from small sets that are known beforehand or bounded by the API: verbs, resources,
 * outcomes; never the name of an object or of a user.
 */
export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A number that only grows. */
export interface Count {
  /** One more, unless it is said how many. */
  add(amount?: number): void;
}

/** A number that rises and falls. */
export interface Level {
  set(value: number): void;
  add(amount: number): void;
}

/** How often which sizes were seen. */
export interface Distribution {
  observe(value: number): void;
}

/** A metric's series, by the values of its labels in their order. What `of` gives may be kept: using it then costs an addition. */
export interface Metric<Cell> {
  of(...values: readonly string[]): Cell;
}

/** A value that is asked for when somebody looks. */
export interface Asked {
  readonly labels: readonly string[];
  readonly value: number;
}

/** Where a process counts what it does. A metric that is described twice is the same one. */
export interface Metrics {
  counter(description: MetricDescription): Metric<Count>;
  gauge(description: MetricDescription): Metric<Level>;
  /** `buckets`: upper ends, rising. */
  histogram(description: MetricDescription & { readonly buckets: readonly number[] }): Metric<Distribution>;
  /** A metric that costs nothing until somebody looks; returns how to end it. Several who answer for one metric are added up. */
  ask(description: MetricDescription & { readonly type: 'counter' | 'gauge' }, values: () => Iterable<Asked>): () => void;
}

const NOTHING: Count & Level & Distribution = { add: () => undefined, set: () => undefined, observe: () => undefined };
const NO_METRIC: Metric<Count & Level & Distribution> = { of: () => NOTHING };

/** Counts nothing. */
export const NO_METRICS: Metrics = {
  counter: () => NO_METRIC,
  gauge: () => NO_METRIC,
  histogram: () => NO_METRIC,
  ask: () => () => undefined,
};

/** So many buckets, each so many times as wide as the one before. */
export const exponentialBuckets = (first: number, factor: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Number((first * factor ** i).toPrecision(12)));
