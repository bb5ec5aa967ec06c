import { badRequest } from '#libs/apimachinery';
import type { Patch, WriteRequest } from '#libs/registry';
import { parseConfiguration, parsePatch } from './body.js';

/** An applied configuration, parsed. */
export function configurationOf(bytes: Buffer, strict: boolean): Pick<WriteRequest, 'patch' | 'duplicates'> {
  const { value, duplicates } = parseConfiguration(bytes, strict);
  return { patch: { type: 'apply', body: value }, ...(duplicates.length > 0 ? { duplicates } : {}) };
}

/** A patch of the media type, parsed. Throws 400 for what is no patch of that sort. */
export function patchOf(mediaType: string, bytes: Buffer): Patch {
  const body = parsePatch(bytes);
  if (mediaType === 'application/json-patch+json') {
    if (!Array.isArray(body)) throw badRequest(`json: cannot unmarshal ${goKind(body)} into Go value of type jsonpatch.Patch`);
    return { type: 'json', operations: body as readonly unknown[] };
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest(`error decoding patch: json: cannot unmarshal ${goKind(body)} into Go value of type map[string]interface {}`);
  }
  return mediaType === 'application/merge-patch+json' ? { type: 'merge', body } : { type: 'strategic', body };
}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
