import { qualifiedResource, type Change, type KubeObject } from '#libs/apimachinery';
import { decodeObject, parseSubject, type Recorded } from '#libs/log';

/** One thing that a change says and its event does not: where, what the event has there, and what the change has. */
export interface Mismatch {
  /** Of a field `spec.replicas`; else what of the write is meant: `object`, `verb`, `subresource`. */
  readonly path: string;
  readonly then: unknown;
  readonly now: unknown;
}

/** What a round trip through Go's types leaves out, or adds as null. */
const isEmpty = (value: unknown): boolean =>
  value === null || value === 0 || value === '' || value === false || (typeof value === 'object' && Object.values(value).every(isEmpty));

const at = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function* inList(now: readonly unknown[], then: unknown, grown: boolean, path: string): Generator<Mismatch> {
  if (!Array.isArray(then) || (!grown && now.length !== then.length)) return yield { path, then, now };
  for (const [i, item] of now.entries()) {
    if (!grown) yield* mismatches(item, then[i], grown, at(path, String(i)));
    else if (!then.some((other) => matches(item, other, grown))) yield { path: at(path, String(i)), then: undefined, now: item };
  }
}

/**
 * What of `now` is not in `then` with the same value. Defaulting adds fields and changes none; admission may add items to the
 * lists of a new object (`grown`).
 */
function* mismatches(now: unknown, then: unknown, grown: boolean, path: string): Generator<Mismatch> {
  if (Object.is(now, then)) return;
  if (Array.isArray(now)) return yield* inList(now, then, grown, path);
  if (typeof now !== 'object' || now === null) return yield { path, then, now };
  if (typeof then !== 'object' || then === null) {
    if (!isEmpty(now)) yield { path, then, now };
    return;
  }
  for (const [key, value] of Object.entries(now)) {
    if (value !== undefined && !isEmpty(value)) yield* mismatches(value, (then as Record<string, unknown>)[key], grown, at(path, key));
    else if (value !== undefined && !matches(value, (then as Record<string, unknown>)[key], grown)) yield* emptied(then, key, value, path);
  }
}

/** A field that is emptied: the event may leave it out, and must not have something else there. */
function* emptied(then: object, key: string, now: unknown, path: string): Generator<Mismatch> {
  const value = (then as Record<string, unknown>)[key];
  if (value !== undefined && value !== null && !isEmpty(value)) yield { path: at(path, key), then: value, now };
}

const matches = (now: unknown, then: unknown, grown: boolean): boolean => mismatches(now, then, grown, '').next().done === true;

/** What keeps a change from being the one whose writing gave this event; nothing: it is. */
export function* mismatchesOf(change: Change, event: Recorded): Generator<Mismatch> {
  const place = parseSubject(event.subject);
  const { verb, subresource } = event.meta;
  const [namespace, name] =
    change.verb === 'delete' ? [change.namespace, change.name] : [change.object.metadata.namespace, change.object.metadata.name];
  const thing = (resource: string, of: string | undefined, called: string | undefined): string =>
    `${resource} ${of ? `${of}/` : ''}${called ?? ''}`;
  const then = place && thing(qualifiedResource(place), place.namespace, place.name);
  const now = thing(qualifiedResource(change.resource), namespace, name);
  if (then !== now) return yield { path: 'object', then, now };
  if (verb !== change.verb) return yield { path: 'verb', then: verb, now: change.verb };
  if (change.verb === 'delete') return;
  if (event.meta.type === 'Deleted') return yield* released(change.object);
  if ((subresource ?? '') !== (change.subresource ?? '')) yield { path: 'subresource', then: subresource, now: change.subresource };
  else if (change.subresource === undefined || change.subresource === 'status') yield* differing(change.object, event, change);
}

/** An update that lets an object go: its event holds the object as it last was, whatever the update says of it. */
function* released({ metadata: { finalizers = [] } }: KubeObject): Generator<Mismatch> {
  if (finalizers.length > 0) yield { path: 'metadata.finalizers', then: undefined, now: finalizers };
}

function* differing(
  object: KubeObject,
  event: Recorded,
  { verb, subresource }: Change & { readonly subresource?: string },
): Generator<Mismatch> {
  const { metadata, ...rest } = object as KubeObject & Readonly<Record<string, unknown>>;
  const written = decodeObject(event.body, event.sequence) as KubeObject & Readonly<Record<string, unknown>>;
  const { resourceVersion: _, managedFields: __, generation: ___, ...meta } = metadata;
  const said = subresource === 'status' ? { status: rest['status'] } : { ...rest, metadata: meta };
  yield* mismatches(said, written, verb === 'create', '');
  // An update says the whole object: what the event has beyond it was decided then and is not now.
  if (verb !== 'update') return;
  for (const { path, then, now } of mismatches(beyond(written, subresource), said, false, '')) {
    if (then === undefined || then === null) yield { path, then: now, now: then };
  }
}

/** What of an object an update decides whole; metadata is also the server's. */
function beyond({ metadata: _, ...rest }: KubeObject & Readonly<Record<string, unknown>>, subresource: string | undefined): object {
  return subresource === 'status' ? { status: rest['status'] } : rest;
}

/** Whether writing the change gives this event: the same object, touched the same way, holding what the change says. */
export const explains = (change: Change, event: Recorded): boolean => mismatchesOf(change, event).next().done === true;
