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

/**
 * An event's body with the resourceVersion written into it, without parsing: what gets, lists and watches answer.
 * Relies on the key order of `encodeObject`: `kind` and `apiVersion` hold no brace, so the second one opens `metadata`.
 */
export function bodyWithVersion(body: Uint8Array, sequence: Sequence): Uint8Array {
  const place = body.indexOf(BRACE, 1) + 1;
  if (place === 0) throw new SyntaxError('an event body without metadata');
  const text = `"resourceVersion":"${sequence}"${body[place] === CLOSING ? '' : ','}`;
  const whole = new Uint8Array(body.length + text.length);
  whole.set(body.subarray(0, place));
  for (let i = 0; i < text.length; i++) whole[place + i] = text.charCodeAt(i);
  whole.set(body.subarray(place), place + text.length);
  return whole;
}
