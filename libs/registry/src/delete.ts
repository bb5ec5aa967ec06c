import {
  conflict,
  FINALIZER_DELETE_DEPENDENTS,
  FINALIZER_ORPHAN_DEPENDENTS,
  formatTime,
  invalid,
  invalidValue,
  notFound,
  notSupportedInOrder,
  type KubeObject,
  type ObjectMeta,
} from '#libs/apimachinery';
import type { Namespace, Pod, ResourceDefinition } from '#libs/api';
import { admit, mutate } from './admission/chain.js';
import type { Attributes } from './admission/plugin.js';
import { admitNamespaceDeletion } from './admission/namespace-lifecycle.js';
import { currentOf, namespaceOf, planned, withMetadata, writesOf, type Case, type Decided } from './case.js';
import { claimWrites } from './claims.js';
import { successOf } from './status.js';
import type { StoredObject, WriteOptions } from './write.js';

/** Kinds whose deletion answers with the object (upstream's ReturnDeletedObject); the others answer with a Status. */
const RETURNED = new Set(['persistentvolumeclaims', 'pods', 'serviceaccounts', 'services']);

/** Kinds that the garbage collector leaves alone: their finalizers never say what becomes of dependents. */
const UNCOLLECTED = new Set(['events']);

const isCore = ({ definition }: Case, resource: string): boolean =>
  definition.resource.group === '' && definition.resource.resource === resource;

function validateOptions({ orphanDependents, propagationPolicy }: WriteOptions): void {
  const problems = [
    ...(orphanDependents !== undefined && propagationPolicy !== undefined
      ? [invalidValue('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set')]
      : []),
    ...(propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)
      ? [notSupportedInOrder('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil'])]
      : []),
  ];
  if (problems.length > 0) throw invalid('meta.k8s.io', 'DeleteOptions', '', problems);
}

/** Throws Conflict where the object is not the one that the client means. */
export function checkPreconditions({ request, definition }: Case, { metadata }: KubeObject, sequence: number): void {
  const { uid, resourceVersion } = request.options.preconditions ?? {};
  const kind = { group: definition.resource.group, resource: definition.kind };
  const name = metadata.name ?? '';
  if (uid !== undefined && uid !== metadata.uid) {
    const record = `does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, `the UID in the precondition (${uid}) ${record}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== String(sequence)) {
    const record = `does not match the ResourceVersion in record (${sequence}). The object might have been modified`;
    throw conflict(kind, name, `the ResourceVersion in the precondition (${resourceVersion}) ${record}`);
  }
}

/** What becomes of the dependents: as asked for, else as an earlier request's finalizer says, else as the kind has it. */
function dependentsFinalizer({ request, definition }: Case, finalizers: readonly string[]): string | undefined {
  const { orphanDependents, propagationPolicy } = request.options;
  if (orphanDependents !== undefined) return orphanDependents ? FINALIZER_ORPHAN_DEPENDENTS : undefined;
  switch (propagationPolicy) {
    case 'Orphan':
      return FINALIZER_ORPHAN_DEPENDENTS;
    case 'Foreground':
      return FINALIZER_DELETE_DEPENDENTS;
    case 'Background':
      return undefined;
    case undefined:
      return (
        finalizers.find((name) => name === FINALIZER_ORPHAN_DEPENDENTS || name === FINALIZER_DELETE_DEPENDENTS) ??
        (definition.orphansDependents ? FINALIZER_ORPHAN_DEPENDENTS : undefined)
      );
  }
}

/** What a client is told that left it to the kind what becomes of the dependents. */
export function deletionWarnings(definition: ResourceDefinition, { orphanDependents, propagationPolicy }: WriteOptions): readonly string[] {
  const warning = definition.orphansDependents?.warning;
  return warning === undefined || orphanDependents !== undefined || propagationPolicy !== undefined ? [] : [warning];
}

/** The finalizers after a delete request: those of others, and the one that says what becomes of the dependents. */
function finalizersAfter(given: Case, { finalizers = [] }: ObjectMeta): readonly string[] {
  if (UNCOLLECTED.has(given.definition.resource.resource)) return finalizers;
  const wanted = dependentsFinalizer(given, finalizers);
  const others = finalizers.filter((name) => name !== FINALIZER_ORPHAN_DEPENDENTS && name !== FINALIZER_DELETE_DEPENDENTS);
  const next = wanted === undefined ? others : [...others, wanted];
  return next.length === finalizers.length && next.every((name) => finalizers.includes(name)) ? finalizers : next;
}

const withFinalizers = ({ finalizers: _old, ...rest }: ObjectMeta, finalizers: readonly string[]): ObjectMeta =>
  finalizers.length === 0 ? rest : { ...rest, finalizers };

/** Whether and for how long a deletion waits for the kubelet. `pending`: it already does, and no shorter time was asked for. */
type Grace =
  | { readonly kind: 'none' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'graceful'; readonly metadata: ObjectMeta; readonly seconds: number };

