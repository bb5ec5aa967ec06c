import {
  conflict,
  invalid,
  OPTIMISTIC_LOCK,
  notFound,
  validateObjectMetaUpdate,
  validateQualifiedFinalizers,
  type FieldError,
  type KubeObject,
  type ObjectMeta,
} from '#libs/apimachinery';
import { admit, mutate } from './admission/chain.js';
import { admitToNamespace } from './admission/namespace-lifecycle.js';
import type { Attributes } from './admission/plugin.js';
import { currentOf, namespaceOf, planned, prepareContextOf, trackingOf, withMetadata, writesOf, type Case, type Decided } from './case.js';
import { claimWrites } from './claims.js';
import { create } from './create.js';
import { checkPreconditions } from './delete.js';
import { decodeBody, expectedOf } from './decoding.js';
import { sameButForTimes, tracked } from './field-management/index.js';
import { checkName, inNamespace, metadataForUpdate } from './metadata.js';
import { allocateForUpdate } from './service/allocate.js';
import { finalizeNamespace } from './subresource/finalize.js';
import type { StoredObject, WriteRequest } from './write.js';

/** Upstream prints the unsigned zero in hexadecimal. */
const NO_VERSION: FieldError = {
  reason: 'FieldValueInvalid',
  message: 'Invalid value: 0x0: must be specified for an update',
  field: 'metadata.resourceVersion',
};

/** What a subresource (or none) makes of a proposed object, and what it finds wrong with it. */
interface Treatment {
  readonly prepare: (next: KubeObject, old: KubeObject) => KubeObject;
  readonly validate: (next: KubeObject, old: KubeObject) => readonly FieldError[];
}

function treatmentOf(given: Case): Treatment {
  const { definition, request } = given;
  const { strategy } = definition;
  const context = prepareContextOf(given);
  if (request.subresource === 'status') {
    return { prepare: (next, old) => strategy.prepareForStatusUpdate(next, old, context), validate: strategy.validateStatusUpdate };
  }
  if (request.subresource === 'finalize') return finalizeNamespace;
  const part = request.subresource === undefined ? undefined : strategy.parts?.[request.subresource];
  if (part) return { prepare: (next, old) => part.prepare(next, old, context), validate: part.validate };
  return {
    prepare: (next, old) => strategy.prepareForUpdate(allocateForUpdate(next, old, given), old, context),
    validate: strategy.validateUpdate,
  };
}

/** A resourceVersion that the client sent must be the current one, and where the kind demands one it must be there. */
function checkVersion({ definition }: Case, sent: ObjectMeta, current: StoredObject): void {
  const { resource } = definition;
  const name = current.object.metadata.name ?? '';
  const version = sent.resourceVersion ?? '';
  if (version === '' || version === '0') {
    if (definition.unconditionalUpdate !== false) return;
    throw invalid(resource.group, resource.resource, name, [NO_VERSION]);
  }
  if (version !== String(current.sequence)) throw conflict(resource, name, OPTIMISTIC_LOCK);
}

/** A uid that the client sent is a precondition: a write meant for an object that is gone, or for its predecessor, is refused. */
export function checkUid({ definition }: Case, sent: ObjectMeta, { uid = '', name = '', namespace }: ObjectMeta): void {
  if (!sent.uid || sent.uid === uid) return;
  const key = ['/registry', definition.resource.resource, ...(namespace ? [namespace] : []), name].join('/');
  const precondition = `Precondition failed: UID in precondition: ${sent.uid}, UID in object meta: ${uid}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${precondition}`;
  throw conflict(definition.resource, name, why);
}

/** Whether a request is for one object alone: where that is gone, no other is made in its place. */
export const isMeant = ({ options: { preconditions } }: WriteRequest): boolean =>
  preconditions?.uid !== undefined || preconditions?.resourceVersion !== undefined;

const NO_VERDICT = { writes: [], warnings: [] };

