import { applyOperation, getValueByPointer, type Operation } from 'fast-json-patch';
import { isJsonObject } from './json-object.js';
import { badRequest, StatusError } from './status-error.js';

/** Most operations of one JSON Patch, as upstream's API server. */
export const MOST_JSON_PATCH_OPERATIONS = 10_000;

/** Most characters that the copies of one JSON Patch may add up to, as upstream: its server's limit of a body. */
const MOST_COPIED = 3 * 1024 * 1024;

/** 422: a patch that can't be carried out on this object. Upstream tells the client no more than this. */
export const patchNotApplicable = (cause?: unknown): StatusError =>
  new StatusError('Invalid', 'the server rejected our request due to an error in our request', {}, { cause });

const goType = (value: unknown): string => {
  if (value === null || typeof value === 'object') return Array.isArray(value) ? 'array' : 'object';
  return typeof value === 'boolean' ? 'bool' : typeof value;
};

/**
 * Carries out a JSON Patch (RFC 6902) on a copy. Throws BadRequest where it is no list of operations,
 * RequestEntityTooLarge where there are too many, Invalid where one does not apply.
 */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) {
    throw badRequest(`json: cannot unmarshal ${goType(operations)} into Go value of type jsonpatch.Patch`);
  }
  for (const operation of operations) {
    if (!isJsonObject(operation)) throw badRequest(`json: cannot unmarshal ${goType(operation)} into Go value of type jsonpatch.Operation`);
  }
  if (operations.length > MOST_JSON_PATCH_OPERATIONS) {
    const sentence = `The allowed maximum operations in a JSON patch is ${MOST_JSON_PATCH_OPERATIONS}, got ${operations.length}`;
    throw new StatusError('RequestEntityTooLarge', `Request entity too large: ${sentence}`);
  }
  try {
    return carriedOut(structuredClone(target), operations as Operation[]);
  } catch (error) {
    throw patchNotApplicable(error);
  }
}

/** Carries out operations one by one: copies of copies double each time, so what they add up to is counted before it is made. */
function carriedOut(document: unknown, operations: readonly Operation[]): unknown {
  let result = document;
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    if (operation.op === 'copy') {
      copied += JSON.stringify(getValueByPointer(result, operation.from) ?? null).length;
      if (copied > MOST_COPIED) {
        throw new Error(
          `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${MOST_COPIED}`,
        );
      }
    }
    result = applyOperation<unknown>(result, operation, true, true, true, index).newDocument;
  }
  return result;
}

/** Deepest nesting of a patch: what a recursive walk can carry. */
const MOST_PATCH_DEPTH = 1000;

function merge(target: unknown, patch: unknown, depth: number): unknown {
  if (!isJsonObject(patch)) return patch;
  if (depth > MOST_PATCH_DEPTH) throw badRequest('exceeded max depth');
  const merged = new Map(Object.entries(isJsonObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, merge(merged.get(key), value, depth + 1));
  }
  return Object.fromEntries(merged);
}

/**
 * Merges a JSON Merge Patch (RFC 7396): members that are null go, objects merge, everything else replaces.
 * Neither argument is changed; what stays the same is shared. Throws BadRequest beyond 1,000 levels of nesting.
 */
export const jsonMergePatch = (target: unknown, patch: unknown): unknown => merge(target, patch, 0);
