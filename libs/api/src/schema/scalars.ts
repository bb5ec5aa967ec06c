import { canonicalQuantity, QuantityFormatError, quoted, canonicalBase64 } from '#libs/apimachinery';

/** A value that a Go type can't hold; the message is what Go's decoder says, without the place. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch';

  constructor(
    /** What was found, as Go calls it: `string`, `number`, `number 1.5`, `object`, `array`, `bool`. */
    readonly found: string,
    /** The Go type it was to become. */
    readonly wanted: string,
  ) {
    super(`json: cannot unmarshal ${found} into Go value of type ${wanted}`);
  }
}

/** A value whose type decodes itself refuses it; the message is complete. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** What Go's decoder calls a JSON value. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

export function readString(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeMismatch(goKind(value), 'string');
}

export function readBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeMismatch(goKind(value), 'bool');
}

function readInteger(value: unknown, low: number, high: number, type: string): number {
  if (typeof value !== 'number') throw new TypeMismatch(goKind(value), type);
  if (!Number.isInteger(value) || value < low || value > high) throw new TypeMismatch(`number ${value}`, type);
  return value === 0 ? 0 : value;
}

export const readInt32 = (value: unknown): number => readInteger(value, -2147483648, 2147483647, 'int32');
/** Numbers beyond 2^53 lost digits in JSON.parse already; those in the range of int64 pass. */
export const readInt64 = (value: unknown): number => readInteger(value, -(2 ** 63), 2 ** 63 - 1024, 'int64');
export const readByte = (value: unknown): number => readInteger(value, 0, 255, 'uint8');

export function readDouble(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeMismatch(goKind(value), 'float64');
}

export function readIntOrString(value: unknown): number | string {
  return typeof value === 'string' ? value : readInt32(value);
}

export function readQuantity(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
  try {
    return canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityFormatError) throw new Unreadable(error.message);
    throw error;
  }
}

/** Base64 as Go's standard encoding reads it: line breaks ignored, padding required. */
export function readBytes(value: unknown): string {
  if (typeof value !== 'string') throw new TypeMismatch(goKind(value), '[]uint8');
  const text = value.includes('\n') || value.includes('\r') ? value.replace(/[\r\n]/g, '') : value;
  const canonical = canonicalBase64(text);
  if (canonical !== undefined) return canonical;
  const bad = /[^A-Za-z0-9+/\r\n]/.exec(value)?.index ?? value.length - (text.length % 4);
  throw new Unreadable(`illegal base64 data at input byte ${bad}`);
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;
const CANONICAL_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const CANONICAL_MICRO_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const TIME_LAYOUT = '2006-01-02T15:04:05Z07:00';
const MICRO_TIME_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';

const TIME_PIECES: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [/^\d\d/, '01'],
  [/^-/, '-'],
  [/^\d\d/, '02'],
  [/^T/, 'T'],
  [/^\d\d?/, '15'],
  [/^:/, ':'],
  [/^\d\d/, '04'],
  [/^:/, ':'],
  [/^\d\d/, '05'],
];

/** Go's account of where a time stopped being one. */
function timeProblem(text: string, layout: string): Unreadable {
  const sentence = `parsing time ${quoted(text)} as ${quoted(layout)}: cannot parse`;
  let rest = text;
  for (const [piece, name] of TIME_PIECES) {
    const match = piece.exec(rest);
    if (!match) return new Unreadable(`${sentence} ${quoted(rest)} as ${quoted(name)}`);
    rest = rest.slice(match[0].length);
  }
  if (layout === MICRO_TIME_LAYOUT) {
    if (!/^\.\d{6}/.test(rest)) return new Unreadable(`${sentence} ${quoted(rest)} as ".000000"`);
    rest = rest.slice(7);
  } else rest = rest.replace(/^[.,]\d+/, '');
  return new Unreadable(`${sentence} ${quoted(rest)} as "Z07:00"`);
}

const outOfRange = (text: string, what: string): Unreadable => new Unreadable(`parsing time ${quoted(text)}: ${what} out of range`);

function instantOf(text: string, layout: string): number {
  const match = TIME.exec(text);
  if (!match) throw timeProblem(text, layout);
  const [, year, month, day, hour, minute, second, , zone] = match;
  if (Number(month) < 1 || Number(month) > 12) throw outOfRange(text, 'month');
  if (Number(hour) > 23) throw outOfRange(text, 'hour');
  if (Number(minute) > 59) throw outOfRange(text, 'minute');
  if (Number(second) > 59) throw outOfRange(text, 'second');
  const date = new Date(`${year}-${month}-01T00:00:00Z`);
  date.setUTCDate(Number(day));
  if (Number(day) < 1 || date.getUTCMonth() !== Number(month) - 1) throw outOfRange(text, 'day');
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(instant)) throw new Unreadable(`parsing time ${quoted(text)}: time zone offset hour out of range`);
  return instant;
}

/** A time as Go writes it again: in UTC, whole seconds (cut off, not rounded). */
export function readTime(value: unknown): string {
  const text = readString(value);
  if (CANONICAL_TIME.test(text)) return text;
  const instant = instantOf(text, TIME_LAYOUT);
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

/** A time with exactly six digits behind the point, in UTC. */
export function readMicroTime(value: unknown): string {
  const text = readString(value);
  if (CANONICAL_MICRO_TIME.test(text)) return text;
  const fraction = /\.(\d{6})(?:Z|[+-]\d\d:\d\d)$/.exec(text)?.[1];
  if (fraction === undefined) throw timeProblem(text, MICRO_TIME_LAYOUT);
  const instant = instantOf(text, MICRO_TIME_LAYOUT);
  return `${new Date(instant).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Deepest nesting of a value without a type: what a recursive walk can carry. */
const MOST_DEPTH = 1000;

/** A value without a type of its own, as it is. */
export function readAny(value: unknown): unknown {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) throw new Unreadable('exceeded max depth');
    level = level.flatMap((member) => (typeof member === 'object' && member !== null ? Object.values(member) : []));
  }
  return value;
}
