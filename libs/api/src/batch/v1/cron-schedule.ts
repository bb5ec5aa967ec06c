import { quoted, type Instant } from '#libs/apimachinery';
import { DurationError, parseGoDuration } from './go-duration.js';
import { isTimeZone, startOfDay, wallTimeAt, type WallTime } from './time-zone.js';

/** A text that is no schedule, in the words of upstream's parser. */
export class CronScheduleError extends Error {}

/** The values of one field that match; `star` where it was left open, which decides how the two kinds of days combine. */
interface CronField {
  readonly matches: readonly boolean[];
  readonly star: boolean;
}

/** When a CronJob is to run: at the times its fields match, or every so often. */
export type CronSchedule =
  | {
      readonly minute: CronField;
      readonly hour: CronField;
      readonly dayOfMonth: CronField;
      readonly month: CronField;
      readonly dayOfWeek: CronField;
      /** Where the schedule itself names a zone. */
      readonly zone?: string;
    }
  | { readonly everyMs: number };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS = {
  minute: { min: 0, max: 59, names: [] },
  hour: { min: 0, max: 23, names: [] },
  dayOfMonth: { min: 1, max: 31, names: [] },
  month: { min: 1, max: 12, names: MONTHS },
  dayOfWeek: { min: 0, max: 6, names: WEEKDAYS },
} as const satisfies Readonly<Record<string, Bounds>>;

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

function parseNumber(text: string): number {
  if (!/^[+-]?\d{1,18}$/.test(text)) {
    throw new CronScheduleError(`failed to parse int from ${text}: strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  }
  return Number(text);
}

function parseValue(text: string, { names }: Bounds): number {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase());
  return named >= 0 ? named : parseNumber(text);
}

/** The ends of `*`, `3` or `3-5`. */
function parseEnds(
  expression: string,
  range: string,
  bounds: Bounds,
): { readonly start: number; readonly end: number; readonly star: boolean } {
  const [low = '', high, ...more] = range.split('-');
  if (low === '*' || low === '?') return { start: bounds.min, end: bounds.max, star: true };
  const start = parseValue(low, bounds);
  if (more.length > 0) throw new CronScheduleError(`too many hyphens: ${expression}`);
  return { start, end: high === undefined ? start : parseValue(high, bounds), star: false };
}

/** Marks what `3`, `3-5`, `*` and the like with `/step` match; whether that leaves the field open. */
function parseRange(expression: string, bounds: Bounds, matches: boolean[]): boolean {
  const [range = '', stepText, ...more] = expression.split('/');
  const ends = parseEnds(expression, range, bounds);
  if (more.length > 0) throw new CronScheduleError(`too many slashes: ${expression}`);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  const end = stepText !== undefined && !range.includes('-') ? bounds.max : ends.end;
  const { start } = ends;
  if (start < bounds.min) throw new CronScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`);
  if (end > bounds.max) throw new CronScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${expression}`);
  if (start > end) throw new CronScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`);
  if (step === 0) throw new CronScheduleError(`step of range should be a positive number: ${expression}`);
  for (let value = start; value <= end; value += step) matches[value] = true;
  return ends.star && step === 1;
}

function parseField(text: string, bounds: Bounds): CronField {
  const matches: boolean[] = Array<boolean>(bounds.max + 1).fill(false);
  let star = false;
  for (const expression of text.split(',')) if (expression !== '') star = parseRange(expression, bounds, matches) || star;
  return { matches, star };
}

function parseFields(text: string): CronSchedule {
  const fields = text.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5) throw new CronScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields;
  return {
    minute: parseField(minute, FIELDS.minute),
    hour: parseField(hour, FIELDS.hour),
    dayOfMonth: parseField(dayOfMonth, FIELDS.dayOfMonth),
    month: parseField(month, FIELDS.month),
    dayOfWeek: parseField(dayOfWeek, FIELDS.dayOfWeek),
  };
}

const EVERY = '@every ';
const SECOND = 1000;

function parseDescriptor(text: string): CronSchedule {
  const known = DESCRIPTORS[text];
  if (known !== undefined) return parseFields(known);
  if (!text.startsWith(EVERY)) throw new CronScheduleError(`unrecognized descriptor: ${text}`);
  try {
    const ms = parseGoDuration(text.slice(EVERY.length));
    return { everyMs: Math.max(SECOND, Math.floor(ms / SECOND) * SECOND) };
  } catch (error) {
    if (error instanceof DurationError) throw new CronScheduleError(`failed to parse duration ${text}: ${error.message}`);
    throw error;
  }
}

/** A CronJob's schedule. Throws a CronScheduleError for a text that is none. The grammar is that of robfig/cron v3. */
export function parseCronSchedule(text: string): CronSchedule {
  if (text === '') throw new CronScheduleError('empty spec string');
  const zoned = /^(?:CRON_)?TZ=(\S*)(?:\s+(.*))?$/.exec(text);
  const zone = zoned?.[1];
  if (zone !== undefined && zone !== '' && !isTimeZone(zone)) {
    throw new CronScheduleError(`provided bad location ${zone}: unknown time zone ${zone}`);
  }
  const rest = zoned ? (zoned[2] ?? '') : text;
  const schedule = rest.startsWith('@') ? parseDescriptor(rest) : parseFields(rest);
  return zone === undefined || 'everyMs' in schedule ? schedule : { ...schedule, zone: zone === '' ? 'UTC' : zone };
}

const MINUTE = 60 * SECOND;
const MOST_YEARS = 5;

const isMatch = ({ matches }: CronField, value: number): boolean => matches[value] === true;

/** Where both kinds of days are given, either suffices. */
function dayMatches({ dayOfMonth, dayOfWeek }: Exclude<CronSchedule, { readonly everyMs: number }>, { day, weekday }: WallTime): boolean {
  const [inMonth, inWeek] = [isMatch(dayOfMonth, day), isMatch(dayOfWeek, weekday)];
  return dayOfMonth.star || dayOfWeek.star ? inMonth && inWeek : inMonth || inWeek;
}

/**
 * The first time after an instant, by the clocks of a zone; undefined where five years have none. A time that clocks
 * skip when they go forward does not happen, and one that they show twice happens twice, as upstream.
 */
export function nextScheduleTime(schedule: CronSchedule, after: Instant, zone = 'UTC'): Instant | undefined {
  if ('everyMs' in schedule) return Math.floor(after / SECOND) * SECOND + schedule.everyMs;
  const where = schedule.zone ?? zone;
  let at = Math.floor(after / MINUTE) * MINUTE + MINUTE;
  const last = wallTimeAt(where, at).year + MOST_YEARS;
  for (;;) {
    const wall = wallTimeAt(where, at);
    if (wall.year > last) return undefined;
    if (!isMatch(schedule.month, wall.month)) at = startOfDay(where, wall.year, wall.month + 1, 1);
    else if (!dayMatches(schedule, wall)) at = startOfDay(where, wall.year, wall.month, wall.day + 1);
    else if (!isMatch(schedule.hour, wall.hour)) at += (60 - wall.minute) * MINUTE;
    else if (!isMatch(schedule.minute, wall.minute)) at += MINUTE;
    else return at;
  }
}
