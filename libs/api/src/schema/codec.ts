import { isJsonObject, setOwnMember } from '#libs/apimachinery';
import { JSON_SCHEMA_MODEL } from './apiextensions-facts.js';
import { goTypeName, modelFacts, shortName, type FieldFact } from './facts.js';
import * as scalars from './scalars.js';

/** One decoding under way. */
export interface Reading {
  /** Collects `unknown field "..."`; absent where nobody asks. */
  readonly unknown: string[] | undefined;
  /** Walks objects in the order of the text instead of the type, so that problems come in the order Go finds them. */
  readonly inTextOrder: boolean;
  /** Members and indices on the way to the value being read; kept in text order alone, where messages are made. */
  readonly path: string[];
  /** How many unknown fields were seen. */
  misses: number;
}

/** How one type is read, and what its absence is written as. */
export interface Codec {
  /** Reads a value that is not null. Throws TypeMismatch, Unreadable. */
  readonly read: (value: unknown, reading: Reading) => unknown;
  /** What Go writes for its zero value; undefined: the member is left out. A function, as structs refer to each other. */
  readonly zero: () => unknown;
  /** Whether a value that was read counts as empty for `omitempty`. */
  readonly empty: (value: unknown) => boolean;
}

type Json = Record<string, unknown>;

const MOST_UNKNOWN = 100;
const never = (): boolean => false;
const nothing = (): undefined => undefined;

/** A mismatch with its place as Go tells it: the struct, and the path of members without indices. */
export class FieldMismatch extends Error {
  override readonly name = 'FieldMismatch';
}

function located(error: unknown, struct: string, reading: Reading): unknown {
  if (!(error instanceof scalars.TypeMismatch)) return error;
  const members = reading.path.filter((part) => !part.startsWith('['));
  return new FieldMismatch(
    `json: cannot unmarshal ${error.found} into Go struct field ${struct}.${members.join('.')} of type ${error.wanted}`,
  );
}

const pathText = (path: readonly string[]): string =>
  path.reduce((text, part) => (part.startsWith('[') || text === '' ? text + part : `${text}.${part}`), '');

const SCALARS: Readonly<Record<string, Codec>> = {
  string: { read: scalars.readString, zero: () => '', empty: (value) => value === '' },
  bool: { read: scalars.readBool, zero: () => false, empty: (value) => value === false },
  int32: { read: scalars.readInt32, zero: () => 0, empty: (value) => value === 0 },
  int64: { read: scalars.readInt64, zero: () => 0, empty: (value) => value === 0 },
  byte: { read: scalars.readByte, zero: () => 0, empty: (value) => value === 0 },
  double: { read: scalars.readDouble, zero: () => 0, empty: (value) => value === 0 },
  duration: { read: scalars.readString, zero: () => '0s', empty: never },
  bytes: { read: scalars.readBytes, zero: () => null, empty: (value) => value === '' },
  quantity: { read: scalars.readQuantity, zero: () => '0', empty: never },
  intOrString: { read: scalars.readIntOrString, zero: () => 0, empty: never },
  time: { read: scalars.readTime, zero: () => null, empty: never },
  microTime: { read: scalars.readMicroTime, zero: () => null, empty: never },
  any: { read: scalars.readAny, zero: nothing, empty: never },
};

function listCodec(type: string, item: Codec): Codec {
  return {
    read(value, reading) {
      if (!Array.isArray(value)) throw new scalars.TypeMismatch(scalars.goKind(value), goTypeName(type));
      const items: readonly unknown[] = value;
      const out = new Array<unknown>(items.length);
      for (let i = 0; i < items.length; i++) {
        const member = items[i];
        if (reading.inTextOrder) reading.path.push(`[${i}]`);
        out[i] = member === null || member === undefined ? item.zero() : item.read(member, reading);
        if (reading.inTextOrder) reading.path.pop();
      }
      return out;
    },
    zero: () => null,
    empty: (value) => Array.isArray(value) && value.length === 0,
  };
}

function mapCodec(type: string, item: Codec): Codec {
  return {
    read(value, reading) {
      if (!isJsonObject(value)) throw new scalars.TypeMismatch(scalars.goKind(value), goTypeName(type));
      const keys = Object.keys(value);
      let sorted = true;
      let changed = false;
      const read: unknown[] = [];
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] ?? '';
        if (i > 0 && key < (keys[i - 1] ?? '')) sorted = false;
        const member = value[key];
        const decoded = member === null || member === undefined ? item.zero() : item.read(member, reading);
        if (decoded !== member) changed = true;
        read.push(decoded);
      }
      if (sorted && !changed) return value;
      const out: Json = {};
      const order = keys.map((key, at) => ({ key, at }));
      if (!sorted) order.sort((a, b) => (a.key < b.key ? -1 : 1));
      for (const { key, at } of order) setOwnMember(out, key, read[at]);
      return out;
    },
    zero: () => null,
    empty: (value) => isJsonObject(value) && Object.keys(value).length === 0,
  };
}

