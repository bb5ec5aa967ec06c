import { base64OfBytes } from '#libs/apimachinery';
import { modelFacts, type FieldFact } from '../schema/facts.js';
import { LIST_META } from '../schema/meta-models.js';
import { isListMessage, itemModelOf, MAGIC, modelOf } from './models.js';
import { MalformedProtobuf, wireFields, type WireField } from './wire.js';

const MOST_DEPTH = 100;
const text = new TextDecoder('utf-8', { fatal: false });

/** Reads one field's value into the JSON form of its type; a repeated field is told what came before. */
type Reader = (value: WireField['value'], before: unknown, depth: number) => unknown;

interface FieldReader {
  readonly name: string;
  readonly read: Reader;
  /** The fields of an embedded struct land in the object around it. */
  readonly inline?: boolean;
}

type MessageReader = ReadonlyMap<number, FieldReader>;

const messages = new Map<string, MessageReader>();

/**
 * A request body in upstream's protobuf (`application/vnd.kubernetes.protobuf`, a `runtime.Unknown` around the
 * object) as the JSON value it stands for, ready for `decode`. Unknown fields are passed over, as protobuf has it.
 * Throws MalformedProtobuf.
 */
export function decodeProtobuf(bytes: Uint8Array): unknown {
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) throw new MalformedProtobuf('provided data does not appear to be a protobuf message');
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  for (const { number, value } of wireFields(bytes.subarray(MAGIC.length))) {
    if (number === 1) {
      for (const field of wireFields(bytesOf(value))) {
        if (field.number === 1) apiVersion = text.decode(bytesOf(field.value));
        if (field.number === 2) kind = text.decode(bytesOf(field.value));
      }
    }
    if (number === 2) raw = bytesOf(value);
  }
  const message = messageOfKind(apiVersion, kind);
  if (!message) throw new MalformedProtobuf(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return { apiVersion, kind, ...(readMessage(message, raw, 0) as object) };
}

function messageOfKind(apiVersion: string, kind: string): MessageReader | undefined {
  const model = modelOf(apiVersion, kind);
  if (model !== undefined) return messageOf(model);
  const item = itemModelOf(apiVersion, kind);
  if (item === undefined) return undefined;
  return new Map([
    [1, { name: 'metadata', read: readerOf(`#${LIST_META}`) }],
    [2, { name: 'items', read: readerOf(`[]#${item}`) }],
  ]);
}

function messageOf(model: string): MessageReader {
  const known = messages.get(model);
  if (known) return known;
  const readers = new Map<number, FieldReader>();
  messages.set(model, readers);
  for (const [name, fact] of Object.entries(modelFacts(model))) {
    if (fact.via !== undefined) {
      const [number = '', embedded = ''] = fact.via.split(':');
      if (!readers.has(Number(number)))
        readers.set(Number(number), {
          name: '',
          read: (value, before, depth) => readInto(messageOf(embedded), value, before, depth),
          inline: true,
        });
    } else if (fact.proto !== undefined) {
      const verbs = isListMessage(model, name);
      readers.set(fact.proto, { name, read: verbs ? listMessage(readerOf(fact.type.slice(2))) : readerOf(fact.type) });
    }
  }
  return readers;
}

function readMessage(readers: MessageReader, bytes: Uint8Array, depth: number): Record<string, unknown> {
  return readInto(readers, bytes, {}, depth);
}

function readInto(readers: MessageReader, value: WireField['value'], before: unknown, depth: number): Record<string, unknown> {
  if (depth > MOST_DEPTH) throw new MalformedProtobuf('nested too deeply');
  const object = (before ?? {}) as Record<string, unknown>;
  for (const field of wireFields(bytesOf(value))) {
    const reader = readers.get(field.number);
    if (!reader) continue;
    if (reader.inline) reader.read(field.value, object, depth + 1);
    else object[reader.name] = reader.read(field.value, object[reader.name], depth + 1);
  }
  return object;
}

function readerOf(type: FieldFact['type']): Reader {
  if (type.startsWith('[]')) {
    const item = readerOf(type.slice(2));
    return (value, before, depth) => {
      const list = (before ?? []) as unknown[];
      list.push(item(value, undefined, depth));
      return list;
    };
  }
  if (type.startsWith('map:')) return mapReader(type.slice(4));
  if (type.startsWith('#')) return (value, _, depth) => readMessage(messageOf(type.slice(1)), bytesOf(value), depth);
  return SCALARS[type] ?? SCALARS['string'] ?? (() => undefined);
}

/** A map is a repeated message of key (1) and value (2); a list as a value is a message of items (1). */
function mapReader(type: string): Reader {
  const item = type.startsWith('[]') ? listMessage(readerOf(type.slice(2))) : readerOf(type);
  return (value, before, depth) => {
    const map = (before ?? {}) as Record<string, unknown>;
    let key = '';
    let read: unknown;
    for (const field of wireFields(bytesOf(value))) {
      if (field.number === 1) key = text.decode(bytesOf(field.value));
      if (field.number === 2) read = item(field.value, undefined, depth);
    }
    Object.defineProperty(map, key, {
      value: read === undefined ? emptyOf(type) : read,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return map;
  };
}

const listMessage =
  (item: Reader): Reader =>
  (value, _, depth) =>
    [...wireFields(bytesOf(value))].filter(({ number }) => number === 1).map((field) => item(field.value, undefined, depth));

const emptyOf = (type: string): unknown => (type.startsWith('[]') ? [] : '');

/** What a message of a few numbered fields says, for the types that have a JSON form of their own. */
function parts(value: WireField['value']): ReadonlyMap<number, WireField['value']> {
  return new Map([...wireFields(bytesOf(value))].map(({ number, value: part }) => [number, part]));
}

const integer = (value: WireField['value'] | undefined): number => (typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0);
const string = (value: WireField['value'] | undefined): string => (value instanceof Uint8Array ? text.decode(value) : '');

/** Seconds and nanoseconds as RFC 3339; the zero time is absent. */
function time(value: WireField['value'], digits: 0 | 6): string | null {
  const found = parts(value);
  if (found.size === 0) return null;
  const seconds = integer(found.get(1));
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 253_402_300_799) throw new MalformedProtobuf('time out of range');
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const micros = String(Math.floor(integer(found.get(2)) / 1000)).padStart(6, '0');
  return digits === 0 ? `${whole}Z` : `${whole}.${micros}Z`;
}

/** Arbitrary JSON inside a message: RawExtension and FieldsV1 carry it as bytes. */
function json(value: WireField['value']): unknown {
  const raw = string(parts(value).get(1));
  try {
    return raw === '' ? null : (JSON.parse(raw) as unknown);
  } catch {
    throw new MalformedProtobuf('invalid JSON inside a message');
  }
}

const SCALARS: Readonly<Record<string, Reader>> = {
  string,
  bool: (value) => value !== 0n,
  int32: integer,
  int64: integer,
  byte: integer,
  double: (value) => (typeof value === 'bigint' ? doubleOf(value) : 0),
  bytes: (value) => base64OfBytes(bytesOf(value)),
  quantity: (value) => string(parts(value).get(1)),
  intOrString: (value) => {
    const found = parts(value);
    return integer(found.get(1)) === 1 ? string(found.get(3)) : integer(found.get(2));
  },
  time: (value) => time(value, 0),
  microTime: (value) => time(value, 6),
  duration: (value) => `${integer(parts(value).get(1)) / 1e9}s`,
  any: json,
};

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function bytesOf(value: WireField['value']): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new MalformedProtobuf('a message was expected, a number came');
}
