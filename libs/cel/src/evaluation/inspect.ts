import { bytesOfBase64 } from '#libs/apimachinery';
import { type CelType, formatType } from '../types.js';
import type { Meter } from './meter.js';
import { parseDuration, parseTimestamp } from './time.js';
import {
  CelError,
  Double,
  Duration,
  isRecord,
  LazyFields,
  MapValue,
  Opaque,
  Optional,
  property,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from './values.js';

/** The bytes of standard base64, whose padding may be missing; undefined where the text is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/=+$/, '');
  return bytesOfBase64(digits + '='.repeat(-digits.length & 3));
}

function parsed<T>(found: T | undefined, raw: string, type: CelType): T {
  if (found === undefined) throw new CelError(`Invalid ${formatType(type)} ${raw}`);
  return found;
}

/** Raw JSON as the value that its declared type makes of it; where nothing is declared, a whole number is an int. */
export function adapt(raw: unknown, type: CelType): Value {
  switch (typeof raw) {
    case 'number':
      if (type.kind === 'double') return new Double(raw);
      return Number.isInteger(raw) ? BigInt(raw) : new Double(raw);
    case 'string':
      if (type.kind === 'timestamp') return parsed(parseTimestamp(raw), raw, type);
      if (type.kind === 'duration') return parsed(parseDuration(raw), raw, type);
      if (type.kind === 'bytes') return parsed(decodeBase64(raw), raw, type);
      return raw;
    case 'undefined':
      return null;
    default:
      return type.kind === 'double' && typeof raw === 'bigint' ? new Double(Number(raw)) : (raw as Value);
  }
}

/** The name of a value's type at run time. */
export function typeName(value: Value): string {
  if (value === null) return 'null_type';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'string') return 'string';
  if (value instanceof Double) return 'double';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Optional) return 'optional_type';
  if (value instanceof TypeValue) return 'type';
  if (value instanceof Opaque || value instanceof StructValue) return value.type;
  return Array.isArray(value) ? 'list' : 'map';
}

const numeric = (value: unknown): bigint | number | undefined => {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  if (value instanceof Double) return value.value;
  return value instanceof Uint ? value.value : undefined;
};

/** Less, equal or greater among numbers of all kinds; undefined with NaN. */
export function compareNumbers(a: bigint | number, b: bigint | number): number | undefined {
  if (a < b) return -1;
  if (a > b) return 1;
  return [a, b].some((number) => Number.isNaN(Number(number))) ? undefined : 0;
}

/** By code points, which UTF-16 units would put in another order. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return a.length - b.length;
}

const sign = (ns: bigint): number => (ns < 0n ? -1 : ns > 0n ? 1 : 0);

/** Less, equal or greater; undefined where the two don't compare. */
export function compare(a: Value, b: Value): number | undefined {
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) return compareNumbers(left, right);
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return sign(a.ns - b.ns);
  if (a instanceof Duration && b instanceof Duration) return sign(a.ns - b.ns);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return undefined;
}

/** What tells keys of a map apart: numbers of all kinds are one. */
export function keyId(key: Value): string | undefined {
  if (typeof key === 'string') return `s${key}`;
  if (typeof key === 'boolean') return `b${key}`;
  const number = numeric(key);
  if (number === undefined) return undefined;
  return `n${typeof number === 'number' && Number.isInteger(number) ? BigInt(number) : number}`;
}

/** A map's keys and raw values; undefined where the value is no map. */
export function entriesOf(value: Value): (readonly [Value, unknown])[] | undefined {
  if (value instanceof MapValue) return [...value.entries.values()].map(({ key, value: entry }) => [key, entry]);
  if (isRecord(value)) return Object.entries(value);
  return undefined;
}

/** What a map holds under a key, raw; undefined where it has none. */
export function lookUp(map: Value, key: Value): unknown {
  if (map instanceof MapValue) {
    const id = keyId(key);
    return id === undefined ? undefined : map.entries.get(id)?.value;
  }
  if (map instanceof LazyFields) return typeof key === 'string' ? map.get(key) : undefined;
  return isRecord(map) && typeof key === 'string' ? property(map, key) : undefined;
}

function equalLists(a: readonly unknown[], b: readonly unknown[], meter: Meter): boolean {
  return a.length === b.length && a.every((item, i) => equals(item, b[i], meter));
}

function equalMaps(a: Value, b: Value, meter: Meter): boolean {
  const left = entriesOf(a);
  const right = entriesOf(b);
  if (!left || !right || left.length !== right.length) return false;
  return left.every(([key, value]) => {
    const other = lookUp(b, key);
    return other !== undefined && equals(value, other, meter);
  });
}

function equalStructs(a: StructValue, b: StructValue, meter: Meter): boolean {
  if (a.type !== b.type || a.fields.size !== b.fields.size) return false;
  return [...a.fields].every(([name, value]) => {
    const other = b.fields.get(name);
    return other !== undefined && equals(value, other, meter);
  });
}

/** CEL's equality: of values of different types false, of numbers by what they stand for. */
export function equals(a: unknown, b: unknown, meter: Meter): boolean {
  meter.work(1);
  if (a === b) return true;
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined || right !== undefined) return left !== undefined && right !== undefined && compareNumbers(left, right) === 0;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && equalLists(a, b, meter);
  if (a instanceof Timestamp || a instanceof Duration || a instanceof Uint8Array) return compare(a, b as Value) === 0;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    return a.value === undefined || b.value === undefined ? a.value === b.value : equals(a.value, b.value, meter);
  }
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof StructValue) return b instanceof StructValue && equalStructs(a, b, meter);
  if (a instanceof Opaque) return b instanceof Opaque && a.type === b.type && a.equals(b);
  return equalMaps(a as Value, b as Value, meter);
}

/** How big a value is for the reckoning of costs: characters, bytes, elements, entries; 1 for all else. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array || Array.isArray(value)) return (value as { readonly length: number }).length;
  if (value instanceof MapValue) return value.entries.size;
  return isRecord(value) ? Object.keys(value).length : 1;
}

/** A value as JSON, for those who carry out what an expression made; undefined where JSON has no words for it. */
export function toJson(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Double) return value.value;
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof StructValue) {
    return Object.fromEntries([...value.fields].map(([name, field]) => [name, toJson(field)]));
  }
  if (value instanceof MapValue) {
    return Object.fromEntries([...value.entries.values()].map(({ key, value: entry }) => [String(key), toJson(entry)]));
  }
  if (Array.isArray(value)) return value.map((item) => toJson(item as Value));
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry as Value)]));
  return typeof value === 'object' && value !== null ? undefined : value;
}
