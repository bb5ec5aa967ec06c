import { PERSISTENTVOLUMECLAIMS, type PersistentVolumeClaim, type Pod, type StatefulSet } from '#libs/api';
import type { Change, OwnerReference } from '#libs/apimachinery';
import { claimFor, claimName } from './identity.js';

/** The claims of a namespace, by name. */
export type ClaimsByName = (name: string) => PersistentVolumeClaim | undefined;

const templatesOf = ({ spec }: StatefulSet): readonly PersistentVolumeClaim[] => spec?.volumeClaimTemplates ?? [];

const claimsOf = (set: StatefulSet, ordinal: number, claims: ClaimsByName): readonly PersistentVolumeClaim[] =>
  templatesOf(set).flatMap((template) => claims(claimName(set, template, ordinal)) ?? []);

/** The creates of the claims that a pod of an ordinal lacks. */
export const missingClaims = (set: StatefulSet, ordinal: number, claims: ClaimsByName): readonly Change[] =>
  templatesOf(set)
    .filter((template) => claims(claimName(set, template, ordinal)) === undefined)
    .map((template) => claimFor(set, template, ordinal));

const reference = ({ apiVersion, kind, metadata }: StatefulSet | Pod): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
});

/** Whether a claim of the ordinal still goes with a pod that was there before: its successor waits for a new claim. */
export const hasStaleClaim = (set: StatefulSet, ordinal: number, claims: ClaimsByName): boolean =>
  claimsOf(set, ordinal, claims).some(
    ({ metadata }) => metadata.deletionTimestamp !== undefined || metadata.ownerReferences?.some(({ kind }) => kind === 'Pod'),
  );

/** With whom a pod's claims go: with the pod where it is scaled away, else with the StatefulSet, as its policy says. */
function ownersOf(set: StatefulSet, pod: Pod, condemned: boolean): { readonly withSet: boolean; readonly withPod: boolean } {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const withPod = condemned && whenScaled === 'Delete';
  return { withSet: whenDeleted === 'Delete' && !withPod, withPod: withPod && pod.metadata.uid !== undefined };
}

function owned(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod, condemned: boolean): PersistentVolumeClaim | undefined {
  const { ownerReferences: before = [], ...metadata } = claim.metadata;
  const { withSet, withPod } = ownersOf(set, pod, condemned);
  const others = before.filter(({ uid, kind, name }) => uid !== set.metadata.uid && !(kind === 'Pod' && name === pod.metadata.name));
  const wanted = [...others, ...(withSet ? [reference(set)] : []), ...(withPod ? [reference(pod)] : [])];
  const same = wanted.length === before.length && wanted.every(({ uid }) => before.some((one) => one.uid === uid));
  if (same) return undefined;
  return { ...claim, metadata: wanted.length === 0 ? metadata : { ...metadata, ownerReferences: wanted } };
}

/** Says on a pod's claims with whom they go (KEP-1847). */
export const claimOwners = (set: StatefulSet, pod: Pod, ordinal: number, condemned: boolean, claims: ClaimsByName): readonly Change[] =>
  claimsOf(set, ordinal, claims).flatMap((claim): readonly Change[] => {
    const object = owned(claim, set, pod, condemned);
    return object ? [{ verb: 'update', resource: PERSISTENTVOLUMECLAIMS, object }] : [];
  });
