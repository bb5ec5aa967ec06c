import { humanDuration, labelSelectorOf, parseTime, type Instant, type KubeObject } from '#libs/apimachinery';
import type { PrinterColumn } from './definition.js';
import type { Container, LabelSelector } from './generated/types.js';

/** A column shown always, or (`wideColumn`) with `-o wide` only. */
export const column = <T extends KubeObject>(
  name: string,
  cell: PrinterColumn<T>['cell'],
  type: PrinterColumn<T>['type'] = 'string',
): PrinterColumn<T> => ({ name, type, priority: 0, cell });

export const wideColumn = <T extends KubeObject>(name: string, cell: PrinterColumn<T>['cell']): PrinterColumn<T> => ({
  name,
  type: 'string',
  priority: 1,
  cell,
});

/** How long ago an RFC 3339 time was, as kubectl says it; `<unknown>` where there is none. */
export function ago(time: string | undefined, now: Instant): string {
  const then = parseTime(time);
  return then === undefined ? '<unknown>' : humanDuration(now - then);
}

export const NAME: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  cell: ({ metadata }) => metadata.name ?? '',
};
export const AGE: PrinterColumn = {
  name: 'Age',
  type: 'string',
  priority: 0,
  cell: ({ metadata }, now) => ago(metadata.creationTimestamp, now),
};

/** `a,b,c + 2 more...`: at most three of many. */
export function firstThree(all: readonly string[]): string {
  const shown = all.slice(0, 3).join(',');
  return all.length > 3 ? `${shown} + ${all.length - 3} more...` : shown;
}

/** Labels as `a=b,c=d`, sorted; `<none>` where there are none. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

/** A selector as text, requirements sorted by key: `a=b,c in (d,e),!f`; empty where it selects everything. */
export const selectorText = (selector: LabelSelector | undefined): string => labelSelectorOf(selector).toString();

/** Names, or images, of containers with commas between. */
export const listed = (containers: readonly Container[] | undefined, field: 'name' | 'image'): string =>
  (containers ?? []).map((container) => container[field] ?? '').join(',');
