import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../generated/types.js';

/** How a volume may be mounted. */
export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const SHORT_MODES = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' } as const;
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** Access modes as kubectl prints them: `RWO,RWX`. */
export const shortAccessModes = (modes: readonly string[] | undefined): string =>
  Object.entries(SHORT_MODES)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');

/** The class that a volume or a claim names, by its field or by the annotation of old; undefined where it names none. */
export const namedStorageClass = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string | undefined =>
  metadata.annotations?.[BETA_CLASS] ?? spec?.storageClassName;

/** The class of a volume or a claim; '' where it has none. */
export const storageClassOf = (object: PersistentVolume | PersistentVolumeClaim): string => namedStorageClass(object) ?? '';

/** How much a claim asks for; '0' where it does not say. */
export const requestedStorage = ({ spec }: PersistentVolumeClaim): string => spec?.resources?.requests?.['storage'] ?? '0';

/** The claim that a pod's volume is about: the one it names, or its own ephemeral one. */
export function claimNameOf({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  if (persistentVolumeClaim) return persistentVolumeClaim.claimName;
  return ephemeral ? `${metadata.name ?? ''}-${name}` : undefined;
}

/** The claims that a pod mounts: those it names, and its own ephemeral ones. */
export const claimNamesOf = (pod: Pod): readonly string[] => (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
