import type { Family, Series } from './family.js';

/** The media type of `textOf`. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const number = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : Number.isNaN(value) ? 'NaN' : String(value);

const quoted = (text: string): string => `"${text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"')}"`;

function labelled(names: readonly string[], values: readonly string[], last?: string): string {
  const pairs = names.map((name, i) => `${name}=${quoted(values[i] ?? '')}`);
  if (last !== undefined) pairs.push(last);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function linesOf({ name, labels, buckets }: Family, { labels: values, value, counts }: Series): readonly string[] {
  if (counts === undefined) return [`${name}${labelled(labels, values)} ${number(value)}`];
  let sum = 0;
  const ends = [...buckets, Infinity].map((end, i) => {
    sum += counts[i] ?? 0;
    return `${name}_bucket${labelled(labels, values, `le="${number(end)}"`)} ${sum}`;
  });
  return [...ends, `${name}_sum${labelled(labels, values)} ${number(value)}`, `${name}_count${labelled(labels, values)} ${sum}`];
}

/** Families in Prometheus' text format, version 0.0.4. Those without a series are left out. */
export const textOf = (families: readonly Family[]): string =>
  families
    .filter(({ series }) => series.length > 0)
    .map((family) => {
      const { name, help, type, series } = family;
      const head = [`# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`, `# TYPE ${name} ${type}`];
      return `${[...head, ...series.flatMap((one) => linesOf(family, one))].join('\n')}\n`;
    })
    .join('');
