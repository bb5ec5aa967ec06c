import type { Instant } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';

/** A moment of the past as people write it: an event of the stream `state`, a time, or how long ago. */
export type Moment =
  | { readonly kind: 'sequence'; readonly sequence: Sequence }
  | { readonly kind: 'time'; readonly time: Instant }
  | { readonly kind: 'age'; readonly ageMs: number };

const SEQUENCE = /^\d{1,15}$/;
/** Days, hours, minutes and seconds, each at most once and in this order: `90m`, `1d12h`. */
const AGE = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000];
const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** What a moment may look like, in the words of a refusal. */
export const MOMENT_FORMS = 'a sequence (1234), an age (90s, 10m, 2h, 1d), an RFC 3339 time (2026-01-02T03:04:05Z) or now';

/** The moment that a text names; undefined for anything else. A day is meant in UTC, from its beginning. */
export function parseMoment(text: string): Moment | undefined {
  if (text === 'now') return { kind: 'age', ageMs: 0 };
  if (SEQUENCE.test(text)) return { kind: 'sequence', sequence: Number(text) };
  const age = AGE.exec(text);
  if (age !== null) {
    const ageMs = UNITS_MS.reduce((sum, unit, index) => sum + Number(age[index + 1] ?? 0) * unit, 0);
    return Number.isSafeInteger(ageMs) ? { kind: 'age', ageMs } : undefined;
  }
  const [, year, month, day] = DAY.exec(text) ?? TIME.exec(text) ?? [];
  // Date.parse takes the 31st of February for a day of March.
  if (year === undefined || Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : { kind: 'time', time };
}

/** The instant of a moment, where it is one without the log: undefined for a sequence. */
export const instantOf = (moment: Moment, now: Instant): Instant | undefined =>
  moment.kind === 'sequence' ? undefined : moment.kind === 'age' ? now - moment.ageMs : moment.time;

/** How fast the past may be replayed, and how slowly. */
const FASTEST = 1_000_000;
const SLOWEST = 0.001;

/** What a speed may look like, in the words of a refusal. */
export const SPEED_FORMS = `a number from ${SLOWEST} to ${FASTEST} (1x, 10x, 0.5), or max`;

/** How many times faster than it happened the past is to be replayed, `max` being Infinity; undefined for anything else. */
export function parseSpeed(text: string): number | undefined {
  if (text === 'max') return Infinity;
  const [, digits] = /^(\d{1,7}(?:\.\d{1,6})?)x?$/.exec(text) ?? [];
  const speed = Number(digits);
  return speed >= SLOWEST && speed <= FASTEST ? speed : undefined;
}

/** A moment, and the pace at which a watch is to go on from there. */
export interface PacedMoment {
  readonly moment: Moment;
  readonly speed?: number;
}

/**
 * What a path says behind `/at/`: a moment, and for clients that can add no query the pace (`10m;speed=10x`). A text
 * that is neither is answered with what is wrong with it.
 */
export function parsePacedMoment(text: string): PacedMoment | { readonly problem: string } {
  const [name = '', ...parameters] = text.split(';');
  const moment = parseMoment(name);
  if (moment === undefined) return { problem: `${JSON.stringify(name)} is no moment: it must be ${MOMENT_FORMS}` };
  if (parameters.length === 0) return { moment };
  const [, value] = parameters.length === 1 ? (/^speed=(.*)$/.exec(parameters[0] ?? '') ?? []) : [];
  if (value === undefined) return { problem: `${JSON.stringify(parameters.join(';'))} is unknown: only speed may follow a moment` };
  const speed = parseSpeed(value);
  return speed === undefined ? { problem: speedProblem(value) } : { moment, speed };
}

/** What is wrong with a speed that can't be read. */
export const speedProblem = (text: string): string => `${JSON.stringify(text)} is no speed: it must be ${SPEED_FORMS}`;
