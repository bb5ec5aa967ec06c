/** A metric with the values it has now: plain data, that one thread may hand to another. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Of a histogram: upper ends, rising, without the infinite one. */
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
}

/** One series: a value, or of a histogram the sum of what was seen and how often each bucket was hit, the infinite one last. */
export interface Series {
  readonly labels: readonly string[];
  readonly value: number;
  readonly counts?: readonly number[];
}

const keyOf = (labels: readonly string[]): string => labels.join('\0');

function added(a: Series, b: Series): Series {
  const value = a.value + b.value;
  if (a.counts === undefined || b.counts === undefined) return { ...a, value };
  const { counts } = b;
  return { ...a, value, counts: a.counts.map((count, i) => count + (counts[i] ?? 0)) };
}

/** Families of several sources as one: those of a name are one family, and series with the same labels are added up. Sorted by name. */
export function merged(families: readonly Family[]): readonly Family[] {
  const byName = new Map<string, Family[]>();
  for (const family of families) byName.set(family.name, [...(byName.get(family.name) ?? []), family]);
  return [...byName.values()]
    .flatMap(([first, ...more]) => (first ? [joined(first, more)] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function joined(first: Family, more: readonly Family[]): Family {
  const series = new Map<string, Series>();
  for (const one of [first, ...more].flatMap((family) => family.series)) {
    const key = keyOf(one.labels);
    const known = series.get(key);
    series.set(key, known ? added(known, one) : one);
  }
  return { ...first, series: [...series.values()] };
}
