import { deepEqual } from './deep-equal.js';
import { child, forbiddenField, invalidValue, item, required, tooLong, type FieldError } from './field-error.js';
import { parseApiVersion, type ManagedFieldsEntry, type ObjectMeta, type OwnerReference } from './meta.js';
import { dnsLabelNames, isQualifiedName, isValidLabelValue, type NameRule } from './name-rules.js';
import { byteLength, quoted } from './quote.js';

/** Most bytes of all annotations of an object, keys and values together. */
export const TOTAL_ANNOTATION_SIZE_LIMIT_BYTES = 256 * 1024;

/** The finalizers by which the garbage collector carries out orphaning and foreground deletion. */
export const FINALIZER_ORPHAN_DEPENDENTS = 'orphan';
export const FINALIZER_DELETE_DEPENDENTS = 'foregroundDeletion';

/** What upstream says of a change to what may not change. */
export const FIELD_IMMUTABLE = 'field is immutable';

const NONE: readonly FieldError[] = [];

/** A value that may not change, does not. Absent and undefined are the same. */
export const validateImmutableField = (next: unknown, old: unknown, field: string): readonly FieldError[] =>
  deepEqual(next, old) ? NONE : [invalidValue(field, next, FIELD_IMMUTABLE)];

/** A number is not below zero. */
export const validateNonnegative = (value: number, field: string): readonly FieldError[] =>
  value < 0 ? [invalidValue(field, value, 'must be greater than or equal to 0')] : NONE;

/** One label key: of a label, a selector, a condition's type. */
export const validateLabelName = (key: string, field: string): readonly FieldError[] =>
  isQualifiedName(key).map((message) => invalidValue(field, key, message));

/** Keys and values of labels, each error on the map itself, as upstream. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): readonly FieldError[] {
  if (!labels) return NONE;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    errors.push(...validateLabelName(key, field));
    for (const message of isValidLabelValue(value)) errors.push(invalidValue(field, value, message));
  }
  return errors;
}

/** Keys of annotations (case does not matter in them) and the size of all. */
export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, field: string): readonly FieldError[] {
  if (!annotations) return NONE;
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(invalidValue(field, key, message));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > TOTAL_ANNOTATION_SIZE_LIMIT_BYTES) errors.push(tooLong(field, TOTAL_ANNOTATION_SIZE_LIMIT_BYTES));
  return errors;
}

/** One finalizer's name. */
export const validateFinalizerName = validateLabelName;

/** Names of finalizers, and that orphaning and foreground deletion exclude each other. */
export function validateFinalizers(finalizers: readonly string[] | undefined, field: string): readonly FieldError[] {
  if (!finalizers || finalizers.length === 0) return NONE;
  const errors = finalizers.flatMap((finalizer) => validateFinalizerName(finalizer, field));
  if (finalizers.includes(FINALIZER_ORPHAN_DEPENDENTS) && finalizers.includes(FINALIZER_DELETE_DEPENDENTS)) {
    const detail = `finalizer ${FINALIZER_ORPHAN_DEPENDENTS} and ${FINALIZER_DELETE_DEPENDENTS} cannot be both set`;
    errors.push(invalidValue(field, finalizers, detail));
  }
  return errors;
}

/** The finalizers that need no domain. */
export const STANDARD_FINALIZERS: readonly string[] = ['kubernetes', FINALIZER_ORPHAN_DEPENDENTS, FINALIZER_DELETE_DEPENDENTS];

/** What upstream says of a finalizer without a domain that is none of Kubernetes' own. */
export const UNQUALIFIED_FINALIZER = 'name is neither a standard finalizer name nor is it fully qualified';

/** Finalizers of built-in kinds are Kubernetes' own or have a domain; the kinds of custom resources may have others. */
export function validateQualifiedFinalizers(finalizers: readonly string[] | undefined, field: string): readonly FieldError[] {
  if (!finalizers || finalizers.length === 0) return NONE;
  return finalizers.flatMap((finalizer, index) =>
    finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)
      ? NONE
      : [invalidValue(item(field, index), finalizer, UNQUALIFIED_FINALIZER)],
  );
}

