import { catalogOfView } from '#libs/api';
import {
  apiVersionOf,
  parseApiVersion,
  keyOf,
  type Controller,
  type GroupVersionResource,
  type KubeObject,
  type Lister,
  type OwnerReference,
} from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { splitKey } from '../watching.js';
import { FOREGROUND, hasFinalizer, isDeleting, ORPHAN, reconcileGarbage, type GarbageSnapshot, type OwnerState } from './reconcile.js';

/** `group/version/resource/namespace/name`; the namespace of a cluster-scoped object is left out. */
const garbageKey = (resource: GroupVersionResource, object: KubeObject): string =>
  `${apiVersionOf(resource)}|${resource.resource}|${keyOf(object)}`;

function parseKey(key: string): { readonly resource: GroupVersionResource; readonly namespace: string | undefined; readonly name: string } {
  const [apiVersion = '', resource = '', object = ''] = key.split('|');
  return { resource: { ...parseApiVersion(apiVersion), resource }, ...splitKey(object) };
}

/** Where an owner is; undefined: nothing is known of its kind, so nothing is done about its absence. */
function stateOf(lister: Lister, { metadata }: KubeObject, reference: OwnerReference): OwnerState {
  const definition = catalogOfView(lister).definitionByKind(reference.apiVersion, reference.kind);
  if (!definition) return 'there';
  const namespace = definition.scope === 'Namespaced' ? metadata.namespace : undefined;
  if (definition.scope === 'Namespaced' && namespace === undefined) return 'there';
  const owner = lister.get(definition.resource, namespace, reference.name);
  if (!owner || owner.metadata.uid !== reference.uid) return 'absent';
  return isDeleting(owner) && hasFinalizer(owner, FOREGROUND) ? 'waiting' : 'there';
}

/** The objects of a list by uid: made once for each list that the view hands out. */
const byUid = new WeakMap<readonly KubeObject[], ReadonlyMap<string, KubeObject>>();

function uidsOf(list: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  const known = byUid.get(list) ?? new Map(list.map((object) => [object.metadata.uid ?? '', object]));
  byUid.set(list, known);
  return known;
}

/** Whether an owner that is not where a reference says lives in another namespace. */
function isElsewhere(lister: Lister, { metadata }: KubeObject, reference: OwnerReference): boolean {
  const definition = catalogOfView(lister).definitionByKind(reference.apiVersion, reference.kind);
  if (definition?.scope !== 'Namespaced') return false;
  const found = uidsOf(lister.list(definition.resource)).get(reference.uid);
  return found !== undefined && found.metadata.namespace !== metadata.namespace;
}

const finalizing = (object: KubeObject): boolean =>
  isDeleting(object) && (hasFinalizer(object, FOREGROUND) || hasFinalizer(object, ORPHAN));

const referencesOf = (object: KubeObject | undefined): readonly OwnerReference[] => object?.metadata.ownerReferences ?? [];

/** Owners that wait for their dependents and may now have one less. */
function waitingOwners(lister: Lister, before: KubeObject, after: KubeObject | undefined): readonly string[] {
  return referencesOf(before).flatMap((reference) => {
    const still = referencesOf(after).some(
      ({ uid, blockOwnerDeletion }) => uid === reference.uid && blockOwnerDeletion === reference.blockOwnerDeletion,
    );
    if (still || stateOf(lister, before, reference) !== 'waiting') return [];
    const definition = catalogOfView(lister).definitionByKind(reference.apiVersion, reference.kind);
    const namespace = definition?.scope === 'Namespaced' ? before.metadata.namespace : undefined;
    const owner = definition && lister.get(definition.resource, namespace, reference.name);
    return definition && owner ? [garbageKey(definition.resource, owner)] : [];
  });
}

/** An object wakes itself where something is amiss with its owners or its deletion, and whom its own end concerns. */
const garbageKeys: NonNullable<Controller['watchesAll']> = (resource, next, old, lister) => {
  const keys = new Set<string>();
  if (next && (finalizing(next) || referencesOf(next).some((reference) => stateOf(lister, next, reference) !== 'there'))) {
    keys.add(garbageKey(resource, next));
  }
  const uid = (next ?? old)?.metadata.uid;
  const beginsToWait = next !== undefined && finalizing(next) && !(old && finalizing(old));
  if (uid !== undefined && (!next || beginsToWait)) {
    for (const dependent of lister.ownedBy(uid)) keys.add(garbageKey(dependent.resource, dependent.object));
  }
  if (old) for (const key of waitingOwners(lister, old, next)) keys.add(key);
  return [...keys];
};

/** kube-controller-manager's `garbagecollector`, over all resources, those of custom resources included. */
export const garbageCollector: Controller<GarbageSnapshot> = {
  name: 'garbage-collector-controller',
  actor: 'system:serviceaccount:kube-system:generic-garbage-collector',
  watches: [],
  watchesAll: garbageKeys,
  snapshot(key, lister) {
    const { resource, namespace, name } = parseKey(key);
    const object = lister.get(resource, namespace, name);
    if (!object) return undefined;
    const catalog = catalogOfView(lister);
    const stream = catalog.storedDefinitionOf(resource)?.stream;
    const owners = referencesOf(object).map((reference) => {
      const state = stateOf(lister, object, reference);
      const doubtful = state === 'absent' && catalog.definitionByKind(reference.apiVersion, reference.kind)?.stream !== stream;
      return { reference, state, doubtful, elsewhere: state === 'absent' && isElsewhere(lister, object, reference) };
    });
    const dependents = [...lister.ownedBy(object.metadata.uid ?? '')].sort((a, b) => byName(a.object, b.object));
    return { resource, object, owners, dependents };
  },
  reconcile: reconcileGarbage,
};
