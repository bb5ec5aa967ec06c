import { deepEqual, invalidValue, type FieldError, type KubeObject } from '#libs/apimachinery';
import {
  applyDefaults,
  checkOf,
  validateInvariants,
  validateValue,
  valueAt,
  type CustomResourceSubresourceScale,
  type SchemaNode,
} from '#libs/custom-resources';
import type { Strategy } from '../../definition.js';
import { standardStrategy, withGeneration, withoutStatus, withStatusOf } from '../../strategy.js';

type WithStatus = KubeObject & { readonly status?: unknown };

const MOST_REPLICAS = 2147483647;

/** Problems that leave rules unchecked. */
const BLOCKING = new Set(['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);
const UNCHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** Evaluates the CEL rules of a schema on an object, and on what it was before. */
export type RuleCheck = (value: unknown, old: unknown) => readonly FieldError[];

/** The object as far as it counts for its generation: without metadata. */
function counted({ metadata: _metadata, ...rest }: KubeObject): unknown {
  return rest;
}

/** What a write to `status` changes: the status, and the record of who owns what. */
function statusOf(next: WithStatus, old: WithStatus): KubeObject {
  const { managedFields } = next.metadata;
  const { managedFields: _old, ...metadata } = old.metadata;
  const { status: _status, ...rest } = old;
  return {
    ...rest,
    metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) },
    ...(next.status === undefined ? {} : { status: next.status }),
  };
}

function validateReplicas(object: KubeObject, path: string): readonly FieldError[] {
  const value = valueAt(object, path.slice(1).split('.'));
  if (value === undefined) return [];
  if (typeof value !== 'number' || !Number.isInteger(value)) return [];
  if (value < 0) return [invalidValue(path, value, 'should be a non-negative integer')];
  return value > MOST_REPLICAS ? [invalidValue(path, value, `should be less than or equal to ${MOST_REPLICAS}`)] : [];
}

/** The rules of a version of a custom resource on the write path (apiextensions-apiserver `customresource/strategy.go`). */
export function customStrategy(
  node: SchemaNode,
  {
    hasStatus,
    scale,
    rules,
  }: { readonly hasStatus: boolean; readonly scale: CustomResourceSubresourceScale | undefined; readonly rules: RuleCheck | undefined },
): Strategy {
  const check = checkOf(node.schema);
  const judge = (next: KubeObject, old: KubeObject | undefined): readonly FieldError[] => {
    const errors = [
      ...validateValue(check, next, old),
      ...(scale ? [...validateReplicas(next, scale.specReplicasPath), ...validateReplicas(next, scale.statusReplicasPath)] : []),
      ...validateInvariants(node, next),
    ];
    if (!rules) return errors;
    if (errors.some(({ reason }) => BLOCKING.has(reason))) return [...errors, invalidValue('<nil>', null, UNCHECKED)];
    return [...errors, ...rules(next, old)];
  };
  return standardStrategy<KubeObject>({
    defaults: (object) => applyDefaults(node, object) as KubeObject,
    prepareForCreate: (object) => withGeneration(hasStatus ? withoutStatus(object) : object),
    prepareForUpdate(next, old) {
      const kept = hasStatus ? withStatusOf(next, old) : next;
      return withGeneration(kept, old, !deepEqual(counted(kept), counted(old)));
    },
    prepareForStatusUpdate: (next, old) => statusOf(next, old),
    validate: (object) => judge(object, undefined),
    validateUpdate: judge,
    validateStatusUpdate: judge,
  });
}
