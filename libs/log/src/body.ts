import type { KubeObject, ObjectMeta } from '#libs/apimachinery';
import type { Sequence } from './event.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const BRACE = 0x7b;
const CLOSING = 0x7d;

/**
 * An object as an event's body: JSON in UTF-8 without white space, `kind`, `apiVersion` and `metadata` first and in this
 * order (so that `bodyWithVersion` finds its place), the rest in the object's own. metadata.resourceVersion is left out.
 */
export function encodeObject(object: KubeObject): Uint8Array {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(meta)}`;
  const tail = JSON.stringify(rest);
  return encoder.encode(tail === '{}' ? `${head}}` : `${head},${tail.slice(1)}`);
}

/** The object in an event's body, its resourceVersion filled in from the event's sequence. */
export function decodeObject<T extends KubeObject = KubeObject>(body: Uint8Array, sequence: Sequence): T {
  const object = JSON.parse(decoder.decode(body)) as { metadata: ObjectMeta };
  object.metadata = { ...object.metadata, resourceVersion: String(sequence) };
  return object as unknown as T;
}

/** What an event's body gets to have its resourceVersion, and where. `kind` and `apiVersion` hold no brace: the second one opens `metadata`. */
function versionIn(body: Uint8Array, sequence: Sequence): { readonly place: number; readonly text: string } {
  const place = body.indexOf(BRACE, 1) + 1;
  if (place === 0) throw new SyntaxError('an event body without metadata');
  return { place, text: `"resourceVersion":"${sequence}"${body[place] === CLOSING ? '' : ','}` };
}

/** The most that a body grows by its resourceVersion, in bytes. */
export const VERSION_ROOM = '"resourceVersion":"",'.length + String(Number.MAX_SAFE_INTEGER).length;

/**
 * Writes an event's body with its resourceVersion into `out` at `at`, without parsing it, and says where it ends. `from`: how much of its
 * beginning, up to `metadata` at most, is left out.
 */
export function putBodyWithVersion(body: Uint8Array, sequence: Sequence, out: Uint8Array, at: number, from = 0): number {
  const { place, text } = versionIn(body, sequence);
  out.set(body.subarray(from, place), at);
  let end = at + place - from;
  for (let i = 0; i < text.length; i++) out[end++] = text.charCodeAt(i);
  out.set(body.subarray(place), end);
  return end + body.length - place;
}

/**
 * An event's body with the resourceVersion written into it, without parsing: what gets, lists and watches answer.
 * Relies on the key order of `encodeObject`.
 */
export function bodyWithVersion(body: Uint8Array, sequence: Sequence): Uint8Array {
  const whole = new Uint8Array(body.length + VERSION_ROOM);
  return whole.subarray(0, putBodyWithVersion(body, sequence, whole, 0));
}