function validateOwnerReference(owner: OwnerReference, field: string): readonly FieldError[] {
  const { group, version } = parseApiVersion(owner.apiVersion);
  const errors: FieldError[] = [];
  if (version === '') errors.push(invalidValue(child(field, 'apiVersion'), owner.apiVersion, 'version must not be empty'));
  for (const name of ['kind', 'name', 'uid'] as const) {
    if (owner[name] === '') errors.push(invalidValue(child(field, name), owner[name], 'must not be empty'));
  }
  if (group === '' && version === 'v1' && owner.kind === 'Event') {
    errors.push(invalidValue(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

/** Owner references: complete, no Events, one controller at most. */
export function validateOwnerReferences(owners: readonly OwnerReference[] | undefined, field: string): readonly FieldError[] {
  if (!owners || owners.length === 0) return NONE;
  const errors: FieldError[] = [];
  let controller = '';
  for (const owner of owners) {
    errors.push(...validateOwnerReference(owner, field));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === '') controller = name;
    else {
      const found = `Found "true" in references for ${controller} and ${name}`;
      errors.push(invalidValue(field, owners, `Only one reference can have Controller set to true. ${found}`));
    }
  }
  return errors;
}

/** A field manager's name: at most 128 bytes, all printable. */
export function validateFieldManager(manager: string, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (byteLength(manager) > 128) errors.push(tooLong(field, 128));
  let position = 0;
  for (const char of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) {
      const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalidValue(field, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += byteLength(char);
  }
  return errors;
}

/** The entries of managed fields: operation, type, names. */
export function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, field: string): readonly FieldError[] {
  if (!entries || entries.length === 0) return NONE;
  return entries.flatMap((entry, index) => {
    const at = item(field, index);
    const operation = entry.operation ?? '';
    const fieldsType = entry.fieldsType ?? '';
    const errors: FieldError[] = [];
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalidValue(child(at, 'operation'), operation, 'must be `Apply` or `Update`'));
    }
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') {
      errors.push(invalidValue(child(at, 'fieldsType'), fieldsType, 'must be `FieldsV1`'));
    }
    errors.push(...validateFieldManager(entry.manager ?? '', child(at, 'manager')));
    if (byteLength(entry.subresource ?? '') > 256) errors.push(tooLong(child(at, 'subresource'), 256));
    return errors;
  });
}

/** What distinguishes kinds in the rules of their metadata. */
export interface ObjectMetaRules {
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
}

function validateNamespace(namespace: string, namespaced: boolean, field: string): readonly FieldError[] {
  if (!namespaced) return namespace === '' ? NONE : [forbiddenField(field, 'not allowed on this type')];
  if (namespace === '') return [required(field)];
  return dnsLabelNames(namespace, false).map((message) => invalidValue(field, namespace, message));
}

/** Every problem of a new object's metadata, after a name was generated. */
export function validateObjectMeta(meta: ObjectMeta, { namespaced, nameRule }: ObjectMetaRules, path = 'metadata'): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { name = '', generateName = '' } = meta;
  if (generateName !== '') {
    for (const message of nameRule(generateName, true)) errors.push(invalidValue(child(path, 'generateName'), generateName, message));
  }
  if (name === '') errors.push(required(child(path, 'name'), 'name or generateName is required'));
  else for (const message of nameRule(name, false)) errors.push(invalidValue(child(path, 'name'), name, message));
  return [
    ...errors,
    ...validateNamespace(meta.namespace ?? '', namespaced, child(path, 'namespace')),
    ...validateNonnegative(meta.generation ?? 0, child(path, 'generation')),
    ...validateLabels(meta.labels, child(path, 'labels')),
    ...validateAnnotations(meta.annotations, child(path, 'annotations')),
    ...validateOwnerReferences(meta.ownerReferences, child(path, 'ownerReferences')),
    ...validateFinalizers(meta.finalizers, child(path, 'finalizers')),
    ...validateManagedFields(meta.managedFields, child(path, 'managedFields')),
  ];
}

const IMMUTABLE_META = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
/** Go's zero values of the immutable members that are no pointers: what an absent one is shown as. */
const ZERO_META: Readonly<Record<string, unknown>> = { name: '', namespace: '', uid: '' };

/** Every problem of a change of metadata. */
export function validateObjectMetaUpdate(next: ObjectMeta, old: ObjectMeta, path = 'metadata'): readonly FieldError[] {
  const errors: FieldError[] = [];
  const added = old.deletionTimestamp === undefined ? [] : (next.finalizers ?? []).filter((name) => !old.finalizers?.includes(name));
  if (added.length > 0) {
    const found = [...new Set(added)].sort().map(quoted).join(', ');
    const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${found}}`;
    errors.push(forbiddenField(child(path, 'finalizers'), detail));
  }
  if (!next.resourceVersion) errors.push(invalidValue(child(path, 'resourceVersion'), '', 'must be specified for an update'));
  if ((next.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalidValue(child(path, 'generation'), next.generation ?? 0, 'must not be decremented'));
  }
  for (const name of IMMUTABLE_META) {
    errors.push(...validateImmutableField(next[name] ?? ZERO_META[name], old[name] ?? ZERO_META[name], child(path, name)));
  }
  return [
    ...errors,
    ...validateLabels(next.labels, child(path, 'labels')),
    ...validateAnnotations(next.annotations, child(path, 'annotations')),
    ...validateOwnerReferences(next.ownerReferences, child(path, 'ownerReferences')),
    ...validateManagedFields(next.managedFields, child(path, 'managedFields')),
  ];
}
