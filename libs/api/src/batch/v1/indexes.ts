import { quoted } from '#libs/apimachinery';

/** A text that is no list of indexes such as `0,2-4`; the message is upstream's. */
export class IndexesError extends Error {}

/** Indexes from the first to the last, both included. */
export type IndexInterval = readonly [first: number, last: number];

function parseIndex(text: string, completions: number): number {
  if (!/^[+-]?\d{1,10}$/.test(text)) throw new IndexesError(`cannot convert string to integer for index: ${quoted(text)}`);
  const index = Number(text);
  if (index >= completions) throw new IndexesError(`too large index: ${quoted(text)}`);
  return index;
}

function parseInterval(text: string, completions: number): IndexInterval {
  const [low = '', high, ...more] = text.split('-');
  if (more.length > 0) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'";
    throw new IndexesError(`the fragment ${quoted(text)} ${rule}`);
  }
  const first = parseIndex(low, completions);
  if (high === undefined) return [first, first];
  const last = parseIndex(high, completions);
  if (first >= last) throw new IndexesError(`non-increasing order, previous: ${first}, current: ${last}`);
  return [first, last];
}

/** The intervals in a list of indexes such as `0,2-4`, in order. Throws an IndexesError. */
export function parseIndexes(text: string, completions: number): readonly IndexInterval[] {
  if (text === '') return [];
  let previous = -1;
  return text.split(',').map((part) => {
    const interval = parseInterval(part, completions);
    if (previous >= interval[0]) throw new IndexesError(`non-increasing order, previous: ${previous}, current: ${interval[0]}`);
    previous = interval[1];
    return interval;
  });
}

/** How many indexes there are in intervals. */
export const countOfIndexes = (intervals: readonly IndexInterval[]): number =>
  intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** The first index that is in both of two lists. */
export function overlapOf(a: readonly IndexInterval[], b: readonly IndexInterval[]): number | undefined {
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [low, high] = a[i] as IndexInterval;
    const [first, last] = b[j] as IndexInterval;
    if (low <= last && first <= high) return Math.max(low, first);
    if (low <= first) i++;
    else j++;
  }
  return undefined;
}

/** Indexes in order as a list such as `0,2-4`: two in a row are written apart, as upstream does. */
export function indexesText(sorted: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    const first = sorted[i] as number;
    let last = first;
    while (i < sorted.length && sorted[i] === last) {
      i++;
      if (sorted[i] === last + 1) last++;
    }
    parts.push(first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`);
  }
  return parts.join(',');
}