interface FieldCodec {
  readonly name: string;
  readonly codec: Codec;
  /** Go writes nothing for an empty value. */
  readonly omitsEmpty: boolean;
  /** What is written where the text has no value: undefined for nothing. */
  readonly absent: () => unknown;
}

function absentOf(fact: FieldFact, codec: Codec): () => unknown {
  if (fact.pointer === true) return fact.omit === true || fact.optional !== true ? nothing : () => null;
  if (fact.omitZero === true) return nothing;
  const list = fact.type.startsWith('[]');
  if (list || fact.type.startsWith('map:') || fact.type === 'bytes') {
    if (fact.omit === true) return nothing;
    // A list that validation demands is never absent in a stored object; until then it is one without items.
    return fact.optional === true || !list ? () => null : () => [];
  }
  const omits = fact.omit === true && codec.empty(codec.zero());
  return omits ? nothing : codec.zero;
}

function fieldCodec(name: string, fact: FieldFact): FieldCodec {
  const codec = codecOf(fact.type);
  return { name, codec, omitsEmpty: fact.omit === true && fact.pointer !== true, absent: absentOf(fact, codec) };
}

function structCodec(model: string): Codec {
  const struct = shortName(model);
  let compiled: readonly FieldCodec[] | undefined;
  let byName: ReadonlyMap<string, FieldCodec> | undefined;
  const fields = (): readonly FieldCodec[] =>
    (compiled ??= Object.entries(modelFacts(model)).map(([name, fact]) => fieldCodec(name, fact)));
  const named = (): ReadonlyMap<string, FieldCodec> => (byName ??= new Map(fields().map((field) => [field.name, field])));

  const readField = (field: FieldCodec, value: unknown, reading: Reading): unknown => {
    reading.path.push(field.name);
    try {
      return field.codec.read(value, reading);
    } catch (error) {
      throw located(error, struct, reading);
    } finally {
      reading.path.pop();
    }
  };

  /** Reads everything once more for its problems alone, in the order of the text. */
  const walk = (value: Json, reading: Reading): void => {
    for (const key of Object.keys(value)) {
      const field = named().get(key);
      if (field) {
        if (value[key] !== null && value[key] !== undefined) readField(field, value[key], reading);
      } else if (reading.unknown && reading.unknown.length < MOST_UNKNOWN) {
        const message = `unknown field ${JSON.stringify(pathText([...reading.path, key]))}`;
        if (!reading.unknown.includes(message)) reading.unknown.push(message);
      }
    }
  };

  return {
    read(value, reading) {
      if (!isJsonObject(value)) throw new scalars.TypeMismatch(scalars.goKind(value), goTypeName(`#${model}`));
      if (reading.inTextOrder) {
        walk(value, reading);
        return value;
      }
      const out: Json = {};
      let seen = 0;
      for (const field of fields()) {
        const given = value[field.name];
        if (given !== undefined) seen++;
        if (given === undefined || given === null) {
          const absent = field.absent();
          if (absent !== undefined) out[field.name] = absent;
          continue;
        }
        const read = field.codec.read(given, reading);
        if (!field.omitsEmpty || !field.codec.empty(read)) out[field.name] = read;
      }
      if (seen !== Object.keys(value).length) reading.misses++;
      return out;
    },
    zero: zeroOf(fields),
    empty: never,
  };
}

/** What Go writes for a struct nobody filled: its members that are always written. */
function zeroOf(fields: () => readonly FieldCodec[]): () => Json {
  return () => {
    const out: Json = {};
    for (const field of fields()) {
      const absent = field.absent();
      if (absent !== undefined) out[field.name] = absent;
    }
    return out;
  };
}

/** A schema, or what else may stand in its place: a yes or no, a list of schemas or of names. */
function unionCodec(type: string): Codec {
  const schema = codecOf(`#${JSON_SCHEMA_MODEL}`);
  const other = type === 'schemaOrBool' ? codecOf('bool') : codecOf(type === 'schemaOrArray' ? `[]#${JSON_SCHEMA_MODEL}` : '[]string');
  return {
    read: (value, reading) => (isJsonObject(value) ? schema : other).read(value, reading),
    zero: nothing,
    empty: never,
  };
}

const codecs = new Map<string, Codec>();

/** How a type is read, compiled once. Types: see `FieldFact.type`. */
export function codecOf(type: string): Codec {
  const known = codecs.get(type);
  if (known) return known;
  const made = makeCodec(type);
  codecs.set(type, made);
  return made;
}

function makeCodec(type: string): Codec {
  if (type.startsWith('[]')) return listCodec(type, codecOf(type.slice(2)));
  if (type.startsWith('map:')) return mapCodec(type, codecOf(type.slice(4)));
  if (type.startsWith('#')) return structCodec(type.slice(1));
  if (type.startsWith('schemaOr')) return unionCodec(type);
  const scalar = SCALARS[type];
  if (!scalar) throw new Error(`no codec for the type ${type}`);
  return scalar;
}
