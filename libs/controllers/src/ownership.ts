import {
  controllerOf,
  type GroupVersionResource,
  type KubeObject,
  type LabelSelector,
  type Lister,
  type OwnerReference,
} from '#libs/apimachinery';

/** The reference of a dependent to the object that manages it, as metav1.NewControllerRef. */
export const controllerReference = ({ apiVersion, kind, metadata }: KubeObject): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

/** The objects of a resource that an object controls. */
export const controlledBy = (lister: Lister, uid: string, { group, resource }: GroupVersionResource): readonly KubeObject[] =>
  lister
    .ownedBy(uid)
    .filter((owned) => owned.resource.group === group && owned.resource.resource === resource && controllerOf(owned.object)?.uid === uid)
    .map(({ object }) => object);

/** The objects of a resource in a namespace that nobody controls. */
export const orphansOf = (lister: Lister, resource: GroupVersionResource, namespace: string): readonly KubeObject[] =>
  lister.orphans?.(resource, namespace) ?? lister.list(resource, namespace).filter((object) => controllerOf(object) === undefined);

/** What a controller finds among the objects it might manage. */
export interface Claims<T extends KubeObject> {
  /** Already its own, and selected. */
  readonly kept: readonly T[];
  /** Nobody's so far, and selected: to be adopted. */
  readonly adopted: readonly T[];
  /** Its own so far, and selected no longer. */
  readonly released: readonly T[];
}

/** Sorts candidates as upstream's ControllerRefManager does: an owner that is being deleted adopts and releases nothing. */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  owned: readonly T[],
  orphans: readonly T[],
): Claims<T> {
  const matches = ({ metadata }: T): boolean => selector.matches(metadata.labels);
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  return {
    kept: owned.filter(matches),
    adopted: deleting ? [] : orphans.filter((object) => matches(object) && object.metadata.deletionTimestamp === undefined),
    released: deleting ? [] : owned.filter((object) => !matches(object)),
  };
}

/** A dependent with its new manager. */
export const adoptedBy = <T extends KubeObject>(owner: KubeObject, object: T): T => ({
  ...object,
  metadata: { ...object.metadata, ownerReferences: [...(object.metadata.ownerReferences ?? []), controllerReference(owner)] },
});

/** A dependent without its reference to one owner. */
export function releasedFrom<T extends KubeObject>(uid: string, object: T): T {
  const { ownerReferences = [], ...metadata } = object.metadata;
  const left = ownerReferences.filter((reference) => reference.uid !== uid);
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } };
}
