import type { Moment } from './operation.js';

/** Something that was told a position of the log: a write its resourceVersion, a list its own. */
export interface Stamped {
  /** What it was, for people. */
  readonly what: string;
  readonly version: number;
  readonly from: Moment;
  readonly to: Moment;
}

/** Two that were told positions against the order in which they happened. */
export interface Disorder {
  readonly earlier: Stamped;
  readonly later: Stamped;
}

/**
 * The places where positions do not rise with time: `later` began after `earlier` had been answered and was told less. Objects of one
 * stream share its order, so this holds across them. `strictly`: equal positions are wrong as well, as of two writes.
 */
export function disorders(stamped: readonly Stamped[], strictly: (a: Stamped, b: Stamped) => boolean): readonly Disorder[] {
  const byEnd = [...stamped].sort((a, b) => a.to - b.to);
  const found: Disorder[] = [];
  let highest: Stamped | undefined;
  let at = 0;
  for (const later of [...stamped].sort((a, b) => a.from - b.from)) {
    for (let next = byEnd[at]; next && next.to < later.from; next = byEnd[++at]) {
      if (highest === undefined || next.version > highest.version) highest = next;
    }
    if (highest === undefined) continue;
    const isLess = later.version < highest.version || (later.version === highest.version && strictly(highest, later));
    if (isLess) found.push({ earlier: highest, later });
  }
  return found;
}