/** An update as admission sees it. */
const updateAttributes = ({ request: { subresource = '' } }: Case, object: KubeObject, old: KubeObject): Attributes => {
  const { name = '', namespace = '' } = old.metadata;
  return { operation: 'UPDATE', subresource, name, namespace, object, old };
};

/** Whether an update that leaves no finalizer completes a deletion that was waiting for it. */
function completesDeletion(next: KubeObject, old: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = old.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || (next.metadata.finalizers ?? []).length > 0) return false;
  if (old.kind !== 'Namespace' || old.apiVersion !== 'v1') return true;
  return ((next as { spec?: { finalizers?: readonly string[] } }).spec?.finalizers ?? []).length === 0;
}

/** Decides a PUT of the main resource, of `status` or of a namespace's `finalize`. */
export function decideUpdate(given: Case): Decided {
  const { request, definition } = given;
  const { object, warnings } = decodeBody(request.object, expectedOf(definition), request.options, request.duplicates);
  const name = request.name ?? object.metadata.name ?? '';
  const namespace = namespaceOf(given);
  checkName(object, name, namespace);
  const next = definition.strategy.defaults(object);
  const current = currentOf(given, namespace, name);
  if (current) return applyUpdate(given, current, tracked(trackingOf(given), current.object, next), warnings);
  checkUid(given, next.metadata, { name, namespace });
  if (definition.createOnUpdate !== true || request.subresource !== undefined || isMeant(request))
    throw notFound(definition.resource, name);
  const { resourceVersion: _gone, ...metadata } = next.metadata;
  return create(given, tracked(trackingOf(given), undefined, { ...next, metadata }), warnings);
}

/**
 * Decides that an object becomes `proposed` (decoded, defaulted, its managed fields moved on), as far as its kind and the subresource let it.
 * A proposal that changes nothing writes nothing; one that takes the last finalizer of a deleted object deletes it.
 * `admitted`: admission has been asked about it already, in another form (a scale).
 */
export function applyUpdate(
  given: Case,
  current: StoredObject,
  proposed: KubeObject,
  decodingWarnings: readonly string[],
  admitted = false,
): Decided {
  const { request, definition } = given;
  const old = current.object;
  const sent = inNamespace(proposed.metadata, old.metadata.namespace ?? '');
  admitToNamespace(given, 'update', old.metadata.name ?? '');
  checkUid(given, sent, old.metadata);
  checkVersion(given, sent, current);
  checkPreconditions(given, old, current.sequence);
  const treatment = treatmentOf(given);
  const version = old.metadata.resourceVersion ?? String(current.sequence);
  const metadata = { ...metadataForUpdate(sent, old.metadata), resourceVersion: version };
  const attributes = updateAttributes(given, withMetadata(proposed, metadata), old);
  const mutated = admitted ? attributes.object : mutate(given, attributes);
  const next = treatment.prepare(mutated ?? proposed, old);
  const problems = [
    ...validateObjectMetaUpdate(next.metadata, old.metadata),
    ...(definition.schema ? [] : validateQualifiedFinalizers(next.metadata.finalizers, 'metadata.finalizers')),
    ...treatment.validate(next, old),
  ];
  if (problems.length > 0) throw invalid(definition.resource.group, definition.kind, old.metadata.name ?? '', problems);
  const verdict = admitted ? NO_VERDICT : admit(given, { ...attributes, object: next });
  const own = request.subresource === undefined ? definition.strategy.warnings(next, old) : [];
  const warnings = [...decodingWarnings, ...own, ...verdict.warnings];
  if (completesDeletion(next, old)) {
    const writes = [planned('Deleted', given, old, current.sequence), ...claimWrites(given, old, undefined), ...verdict.writes];
    return { ...writesOf(given, writes), answer: next, code: 200, warnings };
  }
  if (sameButForTimes(next, old)) return { writes: [], answer: old, code: 200, warnings };
  const writes = [planned('Updated', given, next, current.sequence), ...claimWrites(given, old, next), ...verdict.writes];
  return { ...writesOf(given, writes), answer: next, code: 200, warnings };
}
