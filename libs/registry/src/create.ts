import {
  alreadyExists,
  dnsSubdomainNames,
  invalid,
  StatusError,
  validateObjectMeta,
  validateQualifiedFinalizers,
  type GroupVersionResource,
  type KubeObject,
} from '#libs/apimachinery';
import { admit, mutate } from './admission/chain.js';
import { admitToNamespace } from './admission/namespace-lifecycle.js';
import type { Attributes } from './admission/plugin.js';
import { currentOf, namespaceOf, planned, prepareContextOf, trackingOf, withMetadata, writesOf, type Case, type Decided } from './case.js';
import { claimWrites } from './claims.js';
import { signatureProblems } from './certificates/signature.js';
import { adminAccessProblems } from './devices.js';
import { decodeBody, expectedOf } from './decoding.js';
import { tracked } from './field-management/index.js';
import { metadataForCreate } from './metadata.js';
import { allocateForCreate } from './service/allocate.js';
import type { StoredObject } from './write.js';

/** 409 for a name that is taken, in upstream's words where the taken one is on its way out or the name was generated. */
function nameTaken(resource: GroupVersionResource, object: KubeObject, existing: StoredObject, generated: boolean): StatusError {
  const { message, details } = alreadyExists(resource, object.metadata.name ?? '');
  const prefix = existing.object.metadata.deletionTimestamp === undefined ? '' : 'object is being deleted: ';
  const suffix = generated ? ', the server was not able to generate a unique name for the object' : '';
  return new StatusError('AlreadyExists', `${prefix}${message}${suffix}`, details);
}

/** Decides the creation of an object that a client sent. */
export function decideCreate(given: Case): Decided {
  const { request, definition } = given;
  const { object, warnings } = decodeBody(request.object, expectedOf(definition), request.options, request.duplicates);
  return create(given, tracked(trackingOf(given), undefined, definition.strategy.defaults(object)), warnings);
}

/** Creates a decoded and defaulted object: metadata, admission, allocation, the kind's own rules, all problems at once. */
export function create(given: Case, sent: KubeObject, decodingWarnings: readonly string[]): Decided {
  const { request, definition, context } = given;
  const { strategy, resource } = definition;
  if (definition.terminating === true) {
    throw new StatusError('MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.resource,
    });
  }
  if (sent.metadata.resourceVersion) {
    throw new StatusError('InternalError', 'resourceVersion should not be set on objects to be created');
  }
  const namespace = namespaceOf(given);
  const named = withMetadata(sent, metadataForCreate(sent.metadata, namespace, context));
  const calledBy = sent.metadata.name || (sent.metadata.generateName ?? '');
  admitToNamespace(given, 'create', calledBy);
  const attributes: Attributes = { operation: 'CREATE', subresource: '', name: calledBy, namespace, object: named, old: undefined };
  const mutated = mutate(given, attributes) ?? named;
  const allocated = allocateForCreate(mutated, given);
  const object = strategy.prepareForCreate(allocated, prepareContextOf(given));
  const rules = { namespaced: definition.scope === 'Namespaced', nameRule: definition.names ?? dnsSubdomainNames };
  const problems = [
    ...validateObjectMeta(object.metadata, rules),
    ...(definition.schema ? [] : validateQualifiedFinalizers(object.metadata.finalizers, 'metadata.finalizers')),
    ...strategy.validate(object),
    ...signatureProblems(given, object),
    ...adminAccessProblems(given, object),
  ];
  const name = object.metadata.name ?? '';
  if (problems.length > 0) throw invalid(resource.group, definition.kind, name, problems);
  if (request.createRefused) throw request.createRefused;
  const verdict = admit(given, { ...attributes, object });
  const existing = currentOf(given, namespace, name);
  if (existing) throw nameTaken(resource, object, existing, !sent.metadata.name);
  return {
    ...writesOf(given, [planned('Created', given, object, 0), ...claimWrites(given, undefined, object), ...verdict.writes]),
    answer: object,
    code: 201,
    warnings: [...decodingWarnings, ...strategy.warnings(object, undefined), ...verdict.warnings],
  };
}
