import {
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  STORAGECLASSES,
  VOLUMEATTRIBUTESCLASSES,
  DEFAULT_STORAGE_CLASS_ANNOTATIONS,
  namedStorageClass,
  requestedStorage,
  storageClassOf,
  type PersistentVolumeClaim,
  type StorageClass,
} from '#libs/api';
import { compareQuantities, forbidden, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../case.js';
import { isAbout } from './about.js';
import { newestDefault } from './default-class.js';
import type { MutatingPlugin, ValidatingPlugin } from './plugin.js';

/** DefaultStorageClass: a claim that names no class is of the default one, where there is any; '' means none. */
export const defaultStorageClass: MutatingPlugin = {
  name: 'DefaultStorageClass',
  operations: ['CREATE'],
  mutate(object, attributes, given): KubeObject {
    if (!isAbout(given, attributes, PERSISTENTVOLUMECLAIMS)) return object;
    const claim = object as PersistentVolumeClaim;
    if (!claim.spec || namedStorageClass(claim) !== undefined) return claim;
    const found = newestDefault(given.read.list(STORAGECLASSES, undefined), DEFAULT_STORAGE_CLASS_ANNOTATIONS);
    if (found === undefined) return claim;
    return { ...claim, spec: { ...claim.spec, storageClassName: found } } as PersistentVolumeClaim;
  },
};

const PROTECTED: readonly (readonly [GroupVersionResource, string])[] = [
  [PERSISTENTVOLUMES, 'kubernetes.io/pv-protection'],
  [PERSISTENTVOLUMECLAIMS, 'kubernetes.io/pvc-protection'],
  [VOLUMEATTRIBUTESCLASSES, 'kubernetes.io/vac-protection'],
];

/** StorageObjectInUseProtection: volumes and claims stay, once deleted, until nobody uses them; controllers take the finalizer away. */
export const storageObjectInUseProtection: MutatingPlugin = {
  name: 'StorageObjectInUseProtection',
  operations: ['CREATE'],
  mutate(object, attributes, given) {
    const finalizer = PROTECTED.find(([resource]) => isAbout(given, attributes, resource))?.[1];
    const { finalizers = [] } = object.metadata;
    if (finalizer === undefined || finalizers.includes(finalizer)) return object;
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
  },
};

/** Whether the class that a claim is and was of lets its volumes grow. */
function mayGrow(next: PersistentVolumeClaim, old: PersistentVolumeClaim, { read }: Case): boolean {
  const name = storageClassOf(next);
  if (name === '' || name !== storageClassOf(old)) return false;
  return (read.object(STORAGECLASSES, '', name)?.object as StorageClass | undefined)?.allowVolumeExpansion === true;
}

/** PersistentVolumeClaimResize: only bound claims of a class that allows it grow. */
export const persistentVolumeClaimResize: ValidatingPlugin = {
  name: 'PersistentVolumeClaimResize',
  operations: ['UPDATE'],
  validate(attributes, given) {
    if (!isAbout(given, attributes, PERSISTENTVOLUMECLAIMS)) return undefined;
    const [next, old] = [attributes.object as PersistentVolumeClaim, attributes.old as PersistentVolumeClaim];
    if (compareQuantities(requestedStorage(next), requestedStorage(old)) <= 0) return undefined;
    if (old.status?.phase !== 'Bound') {
      throw forbidden(PERSISTENTVOLUMECLAIMS, attributes.name, 'Only bound persistent volume claims can be expanded');
    }
    if (mayGrow(next, old, given)) return undefined;
    const why = 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    throw forbidden(PERSISTENTVOLUMECLAIMS, attributes.name, why);
  },
};
