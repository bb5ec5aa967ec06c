import type { Instant } from './reconcile.js';

const SECOND = 1000;

/** RFC 3339 with whole seconds in UTC, as metav1.Time is written: `2026-01-02T03:04:05Z`. */
export const formatTime = (instant: Instant): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;

/** RFC 3339 with microseconds in UTC, as metav1.MicroTime is written: `2026-01-02T03:04:05.678000Z`. */
export const formatMicroTime = (instant: Instant): string => `${new Date(instant).toISOString().slice(0, 23)}000Z`;

/** The instant of a timestamp as stored. Undefined for an absent one (Go's zero time is written as null). */
export function parseTime(text: string | null | undefined): Instant | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? undefined : instant;
}

/** A length of time as kubectl's AGE column prints it: two or three figures, e.g. `4m12s`, `3d5h`, `2y40d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 365 * 8 && days % 365 !== 0 ? `${years}y${days % 365}d` : `${years}y`;
}
