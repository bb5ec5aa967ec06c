import {
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  VOLUMEATTRIBUTESCLASSES,
  claimNamesOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '#libs/api';
import type { Change, Controller, GroupVersionResource, KubeObject, WatchRule } from '#libs/apimachinery';
import { ownKey, splitKey } from '../watching.js';

const PVC_PROTECTION = 'kubernetes.io/pvc-protection';
const PV_PROTECTION = 'kubernetes.io/pv-protection';
const VAC_PROTECTION = 'kubernetes.io/vac-protection';

/** An object that something protects from going, and whether it is still in use. */
export interface ProtectedSnapshot {
  readonly object: KubeObject;
  readonly used: boolean;
}

const finalized = (resource: GroupVersionResource, { metadata, ...rest }: KubeObject, finalizers: readonly string[]): Change => {
  const { finalizers: _old, ...others } = metadata;
  return {
    verb: 'update',
    resource,
    object: { ...rest, metadata: finalizers.length > 0 ? { ...others, finalizers } : others },
  };
};

/** Adds the finalizer to what lives, takes it from what is deleted once nobody uses it. */
function guarded(resource: GroupVersionResource, finalizer: string, { object, used }: ProtectedSnapshot): readonly Change[] {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const held = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) return held ? [] : [finalized(resource, object, [...finalizers, finalizer])];
  if (!held || used) return [];
  return [
    finalized(
      resource,
      object,
      finalizers.filter((name) => name !== finalizer),
    ),
  ];
}

const claimsOfPods: WatchRule = {
  resource: PODS,
  keys(next, old) {
    const pod = old ?? next;
    if (!pod || (next && old && (next as Pod).spec?.nodeName === (old as Pod).spec?.nodeName)) return [];
    return claimNamesOf(pod as Pod).map((name) => `${pod.metadata.namespace ?? ''}/${name}`);
  },
};

/** kube-controller-manager's `pvc-protection`: a claim stays until no pod that has a node uses it. */
export const claimProtectionController: Controller<ProtectedSnapshot> = {
  name: 'pvc-protection-controller',
  actor: 'system:serviceaccount:kube-system:pvc-protection-controller',
  watches: [ownKey(PERSISTENTVOLUMECLAIMS), claimsOfPods],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const object = lister.get(PERSISTENTVOLUMECLAIMS, namespace, name) as PersistentVolumeClaim | undefined;
    if (!object) return undefined;
    const deleting = object.metadata.deletionTimestamp !== undefined;
    const pods = deleting ? (lister.list(PODS, namespace) as readonly Pod[]) : [];
    return { object, used: pods.some((pod) => Boolean(pod.spec?.nodeName) && claimNamesOf(pod).includes(name)) };
  },
  reconcile: (snapshot) => ({ changes: guarded(PERSISTENTVOLUMECLAIMS, PVC_PROTECTION, snapshot) }),
};

/** kube-controller-manager's `pv-protection`: a volume stays as long as a claim is bound to it. */
export const volumeProtectionController: Controller<ProtectedSnapshot> = {
  name: 'pv-protection-controller',
  actor: 'system:serviceaccount:kube-system:pv-protection-controller',
  watches: [ownKey(PERSISTENTVOLUMES)],
  snapshot(name, lister) {
    const object = lister.get(PERSISTENTVOLUMES, undefined, name) as PersistentVolume | undefined;
    return object && { object, used: object.status?.phase === 'Bound' };
  },
  reconcile: (snapshot) => ({ changes: guarded(PERSISTENTVOLUMES, PV_PROTECTION, snapshot) }),
};

/** The classes that a claim has, had until now, or is to have. */
const classesOf = ({ spec, status }: PersistentVolumeClaim): readonly string[] =>
  [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== '') as readonly string[];

const classOf = ({ spec }: PersistentVolume): readonly string[] =>
  spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];

const formerClasses =
  <T extends KubeObject>(names: (object: T) => readonly string[]): WatchRule['keys'] =>
  (next, old) =>
    old ? names(old as T).filter((name) => !(next && names(next as T).includes(name))) : [];

/** kube-controller-manager's `vac-protection`: a class stays until no claim and no volume is of it. */
export const attributesClassProtectionController: Controller<ProtectedSnapshot> = {
  name: 'vac-protection-controller',
  actor: 'system:serviceaccount:kube-system:volumeattributesclass-protection-controller',
  watches: [
    ownKey(VOLUMEATTRIBUTESCLASSES),
    { resource: PERSISTENTVOLUMECLAIMS, keys: formerClasses(classesOf) },
    { resource: PERSISTENTVOLUMES, keys: formerClasses(classOf) },
  ],
  snapshot(name, lister) {
    const object = lister.get(VOLUMEATTRIBUTESCLASSES, undefined, name);
    if (!object) return undefined;
    if (object.metadata.deletionTimestamp === undefined) return { object, used: true };
    const claims = lister.list(PERSISTENTVOLUMECLAIMS) as readonly PersistentVolumeClaim[];
    const volumes = lister.list(PERSISTENTVOLUMES) as readonly PersistentVolume[];
    const used = claims.some((claim) => classesOf(claim).includes(name)) || volumes.some((volume) => classOf(volume).includes(name));
    return { object, used };
  },
  reconcile: (snapshot) => ({ changes: guarded(VOLUMEATTRIBUTESCLASSES, VAC_PROTECTION, snapshot) }),
};
