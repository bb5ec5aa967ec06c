import type { KubeObject } from '#libs/apimachinery';
import type { ObjectReference, Revision } from '../wire.js';
import { joined, kindKey, NO_PLAN, recreated, undoName, type UndoPlan } from './plan.js';

/** An object that went: the event with which its deletion began. */
export interface Deletion {
  readonly object: ObjectReference;
  /** Of the event that began it; just before, the object was whole. */
  readonly began: Revision;
}

const DELETION_TIMESTAMP = '/metadata/deletionTimestamp';

/** Whether an event began the deletion of its object, or was all of it. */
export const beginsDeletion = ({ type, changes = [] }: Revision): boolean =>
  type === 'Deleted' || changes.some(({ op, path }) => op === 'add' && path === DELETION_TIMESTAMP);

/** The last deletion among an object's revisions, newest first; undefined where it was never deleted. */
export function lastDeletion(revisions: readonly Revision[]): Deletion | undefined {
  const last = revisions.find(beginsDeletion);
  if (last === undefined) return undefined;
  const began = revisions.findLast((one) => one.object.uid === last.object.uid && beginsDeletion(one)) ?? last;
  return { object: last.object, began };
}

/** Every object whose deletion began among these events, each with the first that did. */
export function deletionsAmong(revisions: readonly Revision[]): readonly Deletion[] {
  const found = new Map<string, Deletion>();
  for (const began of [...revisions].sort((a, b) => a.sequence - b.sequence)) {
    const { object } = began;
    const key = object.uid ?? JSON.stringify([object.group, object.resource, object.namespace, object.name]);
    if (beginsDeletion(began) && !found.has(key)) found.set(key, { object, began });
  }
  return [...found.values()];
}

/** Kinds that nobody writes: they come back with what they are about. */
const REMADE = new Set([
  '/endpoints',
  '/events',
  'events.k8s.io/events',
  'discovery.k8s.io/endpointslices',
  'coordination.k8s.io/leases',
  'networking.k8s.io/ipaddresses',
  'allocation.decklog.dev/nodeports',
  'allocation.decklog.dev/nodeclaims',
  'apps/controllerrevisions',
]);
const ROOT_CA = 'kube-root-ca.crt';
const SERVICE_ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';
const SEALED = 'decklog.dev/sealed';

/** In this order objects come back: what others need first. All others follow, as they went. */
const FIRST = [
  'apiextensions.k8s.io/customresourcedefinitions',
  '/namespaces',
  '/persistentvolumes',
  '/serviceaccounts',
  '/secrets',
  '/configmaps',
  '/persistentvolumeclaims',
  'rbac.authorization.k8s.io/roles',
  'rbac.authorization.k8s.io/rolebindings',
  '/services',
];

const rank = ({ object }: { readonly object: ObjectReference }): number => {
  const at = FIRST.indexOf(kindKey(object));
  return at < 0 ? FIRST.length : at;
};

/** A deleted object as it was before its deletion began, and as it is now where it is there again. */
export interface Lost {
  readonly object: ObjectReference;
  /** Absent: nothing is known of it any more, or it may not be seen. */
  readonly was: KubeObject | undefined;
  readonly current: KubeObject | undefined;
}

/** Why an object is not brought back by hand; undefined: it is. `uids`: of all that comes back. */
function leftTo({ object, was, current }: Lost, uids: ReadonlySet<string>): string | undefined {
  // A namespace's own account is there before any pod can be.
  if (kindKey(object) === '/serviceaccounts' && object.name === 'default' && current !== undefined) return '';
  if (REMADE.has(kindKey(object)) || (kindKey(object) === '/configmaps' && object.name === ROOT_CA)) return '';
  if (was === undefined) return 'is not known any more, or not yours to see';
  const { type } = was as KubeObject & { readonly type?: string };
  if (kindKey(object) === '/secrets' && type === SERVICE_ACCOUNT_TOKEN)
    return 'is a token of an account that was deleted: it opens nothing any more';
  const sealed = was.metadata.annotations?.[SEALED];
  if (sealed !== undefined) return `can not come back: ${sealed}`;
  const owner = was.metadata.ownerReferences?.find(({ controller, uid }) => controller === true && uids.has(uid));
  return owner === undefined ? undefined : '';
}

/**
 * Brings deleted objects back as they were, those that others need first. What controllers make from others that come back is
 * left to them, and so is what nobody writes by hand.
 */
export function restorePlan(lost: readonly Lost[]): UndoPlan {
  const uids = new Set(lost.flatMap(({ was }) => was?.metadata.uid ?? []));
  const ordered = lost.map((one, index) => ({ ...one, index })).sort((a, b) => rank(a) - rank(b) || a.index - b.index);
  return joined(
    ordered.map((one): UndoPlan => {
      const { object, was, current } = one;
      const why = leftTo(one, uids);
      if (why !== undefined) return why === '' ? NO_PLAN : { ...NO_PLAN, notes: [`${undoName(object)} ${why}`] };
      if (was === undefined) return NO_PLAN;
      if (current === undefined) return recreated(object, was);
      const still = current.metadata.deletionTimestamp !== undefined;
      return { ...NO_PLAN, conflicts: [{ object, why: still ? 'it is still being deleted: wait until it is gone' : 'it is there again' }] };
    }),
  );
}
