import { badRequest, StatusError, type KubeObject } from '#libs/apimachinery';
import { codecOf, FieldMismatch, type Reading } from './codec.js';
import { shortName, versionOfModel } from './facts.js';
import { TypeMismatch, Unreadable } from './scalars.js';

/** How to decode. */
export interface DecodeOptions {
  /** Report unknown fields. Whether they refuse the request or warn is the caller's to say. */
  readonly strict: boolean;
}

/** An object as upstream's decoder would have read it, and what it did not know. */
export interface Decoded<T = KubeObject> {
  readonly object: T;
  /** Sentences such as `unknown field "spec.foo"`, in the order of the text; at most 100. */
  readonly unknown: readonly string[];
}

const reading = (inTextOrder: boolean, strict: boolean): Reading => ({
  unknown: strict ? [] : undefined,
  inTextOrder,
  path: [],
  misses: 0,
});

/** 400 in upstream's frame: `Deployment in version "v1" cannot be handled as a Deployment: ...` */
export const cannotBeHandled = (model: string, why: string, cause?: unknown): StatusError => {
  const kind = shortName(model);
  const message = `${kind} in version "${versionOfModel(model)}" cannot be handled as a ${kind}: ${why}`;
  return new StatusError('BadRequest', message, undefined, cause === undefined ? undefined : { cause });
};

/** 400 for what strict field validation found: unknown and duplicate fields, in one sentence. */
export const strictDecodingError = (model: string, problems: readonly string[]): StatusError =>
  cannotBeHandled(model, `strict decoding error: ${problems.join(', ')}`);

const expectedProblem = (error: unknown): error is Error =>
  error instanceof TypeMismatch || error instanceof FieldMismatch || error instanceof Unreadable;

/** Walks the value in the order of its text: throws the first problem Go would meet, or returns the unknown fields. */
function inTextOrder(model: string, value: unknown, strict: boolean): readonly string[] {
  const second = reading(true, strict);
  try {
    codecOf(`#${model}`).read(value, second);
  } catch (error) {
    if (expectedProblem(error)) throw cannotBeHandled(model, error.message, error);
    throw error;
  }
  return second.unknown ?? [];
}

/**
 * A parsed JSON value as an object of the model's type, written as a round trip through upstream's Go type would
 * leave it: empty members that Go omits are gone, those it always writes are there, quantities, times and base64 in
 * their canonical form, members in the type's order, maps sorted. Unknown fields are dropped.
 *
 * Throws BadRequest with upstream's sentence where a value has the wrong type. `model` is a name of the facts, e.g.
 * `io.k8s.api.apps.v1.Deployment`.
 */
export function decode<T = KubeObject>(model: string, value: unknown, options: DecodeOptions): Decoded<T> {
  const first = reading(false, options.strict);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${shortName(model)}): couldn't get version/kind`);
  }
  let object: unknown;
  try {
    object = codecOf(`#${model}`).read(value, first);
  } catch (error) {
    if (!expectedProblem(error)) throw error;
    inTextOrder(model, value, false);
    throw cannotBeHandled(model, error.message, error);
  }
  const unknown = options.strict && first.misses > 0 ? inTextOrder(model, value, true) : [];
  return { object: object as T, unknown };
}
