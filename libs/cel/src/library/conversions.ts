import { entriesOf, typeName } from '../evaluation/inspect.js';
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp, secondsOf } from '../evaluation/time.js';
import type { Uint } from '../evaluation/values.js';
import {
  bytesOf,
  CelError,
  Double,
  type Duration,
  MAX_INT,
  MIN_INT,
  textOf,
  Timestamp,
  TypeValue,
  type Value,
} from '../evaluation/values.js';
import { global, type Overload } from './function.js';
import { int, TRAVERSAL, uint } from './operators.js';

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function readBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new CelError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function readInt(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value > MAX_INT || value < MIN_INT) throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

function readUint(text: string): Uint {
  if (!/^\d+$/.test(text)) throw new CelError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return uint(BigInt(text));
}

function readDouble(text: string): Double {
  const named = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (named) return new Double(/nan/i.test(text) ? NaN : named[1] === '-' ? -Infinity : Infinity);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return new Double(Number(text));
}

function truncate(value: number): bigint {
  if (!Number.isFinite(value) || value >= 2 ** 63 || value <= -(2 ** 63)) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

/** A double as Go's `%g` with as few digits as tell it apart. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -5 && exponent < 21) return value.toString().includes('e') ? value.toFixed(20).replace(/0+$/, '') : value.toString();
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function parsed<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new CelError(message);
  return value;
}

const typeOfValue = (value: Value): TypeValue => new TypeValue(typeName(value));
const whole = <T>(value: T): T => value;
const traversal = ([text]: readonly Value[]): number => Math.ceil((text as string | Uint8Array).length * TRAVERSAL);

const numbers: readonly Overload[] = [
  global('int(int): int', ([a]) => whole(a as bigint)),
  global('int(uint): int', ([a]) => int((a as Uint).value)),
  global('int(double): int', ([a]) => truncate((a as Double).value)),
  global('int(string): int', ([a]) => readInt(a as string)),
  global('int(timestamp): int', ([a]) => secondsOf(a as Timestamp)),
  global('int(duration): int', ([a]) => (a as Duration).ns),
  global('uint(uint): uint', ([a]) => whole(a as Uint)),
  global('uint(int): uint', ([a]) => uint(a as bigint)),
  global('uint(double): uint', ([a]) => uint((a as Double).value < 0 ? -1n : BigInt(Math.trunc(Math.min((a as Double).value, 2 ** 65))))),
  global('uint(string): uint', ([a]) => readUint(a as string)),
  global('double(double): double', ([a]) => whole(a as Double)),
  global('double(int): double', ([a]) => new Double(Number(a as bigint))),
  global('double(uint): double', ([a]) => new Double(Number((a as Uint).value))),
  global('double(string): double', ([a]) => readDouble(a as string)),
];

const texts: readonly Overload[] = [
  global('string(string): string', ([a]) => whole(a as string)),
  global('string(bool): string', ([a]) => String(a as boolean)),
  global('string(int): string', ([a]) => (a as bigint).toString()),
  global('string(uint): string', ([a]) => (a as Uint).value.toString()),
  global('string(double): string', ([a]) => formatDouble((a as Double).value)),
  global('string(bytes): string', ([a]) => parsed(textOf(a as Uint8Array), 'invalid UTF-8 in bytes, cannot convert to string'), traversal),
  global('string(timestamp): string', ([a]) => formatTimestamp(a as Timestamp)),
  global('string(duration): string', ([a]) => formatDuration(a as Duration)),
  global('bytes(bytes): bytes', ([a]) => whole(a as Uint8Array)),
  global('bytes(string): bytes', ([a]) => bytesOf(a as string), traversal),
];

const others: readonly Overload[] = [
  global('bool(bool): bool', ([a]) => whole(a as boolean)),
  global('bool(string): bool', ([a]) => readBool(a as string)),
  global('timestamp(timestamp): timestamp', ([a]) => whole(a as Timestamp)),
  global('timestamp(string): timestamp', ([a]) =>
    parsed(
      parseTimestamp(a as string),
      `parsing time ${JSON.stringify(a)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(a)} as "2006"`,
    ),
  ),
  global('timestamp(int): timestamp', ([a]) => new Timestamp((a as bigint) * 1_000_000_000n)),
  global('duration(duration): duration', ([a]) => whole(a as Duration)),
  global('duration(string): duration', ([a]) => parsed(parseDuration(a as string), `time: invalid duration ${JSON.stringify(a)}`)),
  global('duration(int): duration', ([a]) => parsed(parseDuration(`${(a as bigint).toString()}ns`), 'duration overflow')),
  global('dyn(A): dyn', ([a]) => whole(a as Value)),
  global('type(A): type', ([a]) => typeOfValue(a as Value)),
];

/** How long a text is in code points. */
export function pointCount(text: string): number {
  if (/^[\0-\uD7FF\uE000-\uFFFF]*$/.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const sizes: readonly Overload[] = ['string', 'bytes', 'list<A>', 'map<A, B>'].map((type) =>
  global(`size(${type}): int`, ([value]) => {
    if (typeof value === 'string') return BigInt(pointCount(value));
    if (value instanceof Uint8Array || Array.isArray(value)) return BigInt((value as { readonly length: number }).length);
    return BigInt(entriesOf(value as Value)?.length ?? 0);
  }),
);

/** size() as a member, of the same types. */
const memberSizes: readonly Overload[] = sizes.map((overload) => ({ ...overload, member: true }));

/** Conversions between types, and size(). */
export const CONVERSIONS: readonly Overload[] = [...numbers, ...texts, ...others, ...sizes, ...memberSizes];
