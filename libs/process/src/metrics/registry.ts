import type { Asked, Count, Distribution, Level, Metric, MetricDescription, Metrics } from '#libs/runtime';
import type { Family, Series } from './family.js';

/** Series of one metric; what comes beyond is counted nowhere, so that no client can fill the memory. */
const MOST_SERIES = 20_000;

/** A series' number, or a histogram's sum and hits. */
class Cell implements Count, Level, Distribution {
  value = 0;
  readonly counts: Float64Array | undefined;

  constructor(
    readonly labels: readonly string[],
    private readonly buckets: readonly number[] | undefined,
  ) {
    this.counts = buckets && new Float64Array(buckets.length + 1);
  }

  add(amount = 1): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }

  observe(value: number): void {
    const { buckets, counts } = this;
    if (!buckets || !counts) return;
    let i = 0;
    while (i < buckets.length && value > (buckets[i] ?? 0)) i += 1;
    counts[i] = (counts[i] ?? 0) + 1;
    this.value += value;
  }
}

type Branch = Map<string, Branch | Cell>;

/** One metric: its cells in a tree, a level for each label, so that finding one builds no text. */
class Table implements Metric<Cell> {
  readonly cells: Cell[] = [];
  readonly asked = new Set<() => Iterable<Asked>>();
  private readonly root: Branch = new Map();
  private readonly beyond: Cell;

  constructor(
    readonly type: Family['type'],
    readonly description: MetricDescription,
    readonly buckets: readonly number[] | undefined,
  ) {
    this.beyond = new Cell([], buckets);
  }

  of(...values: readonly string[]): Cell {
    const depth = this.description.labels?.length ?? 0;
    if (values.length !== depth) throw new RangeError(`${this.description.name} has ${depth} labels, not ${values.length}`);
    let branch = this.root;
    for (let i = 0; i < depth - 1; i++) {
      const value = values[i] ?? '';
      let next = branch.get(value);
      if (!(next instanceof Map)) {
        next = new Map();
        branch.set(value, next);
      }
      branch = next;
    }
    const last = depth === 0 ? '' : (values[depth - 1] ?? '');
    const found = branch.get(last);
    if (found instanceof Cell) return found;
    if (this.cells.length >= MOST_SERIES) return this.beyond;
    const cell = new Cell(values, this.buckets);
    branch.set(last, cell);
    this.cells.push(cell);
    return cell;
  }

  get family(): Family {
    const { name, help, labels = [] } = this.description;
    const counted = this.cells.map(({ labels: values, value, counts }): Series => ({
      labels: values,
      value,
      ...(counts ? { counts: [...counts] } : {}),
    }));
    const asked = [...this.asked].flatMap((values) => [...values()]);
    return { name, help, type: this.type, labels, buckets: this.buckets ?? [], series: [...counted, ...asked] };
  }
}

/** The metrics of a process, or of a thread of it. */
export class MetricsRegistry implements Metrics {
  private readonly tables = new Map<string, Table>();

  counter(description: MetricDescription): Metric<Count> {
    return this.table('counter', description);
  }

  gauge(description: MetricDescription): Metric<Level> {
    return this.table('gauge', description);
  }

  histogram(description: MetricDescription & { readonly buckets: readonly number[] }): Metric<Distribution> {
    return this.table('histogram', description, description.buckets);
  }

  ask(description: MetricDescription & { readonly type: 'counter' | 'gauge' }, values: () => Iterable<Asked>): () => void {
    const { asked } = this.table(description.type, description);
    asked.add(values);
    return () => asked.delete(values);
  }

  /** All metrics as they are now. */
  families(): readonly Family[] {
    return [...this.tables.values()].map(({ family }) => family);
  }

  private table(type: Family['type'], description: MetricDescription, buckets?: readonly number[]): Table {
    const { name, labels = [] } = description;
    const known = this.tables.get(name);
    if (known) {
      const same = known.type === type && (known.description.labels ?? []).join() === labels.join();
      if (!same) throw new RangeError(`the metric ${name} is described in two ways`);
      return known;
    }
    const table = new Table(type, description, buckets);
    this.tables.set(name, table);
    return table;
  }
}
