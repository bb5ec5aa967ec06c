import type {
  Change,
  GroupVersionResource,
  Instant,
  KubeObject,
  OwnedObject,
  OwnerReference,
  PropagationPolicy,
  Reconcile,
} from '#libs/apimachinery';
import { tell } from '#libs/api';
import { parseTime } from '#libs/apimachinery';
import { releasedFrom } from '../ownership.js';

/** Keeps an object until its dependents are gone. */
export const FOREGROUND = 'foregroundDeletion';
/** Keeps an object until its dependents have been let go. */
export const ORPHAN = 'orphan';

/** What became of an owner that an object names. */
export type OwnerState = 'there' | 'absent' | 'waiting';

/** An owner that an object names. */
export interface GarbageOwner {
  readonly reference: OwnerReference;
  /** `waiting`: being deleted, in the foreground. */
  readonly state: OwnerState;
  /** Absent, but in another stream, whose events may come later. */
  readonly doubtful: boolean;
  /** Absent where it is said to be, and to be found in another namespace, where it owns nothing. */
  readonly elsewhere?: boolean;
}

export interface GarbageSnapshot {
  readonly resource: GroupVersionResource;
  readonly object: KubeObject;
  /** Its owners, in order. */
  readonly owners: readonly GarbageOwner[];
  /** Objects that name it as their owner, by name. */
  readonly dependents: readonly OwnedObject[];
}

/** How old an object must be before an owner of another stream counts as absent rather than as not yet seen. */
const DOUBT_MS = 30_000;

export const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean => metadata.finalizers?.includes(finalizer) === true;

export const isDeleting = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

/** Deletes objects whose owners are all gone, and carries out foreground and orphaning deletions. */
export const reconcileGarbage: Reconcile<GarbageSnapshot> = (snapshot, now) => {
  const { resource, object, owners, dependents } = snapshot;
  if (isDeleting(object) && hasFinalizer(object, ORPHAN))
    return { changes: [...orphaned(object, dependents), without(resource, object, ORPHAN)] };
  if (isDeleting(object)) return { changes: hasFinalizer(object, FOREGROUND) ? foreground(resource, object, dependents) : [] };
  if (owners.length === 0 || owners.every(({ state }) => state === 'there')) return { changes: [] };
  const doubt = doubtfulFor(snapshot, now);
  if (doubt > 0) return { changes: [], requeueAfterMs: doubt };
  if (owners.some(({ state }) => state === 'there')) {
    const gone = new Set(owners.filter(({ state }) => state !== 'there').map(({ reference }) => reference.uid));
    const left = [...gone].reduce((rest, uid) => releasedFrom(uid, rest), object);
    return { changes: [{ verb: 'update', resource, object: left }, ...strangers(snapshot, now)] };
  }
  const goesOn = owners.some(({ state }) => state === 'waiting') && dependents.length > 0;
  return { changes: [...(goesOn ? cascade(snapshot) : [deletion(resource, object)]), ...strangers(snapshot, now)] };
};

/** What is told of owners in other namespaces: nobody is owned across them. */
function strangers({ object, owners }: GarbageSnapshot, now: Instant): readonly Change[] {
  const { namespace = '' } = object.metadata;
  return owners
    .filter(({ elsewhere }) => elsewhere === true)
    .map(({ reference: { apiVersion, kind, name, uid } }, nth) => {
      const named = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
      const message = `ownerRef ${named} does not exist in namespace "${namespace}"`;
      return tell(
        'garbage-collector-controller',
        { about: object, type: 'Warning', reason: 'OwnerRefInvalidNamespace', message, nth },
        now,
      );
    });
}

function doubtfulFor({ object, owners }: GarbageSnapshot, now: Instant): number {
  if (!owners.some(({ doubtful }) => doubtful)) return 0;
  return (parseTime(object.metadata.creationTimestamp) ?? now) + DOUBT_MS - now;
}

const policyOf = (object: KubeObject): PropagationPolicy =>
  hasFinalizer(object, ORPHAN) ? 'Orphan' : hasFinalizer(object, FOREGROUND) ? 'Foreground' : 'Background';

function deletion(resource: GroupVersionResource, object: KubeObject, propagationPolicy = policyOf(object)): Change {
  const { name = '', namespace, uid = '' } = object.metadata;
  return { verb: 'delete', resource, ...(namespace === undefined ? {} : { namespace }), name, preconditions: { uid }, propagationPolicy };
}

/** The foreground deletion of an owner goes on below a dependent that has dependents of its own. */
function cascade({ resource, object, dependents }: GarbageSnapshot): readonly Change[] {
  const looped = dependents.some(({ object: dependent }) => isDeleting(dependent) && hasFinalizer(dependent, FOREGROUND));
  if (!looped) return [deletion(resource, object, 'Foreground')];
  const ownerReferences = (object.metadata.ownerReferences ?? []).map((reference) => ({ ...reference, blockOwnerDeletion: false }));
  const unblocked = { ...object, metadata: { ...object.metadata, ownerReferences } };
  return [{ verb: 'update', resource, object: unblocked }, deletion(resource, object, 'Foreground')];
}

function without(resource: GroupVersionResource, object: KubeObject, finalizer: string): Change {
  const { finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((one) => one !== finalizer);
  return { verb: 'update', resource, object: { ...object, metadata: left.length > 0 ? { ...metadata, finalizers: left } : metadata } };
}

const orphaned = ({ metadata }: KubeObject, dependents: readonly OwnedObject[]): readonly Change[] =>
  dependents.map(({ resource, object }): Change => ({ verb: 'update', resource, object: releasedFrom(metadata.uid ?? '', object) }));

/** An owner may go once no dependent that blocks it is left; until then its dependents are deleted one by one. */
function foreground(resource: GroupVersionResource, owner: KubeObject, dependents: readonly OwnedObject[]): readonly Change[] {
  const blocking = dependents.filter(({ object }) =>
    object.metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true),
  );
  return blocking.length === 0 ? [without(resource, owner, FOREGROUND)] : [];
}
