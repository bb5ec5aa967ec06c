import { deepEqual, type KubeObject } from '#libs/apimachinery';
import type { Strategy } from './definition.js';

/** The members that most kinds have besides metadata. */
type WithMembers = KubeObject & { readonly spec?: unknown; readonly status?: unknown };

/** The object without its status: what a client may not set on create. */
export function withoutStatus<T extends KubeObject>(object: T): T {
  if ((object as WithMembers).status === undefined) return object;
  const { status: _dropped, ...rest } = object as WithMembers;
  return rest as unknown as T;
}

/** `next` with the status of `old`: an update of the main resource can't move it. */
export function withStatusOf<T extends KubeObject>(next: T, old: T): T {
  const { status } = old as WithMembers;
  return status === undefined ? withoutStatus(next) : { ...next, status };
}

/** Whether `spec` differs between two states of an object. */
export const specChanged = (next: KubeObject, old: KubeObject): boolean =>
  !deepEqual((next as WithMembers).spec, (old as WithMembers).spec);

/**
 * `next` with the generation that follows from `old`: one more where the change counts, by default a change of
 * spec. Without `old`, a new object's: 1. For kinds that have a generation; others keep none.
 */
export function withGeneration<T extends KubeObject>(next: T, old?: T, changed = old === undefined || specChanged(next, old)): T {
  const generation = (old?.metadata.generation ?? 0) + (changed ? 1 : 0);
  if (next.metadata.generation === generation) return next;
  if (generation > 0) return { ...next, metadata: { ...next.metadata, generation } };
  const { generation: _dropped, ...metadata } = next.metadata;
  return { ...next, metadata };
}

/** `old` with the status and the metadata of `next`: what a write to `status` can change. */
export function statusOnly<T extends KubeObject>(next: T, old: T): T {
  const { status } = next as WithMembers;
  const merged = { ...old, metadata: next.metadata };
  return status === undefined ? withoutStatus(merged) : { ...merged, status };
}

/**
 * A strategy whose omitted rules do what most kinds' do upstream: nothing to default, status dropped on create and
 * kept on update, only status and metadata taken from a write to `status`, no problems. `validateUpdate` is
 * `validate(next)` unless given. Generations are the kind's to count, with `withGeneration`.
 */
export function standardStrategy<T extends KubeObject>(rules: Partial<Strategy<T>> = {}): Strategy<T> {
  const validate = rules.validate ?? (() => []);
  return {
    defaults: (object) => object,
    prepareForCreate: (object) => withoutStatus(object),
    prepareForUpdate: (next, old) => withStatusOf(next, old),
    prepareForStatusUpdate: (next, old) => statusOnly(next, old),
    validateUpdate: (next) => validate(next),
    validateStatusUpdate: () => [],
    warnings: () => [],
    ...rules,
    validate,
  };
}
