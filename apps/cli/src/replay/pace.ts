/** How long to wait before what comes next, and how much of the time between is left out. */
export interface Pause {
  readonly waitMs: number;
  /** Of the time as it was; 0: nothing is left out. */
  readonly skippedMs: number;
}

/** A wait longer than this is cut to it. */
const LONGEST_MS = 2_000;

/** The pause between two moments at a speed; `Infinity`: none at all. */
export function pauseBetween(before: number, next: number, speed: number): Pause {
  const gap = Math.max(0, next - before);
  const waitMs = Math.round(gap / speed);
  return waitMs <= LONGEST_MS ? { waitMs, skippedMs: 0 } : { waitMs: LONGEST_MS, skippedMs: gap - Math.round(LONGEST_MS * speed) };
}
