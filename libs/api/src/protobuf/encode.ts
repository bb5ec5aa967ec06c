import { bytesOfBase64, isJsonObject, type JsonObject } from '#libs/apimachinery';
import { LIST_META } from '../schema/meta-models.js';
import { modelFacts, type FieldFact } from '../schema/facts.js';
import { isListMessage, itemModelOf, MAGIC, modelOf } from './models.js';
import { ProtobufWriter } from './writer.js';

/** Writes one value of a type; nothing (undefined, null) is written as Go's zero value. */
interface ValueWriter {
  readonly wire: 0 | 1 | 2;
  readonly write: (out: ProtobufWriter, value: unknown) => void;
}

/** Writes one field of an object with its tag, or nothing where Go writes nothing. */
type FieldWriter = (out: ProtobufWriter, object: JsonObject) => void;

/** The fields of a message, the last one first. */
type MessageWriter = readonly FieldWriter[];

const messages = new Map<string, MessageWriter>();
const NOTHING: JsonObject = {};
const NO_BYTES = new Uint8Array();

/** What has no form in protobuf: a kind without facts (custom resources), a Table. */
export class NoProtobuf extends Error {
  override readonly name = 'NoProtobuf';
}

/**
 * An object, a list or a Status as upstream's protobuf has it (`application/vnd.kubernetes.protobuf`): four bytes of
 * magic and a `runtime.Unknown` around the message, maps sorted, every field in the order of its number. The object is
 * one that `decode` has read. Throws NoProtobuf.
 */
export function encodeProtobuf(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): Uint8Array {
  const apiVersion = stringOf(object.apiVersion);
  const kind = stringOf(object.kind);
  const out = new ProtobufWriter();
  emptyStrings(out, 4, 3);
  const before = out.length;
  writeObject(out, apiVersion, kind, object as JsonObject);
  out.delimit(2, before);
  const typeMeta = out.length;
  field(out, 2, (inner) => inner.string(kind));
  field(out, 1, (inner) => inner.string(apiVersion));
  out.delimit(1, typeMeta);
  out.bytes(MAGIC);
  return out.finish();
}

/** A metav1.WatchEvent around an object that is encoded already: no envelope, as on a stream. */
export function encodeWatchEvent(type: string, object: Uint8Array): Uint8Array {
  const out = new ProtobufWriter();
  const before = out.length;
  field(out, 1, (inner) => inner.bytes(object));
  out.delimit(2, before);
  field(out, 1, (inner) => inner.string(type));
  return out.finish();
}

/** Whether objects of a kind have a form in protobuf. */
export const hasProtobuf = (apiVersion: string, kind: string): boolean => kind !== 'Table' && modelOf(apiVersion, kind) !== undefined;

function emptyStrings(out: ProtobufWriter, ...numbers: readonly number[]): void {
  for (const number of numbers) field(out, number, () => undefined);
}

function field(out: ProtobufWriter, number: number, write: (out: ProtobufWriter) => void): void {
  const before = out.length;
  write(out);
  out.delimit(number, before);
}

function writeObject(out: ProtobufWriter, apiVersion: string, kind: string, object: JsonObject): void {
  const model = kind === 'Table' ? undefined : modelOf(apiVersion, kind);
  if (model !== undefined) return writeMessage(out, messageOf(model), object);
  const item = itemModelOf(apiVersion, kind);
  if (item === undefined || !Array.isArray(object['items'])) throw new NoProtobuf(`${apiVersion}, Kind=${kind} has no protobuf`);
  const items: readonly unknown[] = object['items'];
  const writer = messageOf(item);
  for (let i = items.length - 1; i >= 0; i--) field(out, 2, (inner) => writeMessage(inner, writer, jsonOf(items[i])));
  field(out, 1, (inner) => writeMessage(inner, messageOf(LIST_META), jsonOf(object['metadata'])));
}

function writeMessage(out: ProtobufWriter, message: MessageWriter, object: JsonObject): void {
  for (const write of message) write(out, object);
}

function messageOf(model: string): MessageWriter {
  const known = messages.get(model);
  if (known) return known;
  const writers: FieldWriter[] = [];
  messages.set(model, writers);
  const fields = new Map<number, FieldWriter>();
  for (const [name, fact] of Object.entries(modelFacts(model))) {
    if (fact.via !== undefined) {
      const [number = '', embedded = ''] = fact.via.split(':');
      // A TypeMeta has no number: the envelope says what it says.
      if (number !== '0' && !fields.has(Number(number))) fields.set(Number(number), embeddedField(Number(number), embedded));
    } else if (fact.proto !== undefined) {
      fields.set(fact.proto, fieldWriter(name, fact.proto, fact, isListMessage(model, name)));
    }
  }
  for (const [, writer] of [...fields].sort(([a], [b]) => b - a)) writers.push(writer);
  return writers;
}

