import { requestedStorage, storageClassOf, type PersistentVolume, type PersistentVolumeClaim } from '#libs/api';
import { compareQuantities, labelSelectorOf } from '#libs/apimachinery';

const capacityOf = ({ spec }: PersistentVolume): string => spec?.capacity?.['storage'] ?? '0';
const modeOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec?.volumeMode ?? 'Filesystem';
const attributesOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec?.volumeAttributesClassName ?? '';

/** Whether a volume is bound to, or reserved for, a claim. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { name, namespace, uid } = spec?.claimRef ?? {};
  return name === metadata.name && namespace === metadata.namespace && (uid === undefined || uid === '' || uid === metadata.uid);
}

/** Why a volume that a claim names can't serve it, in upstream's words; undefined where it can. */
export function mismatchOf(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(capacityOf(volume), requestedStorage(claim)) < 0) return 'requested PV is too small';
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match';
  if (attributesOf(volume) !== attributesOf(claim)) return 'volumeAttributesClassName does not match';
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode';
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode';
}

const hasModes = ({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (claim.spec?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode));

const isFit = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  volume.metadata.deletionTimestamp === undefined &&
  compareQuantities(capacityOf(volume), requestedStorage(claim)) >= 0 &&
  modeOf(volume) === modeOf(claim) &&
  attributesOf(volume) === attributesOf(claim) &&
  hasModes(volume, claim);

/** The order in which volumes are offered: the fewest access modes, then the smallest, then by name. */
const byPreference = (a: PersistentVolume, b: PersistentVolume): number =>
  (a.spec?.accessModes?.length ?? 0) - (b.spec?.accessModes?.length ?? 0) ||
  compareQuantities(capacityOf(a), capacityOf(b)) ||
  ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1);

/**
 * The volume that suits a claim best: one that is reserved for it, else the smallest that nobody has (upstream's
 * FindMatchingVolume). `reservedOnly`: the claim waits for a pod before it takes one that nobody reserved.
 */
export function bestMatch(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  reservedOnly: boolean,
): PersistentVolume | undefined {
  const fits = volumes.filter((volume) => isFit(volume, claim));
  const reserved = fits.find((volume) => volume.spec?.claimRef !== undefined && isFor(volume, claim));
  if (reserved || reservedOnly) return reserved;
  const selector = claim.spec?.selector === undefined ? undefined : labelSelectorOf(claim.spec.selector);
  return fits
    .filter(({ spec, status }) => spec?.claimRef === undefined && status?.phase === 'Available')
    .filter((volume) => storageClassOf(volume) === storageClassOf(claim))
    .filter(({ metadata }) => selector === undefined || selector.matches(metadata.labels))
    .sort(byPreference)[0];
}
