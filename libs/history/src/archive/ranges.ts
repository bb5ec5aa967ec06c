import type { Sequence } from '#libs/log';

/** Sequences that follow each other, both ends included. */
export interface Range {
  readonly from: Sequence;
  readonly to: Sequence;
}

const RANGE = /^([1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/;

/** Ranges as text: `1-5,7,9-12`. */
export const formatRanges = (ranges: readonly Range[]): string =>
  ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',');

/** The ranges that a text names, ascending and apart from each other. Throws SyntaxError on anything `formatRanges` can't have written. */
export function parseRanges(text: string): readonly Range[] {
  let last = -1;
  return text.split(',').map((part) => {
    const [whole, first, second] = RANGE.exec(part) ?? [];
    const [from, to] = [Number(first), Number(second ?? first)];
    const isNext = whole !== undefined && (last === -1 || from > last + 1) && (second === undefined || to > from);
    if (!isNext) throw new SyntaxError(`no ranges: ${JSON.stringify(part)}`);
    last = to;
    return { from, to };
  });
}

/** The ranges of ascending sequences, lengthened by one more. */
export function lengthened(ranges: Range[], sequence: Sequence): void {
  const last = ranges.at(-1);
  if (last?.to === sequence - 1) ranges[ranges.length - 1] = { from: last.from, to: sequence };
  else ranges.push({ from: sequence, to: sequence });
}

/** How many sequences there are in ranges. */
export const countOf = (ranges: readonly Range[]): number => ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