/** An embedded struct: a message of its own whose members lie in the object around it. */
const embeddedField = (number: number, model: string): FieldWriter => {
  const message = messageOf(model);
  return (out, object) => field(out, number, (inner) => writeMessage(inner, message, object));
};

function fieldWriter(name: string, number: number, fact: FieldFact, listMessage: boolean): FieldWriter {
  const { type } = fact;
  if (type.startsWith('[]')) {
    const item = valueWriter(type.slice(2));
    if (!listMessage) return (out, object) => writeItems(out, number, item, object[name]);
    return (out, object) => {
      if (Array.isArray(object[name])) field(out, number, (inner) => writeItems(inner, 1, item, object[name]));
    };
  }
  if (type.startsWith('map:')) return mapField(name, number, type.slice(4));
  const value = valueWriter(type);
  // Go writes a struct or a scalar even when it is zero; a pointer or a slice of bytes only where there is one.
  const always = fact.pointer !== true && type !== 'bytes';
  return (out, object) => {
    const given = object[name];
    if (always || (given !== undefined && given !== null)) writeField(out, number, value, given);
  };
}

function writeField(out: ProtobufWriter, number: number, { wire, write }: ValueWriter, value: unknown): void {
  const before = out.length;
  write(out, value);
  if (wire === 2) out.delimit(number, before);
  else out.tag(number, wire);
}

function writeItems(out: ProtobufWriter, number: number, item: ValueWriter, value: unknown): void {
  if (!Array.isArray(value)) return;
  for (let i = value.length - 1; i >= 0; i--) writeField(out, number, item, value[i]);
}

/** A map is a repeated message of key (1) and value (2), sorted by key; a list as a value is a message of items (1). */
function mapField(name: string, number: number, type: string): FieldWriter {
  const item = type.startsWith('[]') ? listMessage(valueWriter(type.slice(2))) : valueWriter(type);
  return (out, object) => {
    const map = jsonOf(object[name]);
    const keys = Object.keys(map).sort(bytewise);
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i] ?? '';
      const before = out.length;
      if (type !== 'bytes' || map[key] !== null) writeField(out, 2, item, map[key]);
      field(out, 1, (inner) => inner.string(key));
      out.delimit(number, before);
    }
  };
}

const listMessage = (item: ValueWriter): ValueWriter => ({ wire: 2, write: (out, value) => writeItems(out, 1, item, value) });

const bytewise = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function valueWriter(type: string): ValueWriter {
  if (type.startsWith('#')) {
    const model = type.slice(1);
    let message: MessageWriter | undefined;
    return { wire: 2, write: (out, value) => writeMessage(out, (message ??= messageOf(model)), jsonOf(value)) };
  }
  const scalar = SCALARS[type];
  if (scalar === undefined) throw new Error(`no protobuf for the type ${type}`);
  return scalar;
}

const jsonOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : NOTHING);
const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

const integer: ValueWriter = { wire: 0, write: (out, value) => out.varint(numberOf(value)) };

/** Seconds and nanoseconds of an RFC 3339 time, both always written; the zero time is an empty message. */
function writeTime(out: ProtobufWriter, value: unknown): void {
  if (typeof value !== 'string' || value === '') return;
  const micros = Number((/\.(\d{1,6})/.exec(value)?.[1] ?? '').padEnd(6, '0'));
  out.varint(micros * 1000);
  out.tag(2, 0);
  out.varint(Math.floor(Date.parse(value) / 1000));
  out.tag(1, 0);
}

/** util/intstr: which of the two it is, and both. */
function writeIntOrString(out: ProtobufWriter, value: unknown): void {
  field(out, 3, (inner) => inner.string(stringOf(value)));
  out.varint(numberOf(value));
  out.tag(2, 0);
  out.varint(typeof value === 'string' ? 1 : 0);
  out.tag(1, 0);
}

const SCALARS: Readonly<Record<string, ValueWriter>> = {
  string: { wire: 2, write: (out, value) => out.string(stringOf(value)) },
  bool: { wire: 0, write: (out, value) => out.varint(value === true ? 1 : 0) },
  int32: integer,
  int64: integer,
  byte: integer,
  double: { wire: 1, write: (out, value) => out.double(numberOf(value)) },
  bytes: { wire: 2, write: (out, value) => out.bytes(bytesOfBase64(stringOf(value)) ?? NO_BYTES) },
  quantity: { wire: 2, write: (out, value) => field(out, 1, (inner) => inner.string(stringOf(value) || '0')) },
  intOrString: { wire: 2, write: writeIntOrString },
  time: { wire: 2, write: writeTime },
  microTime: { wire: 2, write: writeTime },
  any: {
    wire: 2,
    write: (out, value) => {
      if (value !== undefined && value !== null) field(out, 1, (inner) => inner.string(JSON.stringify(value)));
    },
  },
};
