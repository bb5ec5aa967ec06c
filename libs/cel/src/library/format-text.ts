import { adapt, entriesOf, typeName } from '../evaluation/inspect.js';
import type { Meter } from '../evaluation/meter.js';
import { formatDuration, formatTimestamp } from '../evaluation/time.js';
import { CelError, Double, Duration, textOf, Timestamp, TypeValue, Uint, type Value } from '../evaluation/values.js';
import { DYN } from '../types.js';

/** What `%s` makes of a value. */
function shown(value: Value, meter: Meter): string {
  meter.work(1);
  if (typeof value === 'string') return value;
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return value.toString();
  if (value instanceof Double) return shownDouble(value.value);
  if (value instanceof Uint) return value.value.toString();
  if (value instanceof Uint8Array) return textOf(value) ?? '';
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof TypeValue) return value.name;
  if (Array.isArray(value)) return `[${value.map((item) => shown(adapt(item, DYN), meter)).join(', ')}]`;
  const entries = entriesOf(value);
  if (!entries)
    throw new CelError(
      `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeName(value)}`,
    );
  const pairs = entries.map(([key, entry]) => `${shown(key, meter)}: ${shown(adapt(entry, DYN), meter)}`);
  return `{${pairs.sort().join(', ')}}`;
}

function shownDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? value.toString() : value > 0 ? 'Infinity' : '-Infinity';
}

function integer(value: Value, base: number, clause: string): string {
  if (typeof value === 'bigint') return value.toString(base);
  if (value instanceof Uint) return value.value.toString(base);
  if (clause === 'decimal' && value instanceof Double && !Number.isFinite(value.value)) return shownDouble(value.value);
  if (clause === 'binary' && typeof value === 'boolean') return value ? '1' : '0';
  throw new CelError(`${clause} clause can only be used on integers, was given ${typeName(value)}`);
}

function hex(value: Value): string {
  if (typeof value === 'bigint' || value instanceof Uint) return integer(value, 16, 'hex');
  if (typeof value === 'string') return Array.from(new Set([value]), (text) => hexBytes(text)).join('');
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
  throw new CelError(`only integers, byte buffers, and strings can be formatted as hex, was given ${typeName(value)}`);
}

const hexBytes = (text: string): string =>
  encodeURIComponent(text)
    .replace(/%([0-9A-F]{2})|([\s\S])/g, (_, code?: string, char?: string) => code ?? (char ?? '').charCodeAt(0).toString(16))
    .toLowerCase();

function float(value: Value, precision: number, scientific: boolean): string {
  const number =
    value instanceof Double
      ? value.value
      : typeof value === 'bigint'
        ? Number(value)
        : value instanceof Uint
          ? Number(value.value)
          : undefined;
  if (number === undefined) {
    const clause = scientific ? 'scientific' : 'fixed-point';
    throw new CelError(`${clause} clause can only be used on doubles, was given ${typeName(value)}`);
  }
  if (!Number.isFinite(number)) return shownDouble(number);
  return scientific ? number.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2') : number.toFixed(precision);
}

function clause(verb: string, precision: number, value: Value, meter: Meter): string {
  switch (verb) {
    case 's':
      return shown(value, meter);
    case 'd':
      return integer(value, 10, 'decimal');
    case 'b':
      return integer(value, 2, 'binary');
    case 'o':
      return integer(value, 8, 'octal');
    case 'x':
      return hex(value);
    case 'X':
      return hex(value).toUpperCase();
    case 'f':
      return float(value, precision, false);
    case 'e':
      return float(value, precision, true);
    default:
      throw new CelError(`unrecognized formatting clause "${verb}"`);
  }
}

/** The text with its clauses (`%s`, `%d`, `%.2f`) filled in, as cel-go's format(). */
export function formatText(text: string, args: readonly unknown[], meter: Meter): string {
  let next = 0;
  let size = text.length;
  return text.replace(/%(?:%|(?:\.(\d{1,3}))?([\s\S]?))/g, (whole, precision: string | undefined, verb: string | undefined) => {
    if (whole === '%%') return '%';
    if (verb === undefined || verb === '') throw new CelError('unexpected end of format string');
    if (next >= args.length) throw new CelError(`index ${next} out of range`);
    const part = clause(verb, Math.min(Number(precision ?? 6), 100), adapt(args[next++], DYN), meter);
    meter.build((size += part.length));
    return part;
  });
}
