import { calendarOf, zoneOffsetMs, type Instant } from '#libs/apimachinery';

/** A part of a zone's name; digits and + only for names of old. */
const NAME_PART = /^[A-Za-z.\-_0-9+]{1,14}$/;

/** Whether a name is one of a zone: an offset such as `+02:00`, which engines take too, is none. */
export function isTimeZone(name: string): boolean {
  const parts = name.split('/');
  if (parts.some((part) => part === '.' || part === '..' || part.startsWith('-') || !NAME_PART.test(part))) return false;
  if (name === 'UTC') return true;
  if (/^[+\d]/.test(name)) return false;
  try {
    calendarOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What clocks and calendars of a zone show. Months from 1; days of the week from Sunday, 0. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** What they show at an instant. */
export function wallTimeAt(zone: string, at: Instant): WallTime {
  const shifted = new Date(at + zoneOffsetMs(zone, at));
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    weekday: shifted.getUTCDay(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
  };
}

const MINUTE = 60_000;
const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** An instant in RFC 3339 with whole seconds, by the clocks of a zone: `2026-01-01T11:00:00+01:00`. */
export function zonedTime(zone: string, at: Instant): string {
  const offset = Math.round(zoneOffsetMs(zone, at) / MINUTE);
  const wall = new Date(at + offset * MINUTE).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const ahead = Math.abs(offset);
  return `${wall}${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(ahead / 60))}:${twoDigits(ahead % 60)}`;
}

const HOUR = 3_600_000;

/** The instant at which a day begins; days and months out of range count on, as in Go's time.Date. */
export function startOfDay(zone: string, year: number, month: number, day: number): Instant {
  const wall = Date.UTC(year, month - 1, day);
  const guess = wall - zoneOffsetMs(zone, wall - zoneOffsetMs(zone, wall));
  // Where clocks go forward at midnight, no instant shows it: the day begins when they have.
  return guess + zoneOffsetMs(zone, guess) < wall ? guess + HOUR : guess;
}
