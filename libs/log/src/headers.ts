import type { Actor, Decision, EventMeta, EventType, Sequence, StreamName } from './event.js';
import { absolutePlace, formatPosition, parsePosition } from './position.js';

/** Version of the layout of headers and bodies that this build writes. Older events are upcast on reading. */
export const SCHEMA = 1;

/** An event's metadata as it is stored: pairs of header name and printable ASCII value. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

const UNSAFE = /[^\x20-\x24\x26-\x7e]|^ | $/u;

/** A value a header can carry: what isn't printable ASCII, `%`, and a space at either end are percent-encoded. */
const escape = (value: string): string =>
  UNSAFE.test(value)
    ? value.replace(/\p{Surrogate}/gu, '\ufffd').replace(/[^\x20-\x24\x26-\x7e]+|^ +| +$/gu, (part) => encodeURIComponent(part))
    : value;

const unescape = (value: string): string => (value.includes('%') ? decodeURIComponent(value) : value);

/** A list in one header: JSON keeps it unambiguous whatever a group is called. */
const list = (values: readonly string[]): string => JSON.stringify(values);

/** An event's metadata as headers; what is absent has none. The reverse of `decodeMeta`. */
export function encodeMeta(meta: EventMeta): HeaderPairs {
  const pairs: (readonly [string, string])[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) pairs.push([name, escape(value)]);
  };
  const { actor, decision, batch } = meta;
  add('Dl-Type', meta.type);
  add('Dl-Verb', meta.verb);
  add('Dl-Sub', meta.subresource);
  add('Dl-Actor', actor.user);
  add('Dl-Actor-Uid', actor.uid);
  add('Dl-Groups', actor.groups && list(actor.groups));
  add('Dl-Impersonator', actor.impersonator);
  add('Dl-Agent', meta.agent);
  add('Dl-Source', meta.sourceAddress);
  add('Dl-Manager', meta.fieldManager);
  add('Dl-Request', meta.requestId);
  add('Dl-Root', meta.root);
  add('Dl-Cause', meta.cause);
  if (decision !== undefined) {
    add('Dl-Controller', decision.controller);
    add('Dl-Build', decision.build);
    add('Dl-Key', decision.key);
    add('Dl-Seen', formatPosition(decision.seen));
    add('Dl-Decided-At', String(decision.decidedAt));
    add('Dl-Index', String(decision.index));
  }
  add('Dl-Id', meta.id);
  add('Dl-Previous', String(meta.previous));
  add('Dl-Schema', String(meta.schema));
  add('Dl-Batch', batch && `${batch.size} ${batch.id}`);
  add('Dl-Encoding', meta.encoding);
  return pairs;
}

const TYPES: readonly string[] = ['Created', 'Updated', 'Deleted'];

/**
 * An event's metadata from its headers. `get` yields a header's value; the event's own place makes absolute what its headers
 * say of events stored with it. Throws SyntaxError where a header that every event has is missing.
 */
export function decodeMeta(get: (name: string) => string | undefined, stream: StreamName, sequence: Sequence): EventMeta {
  const read = (name: string): string | undefined => {
    const value = get(name);
    return value === undefined || value === '' ? undefined : unescape(value);
  };
  const place = (name: string): string | undefined => {
    const text = read(name);
    return text === undefined ? undefined : absolutePlace(text, stream, sequence);
  };
  const need = (name: string): string => {
    const value = get(name);
    if (value === undefined) throw new SyntaxError(`an event without ${name}`);
    return unescape(value);
  };
  const type = need('Dl-Type');
  if (!TYPES.includes(type)) throw new SyntaxError(`an event of unknown type ${type}`);
  const optional = {
    subresource: read('Dl-Sub'),
    agent: read('Dl-Agent'),
    sourceAddress: read('Dl-Source'),
    fieldManager: read('Dl-Manager'),
    requestId: read('Dl-Request'),
    root: place('Dl-Root'),
    cause: place('Dl-Cause'),
    decision: readDecision(read, need),
    batch: readBatch(read('Dl-Batch')),
  };
  return {
    type: type as EventType,
    verb: need('Dl-Verb'),
    actor: readActor(read, need),
    ...present(optional),
    id: need('Dl-Id'),
    previous: Number(need('Dl-Previous')),
    schema: Number(need('Dl-Schema')),
    encoding: need('Dl-Encoding') === 'aes256gcm' ? 'aes256gcm' : 'json',
  };
}

type Read = (name: string) => string | undefined;
type Need = (name: string) => string;
type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that are there: an absent one and `undefined` differ. */
function present<T extends object>(fields: T): Present<T> {
  const found: Partial<Record<keyof T, unknown>> = {};
  for (const key in fields) if (fields[key] !== undefined) found[key] = fields[key];
  return found as Present<T>;
}

function readActor(read: Read, need: Need): Actor {
  const groups = read('Dl-Groups');
  return {
    user: need('Dl-Actor'),
    ...present({
      uid: read('Dl-Actor-Uid'),
      groups: groups === undefined ? undefined : (JSON.parse(groups) as readonly string[]),
      impersonator: read('Dl-Impersonator'),
    }),
  };
}

function readDecision(read: Read, need: Need): Decision | undefined {
  const controller = read('Dl-Controller');
  if (controller === undefined) return undefined;
  return {
    controller,
    build: need('Dl-Build'),
    key: need('Dl-Key'),
    seen: parsePosition(need('Dl-Seen')),
    decidedAt: Number(need('Dl-Decided-At')),
    index: Number(need('Dl-Index')),
  };
}

function readBatch(text: string | undefined): EventMeta['batch'] {
  if (text === undefined) return undefined;
  const space = text.indexOf(' ');
  return { id: text.slice(space + 1), size: Number(text.slice(0, space)) };
}
