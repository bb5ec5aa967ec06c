import type { Instant } from '#libs/apimachinery';

/** How long the next failure makes one wait, and since when that holds. */
export interface Backoff {
  readonly delayMs: number;
  readonly updatedAt: Instant;
}

const FIRST_MS = 10_000;
const MOST_MS = 300_000;

/** Twice the delay of before, from ten seconds to five minutes; back to the first after ten quiet minutes. */
export function nextBackoff(before: Backoff | undefined, failedAt: Instant, now: Instant): Backoff {
  const expired = before === undefined || failedAt - before.updatedAt > 2 * MOST_MS;
  return { delayMs: expired ? FIRST_MS : Math.min(MOST_MS, before.delayMs * 2), updatedAt: now };
}

/** Until when a failure at `failedAt` is to be waited out; undefined when it need not be. */
export function backoffUntil(backoff: Backoff | undefined, failedAt: Instant, now: Instant): Instant | undefined {
  if (!backoff || failedAt - backoff.updatedAt > 2 * MOST_MS) return undefined;
  const until = failedAt + backoff.delayMs;
  return now < until ? until : undefined;
}

/** A duration as Go prints it: `10s`, `1m20s`, `1h0m0s`, `1.5s`, `250ms`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}
