import type { Instant } from '#libs/apimachinery';
import { AS_EXPECTED, type ConditionReport } from './condition.js';

/** One look at both clocks of a process. */
export interface ClockReading {
  /** What the machine says the time is. */
  readonly wall: Instant;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyMs: number;
}

/** What is known of a machine's clock. */
export interface ClockSeen {
  readonly last: ClockReading;
  /** How far it was moved when it was last, and when that was by the clock that nobody sets. */
  readonly jump?: { readonly byMs: number; readonly steadyMs: number };
}

/** A clock that is moved by less than this is being corrected, which harms nothing. */
export const JUMP_MS = 2_000;
/** A jump is spoken of for so long: by then what was timed by the old time is over. */
export const JUMP_SHOWN_MS = 5 * 60_000;
/** Clocks that differ by more than this tell two stories of when something was. */
export const SKEW_MS = 2_000;

/** What is known after one more look. */
export function afterReading(before: ClockSeen | undefined, last: ClockReading): ClockSeen {
  if (before === undefined) return { last };
  const byMs = last.wall - before.last.wall - (last.steadyMs - before.last.steadyMs);
  if (Math.abs(byMs) >= JUMP_MS) return { last, jump: { byMs, steadyMs: last.steadyMs } };
  const { jump } = before;
  return jump === undefined || last.steadyMs - jump.steadyMs >= JUMP_SHOWN_MS ? { last } : { last, jump };
}

const seconds = (ms: number): string => `${Math.abs(ms / 1_000).toFixed(1)} s`;

/** How a machine's clock stands. `aheadMs`: how far the clock of the log's server is ahead of it, where that is known. */
export function clockReport({ jump }: ClockSeen, aheadMs: number | undefined): ConditionReport {
  if (jump !== undefined) {
    const way = jump.byMs > 0 ? 'forward' : 'back';
    const message = `this machine's clock was moved ${way} by ${seconds(jump.byMs)}, or it slept: what is due by the clock comes early or late`;
    return { state: 'degraded', reason: 'Jumped', message };
  }
  if (aheadMs === undefined || Math.abs(aheadMs) < SKEW_MS) return AS_EXPECTED;
  const way = aheadMs > 0 ? 'behind' : 'ahead of';
  const message = `this machine's clock is ${seconds(aheadMs)} ${way} that of the log's server: set both by the same source (NTP)`;
  return { state: 'degraded', reason: 'Skewed', message };
}
