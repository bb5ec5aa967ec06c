import { claimNamesOf, type NodeSelectorTerm, type PersistentVolume, type PersistentVolumeClaim, type Pod } from '#libs/api';

/** What a pod's claims say about where it can go. */
export interface PodVolumes {
  /** Why it can go nowhere yet, in kube-scheduler's words. */
  readonly refusal?: string;
  /** For each of its volumes that is not everywhere, the terms of which one has to hold of the node. */
  readonly affinities: readonly (readonly NodeSelectorTerm[])[];
}

/** Looks claims and volumes up. */
export interface VolumeSource {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
}

/** VolumeBinding, as far as the binder does not do it: claims have to be bound, and to volumes that the node reaches. Undefined without claims. */
export function podVolumes(pod: Pod, source: VolumeSource): PodVolumes | undefined {
  const names = claimNamesOf(pod);
  if (names.length === 0) return undefined;
  const affinities: (readonly NodeSelectorTerm[])[] = [];
  for (const name of names) {
    const claim = source.claim(pod.metadata.namespace ?? '', name);
    if (!claim) return { refusal: `persistentvolumeclaim "${name}" not found`, affinities: [] };
    if (claim.metadata.deletionTimestamp !== undefined)
      return { refusal: `persistentvolumeclaim "${name}" is being deleted`, affinities: [] };
    if (claim.status?.phase !== 'Bound') return { refusal: 'pod has unbound immediate PersistentVolumeClaims', affinities: [] };
    const terms = source.volume(claim.spec?.volumeName ?? '')?.spec?.nodeAffinity?.required?.nodeSelectorTerms;
    if (terms) affinities.push(terms);
  }
  return { affinities };
}
