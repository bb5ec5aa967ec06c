export const MAX_INT = 2n ** 63n - 1n;
export const MIN_INT = -(2n ** 63n);
export const MAX_UINT = 2n ** 64n - 1n;

/** A double. A plain JavaScript number is raw JSON that still has to be told an int from a double. */
export class Double {
  constructor(readonly value: number) {}
}

/** An unsigned 64-bit integer. */
export class Uint {
  constructor(readonly value: bigint) {}
}

/** A moment in nanoseconds since 1970. */
export class Timestamp {
  constructor(readonly ns: bigint) {}
}

/** A span of time in nanoseconds. */
export class Duration {
  constructor(readonly ns: bigint) {}
}

/** An optional value: `optional.none()` has no `value`. */
export class Optional {
  static readonly NONE = new Optional(undefined);
  constructor(readonly value: Value | undefined) {}
}

/** A type as a value: what type(x) gives. */
export class TypeValue {
  constructor(readonly name: string) {}
}

/** A map made by an expression, whose keys may be other than strings; keyed by what tells keys apart. */
export class MapValue {
  readonly entries = new Map<string, { readonly key: Value; readonly value: Value }>();
}

/** A struct made by an expression: `Object.spec{replicas: 3}`. */
export class StructValue {
  constructor(
    readonly type: string,
    readonly fields: ReadonlyMap<string, Value>,
  ) {}
}

/** A value that expressions can only hand to functions: a quantity, an address, an authorizer. */
export abstract class Opaque {
  /** The type's name: `kubernetes.Quantity`. */
  abstract readonly type: string;
  abstract equals(other: Opaque): boolean;
}

/** A value with fields that are worked out when they are asked for, such as a policy's `variables`. */
export abstract class LazyFields {
  /** The field's value, undefined where there is none; may throw a CelError. */
  abstract get(field: string): Value | undefined;
}

/** JSON as handed in: read in place, and told int from double where it is read. */
export type Json = null | boolean | number | string | readonly unknown[] | { readonly [key: string]: unknown };

/** A CEL value while it is computed. */
export type Value =
  | null
  | boolean
  | bigint
  | string
  | Double
  | Uint
  | Uint8Array
  | Timestamp
  | Duration
  | Optional
  | TypeValue
  | MapValue
  | StructValue
  | Opaque
  | LazyFields
  | readonly unknown[]
  | { readonly [key: string]: unknown };

/** What an expression fails with at run time, in cel-go's words: `no such key: x`. */
export class CelError extends Error {
  override readonly name: string = 'CelError';
}

/** The budget is used up: nothing absorbs this error, as `false && error` would another. */
export class CostExceeded extends CelError {
  override readonly name = 'CostExceeded';
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

export const noSuchOverload = (): CelError => new CelError('no such overload');
export const noSuchKey = (key: unknown): CelError => new CelError(`no such key: ${typeof key === 'bigint' ? key.toString() : String(key)}`);

/** UTF-8, without help of the platform. */
export function bytesOf(text: string): Uint8Array {
  const out: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(out);
}

const NEEDED = [0x80, 0x800, 0x10000];

/** The text of UTF-8 bytes; undefined where they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  let out = '';
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i++] ?? 0;
    if (first < 0x80) {
      out += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xc2 && first < 0xe0 ? 1 : 0;
    if (more === 0 || i + more > bytes.length) return undefined;
    let code = first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next = bytes[i++] ?? 0;
      if ((next & 0xc0) !== 0x80) return undefined;
      code = (code << 6) | (next & 63);
    }
    if (code < (NEEDED[more - 1] ?? 0) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    out += String.fromCodePoint(code);
  }
  return out;
}

/** Whether a value is a map in an expression's eyes. */
export const isRecord = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;

const own = Object.prototype.hasOwnProperty;
/** A property of JSON, never one that JavaScript lends to every object. */
export const property = (record: { readonly [key: string]: unknown }, key: string): unknown =>
  own.call(record, key) ? record[key] : undefined;