function podGrace({ spec, status }: Pod, asked: number | undefined): number {
  const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (!spec?.nodeName || ended) return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function graceOf(given: Case, object: KubeObject): Grace {
  if (!isCore(given, 'pods')) return { kind: 'none' };
  const { metadata } = object;
  const sent = given.request.options.gracePeriodSeconds;
  const asked = sent !== undefined && sent < 0 ? 1 : sent;
  const { deletionTimestamp, deletionGracePeriodSeconds: running = 0 } = metadata;
  if (deletionTimestamp !== undefined) {
    if (running === 0) return { kind: 'none' };
    if (asked === undefined || asked >= running) return { kind: 'pending' };
    const at = Date.parse(deletionTimestamp) + (asked - running) * 1000;
    const shorter = { ...metadata, deletionTimestamp: formatTime(at), deletionGracePeriodSeconds: asked };
    return { kind: 'graceful', metadata: shorter, seconds: asked };
  }
  const seconds = podGrace(object as Pod, asked);
  const at = formatTime(given.context.now + seconds * 1000);
  const marked = { ...metadata, ...bumped(metadata), deletionTimestamp: at, deletionGracePeriodSeconds: seconds };
  return { kind: 'graceful', metadata: marked, seconds };
}

const bumped = ({ generation }: ObjectMeta): Pick<ObjectMeta, 'generation'> => (generation ? { generation: generation + 1 } : {});

/** An object that waits for its finalizers alone. */
function markedDeleting(metadata: ObjectMeta, now: number): ObjectMeta {
  const { deletionTimestamp } = metadata;
  const later = deletionTimestamp === undefined || Date.parse(deletionTimestamp) > now;
  return {
    ...metadata,
    ...(deletionTimestamp === undefined ? bumped(metadata) : {}),
    deletionTimestamp: later ? formatTime(now) : deletionTimestamp,
    deletionGracePeriodSeconds: 0,
  };
}

const sameMetadata = (a: ObjectMeta, b: ObjectMeta): boolean =>
  a.deletionTimestamp === b.deletionTimestamp &&
  a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds &&
  (a.finalizers ?? []).join() === (b.finalizers ?? []).join();

function updated(given: Case, current: StoredObject, next: KubeObject): Decided {
  const { request } = given;
  const changed = !sameMetadata(next.metadata, current.object.metadata);
  const code = request.options.orphanDependents === false ? 202 : 200;
  const writes = writesOf(given, changed ? [planned('Updated', given, next, current.sequence)] : []);
  return { ...writes, answer: next, code, warnings: [] };
}

function gone(given: Case, current: StoredObject, last: KubeObject): Decided {
  const { definition } = given;
  const writes = [planned('Deleted', given, last, current.sequence), ...claimWrites(given, last, undefined)];
  const returned = definition.resource.group === '' && RETURNED.has(definition.resource.resource);
  return {
    ...writesOf(given, writes),
    answer: returned ? last : successOf(definition.resource, last.metadata),
    code: 200,
    warnings: [],
  };
}

/** A namespace is first marked as terminating and goes when it is empty: when its `spec.finalizers` are gone. */
function deleteNamespace(given: Case, current: StoredObject): Decided | undefined {
  const namespace = current.object as Namespace;
  const { metadata } = namespace;
  if (metadata.deletionTimestamp !== undefined) {
    return (namespace.spec?.finalizers ?? []).length > 0 ? { writes: [], answer: namespace, code: 200, warnings: [] } : undefined;
  }
  const deletionTimestamp = formatTime(given.context.now);
  const next: Namespace = {
    ...namespace,
    metadata: withFinalizers({ ...metadata, deletionTimestamp }, finalizersAfter(given, metadata)),
    status: { ...namespace.status, phase: 'Terminating' },
  };
  return updated(given, current, next);
}

/** Decides a DELETE of the object that a request names. */
export function decideDelete(given: Case): Decided {
  const { request, definition } = given;
  const name = request.name ?? '';
  if (isCore(given, 'namespaces')) admitNamespaceDeletion(name);
  const current = currentOf(given, namespaceOf(given), name);
  if (!current) throw notFound(definition.resource, name);
  const { namespace = '' } = current.object.metadata;
  const attributes: Attributes = { operation: 'DELETE', subresource: '', name, namespace, object: undefined, old: current.object };
  mutate(given, attributes);
  const verdict = admit(given, attributes);
  const decided = deleteObject(given, current);
  const warnings = [...deletionWarnings(definition, request.options), ...decided.warnings, ...verdict.warnings];
  if (decided.writes.length === 0) return { ...decided, warnings };
  return { ...decided, writes: [...decided.writes, ...verdict.writes], warnings };
}

/**
 * Deletes an object as far as can be: at once, or by marking it where its kubelet or its finalizers come first.
 * Throws Conflict where a precondition does not hold, Invalid for options that contradict each other.
 */
export function deleteObject(given: Case, current: StoredObject): Decided {
  const { sequence } = current;
  const { prepareForDelete } = given.definition.strategy;
  const object = prepareForDelete ? prepareForDelete(current.object, { now: given.context.now }) : current.object;
  validateOptions(given.request.options);
  checkPreconditions(given, object, sequence);
  if (isCore(given, 'namespaces')) {
    const waiting = deleteNamespace(given, current);
    if (waiting) return waiting;
  }
  const grace = graceOf(given, object);
  if (grace.kind === 'pending') return { writes: [], answer: object, code: 200, warnings: [] };
  const finalizers = finalizersAfter(given, object.metadata);
  const graceful = grace.kind === 'graceful' ? grace.metadata : object.metadata;
  if (finalizers.length > 0) {
    const marked = grace.kind === 'graceful' ? graceful : markedDeleting(graceful, given.context.now);
    return updated(given, current, withMetadata(object, withFinalizers(marked, finalizers)));
  }
  const last = withMetadata(object, withFinalizers(graceful, finalizers));
  return grace.kind === 'graceful' && grace.seconds > 0 ? updated(given, current, last) : gone(given, current, last);
}
