import {
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  tell,
  storageClassOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from '#libs/api';
import { deepEqual, type Change, type Instant } from '#libs/apimachinery';
import { bestMatch, isFor, mismatchOf } from './matching.js';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, COMPONENT, PROVISIONERS } from './words.js';

export interface ClaimSnapshot {
  readonly claim: PersistentVolumeClaim;
  /** Those that could be its own: where it names one, that; else all that are free or reserved for it. */
  readonly volumes: readonly PersistentVolume[];
  /** The class that it names; undefined where there is none of that name. */
  readonly storageClass: StorageClass | undefined;
  /** Whether a pod uses it. */
  readonly used: boolean;
}

const said = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string, now: Instant): Change =>
  tell(COMPONENT, { about: claim, type, reason, message }, now);

function withStatus(claim: PersistentVolumeClaim, status: PersistentVolumeClaim['status']): readonly Change[] {
  if (deepEqual(claim.status, status)) return [];
  return [
    { verb: 'update', resource: PERSISTENTVOLUMECLAIMS, subresource: 'status', object: { ...claim, status } as PersistentVolumeClaim },
  ];
}

/** The first step of binding: the volume is the claim's, and nobody else's. */
function claimed(volume: PersistentVolume, claim: PersistentVolumeClaim): readonly Change[] {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const chosen = volume.spec?.claimRef === undefined;
  const claimRef = {
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const annotations = { ...volume.metadata.annotations, ...(chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}) };
  const object: PersistentVolume = {
    ...volume,
    metadata: { ...volume.metadata, annotations },
    spec: { ...volume.spec, claimRef },
  };
  return [{ verb: 'update', resource: PERSISTENTVOLUMES, object }];
}

/** The second step: the claim names the volume. */
function named(claim: PersistentVolumeClaim, volume: PersistentVolume): readonly Change[] {
  const chosen = !claim.spec?.volumeName;
  const annotations = {
    ...claim.metadata.annotations,
    [BIND_COMPLETED]: 'yes',
    ...(chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}),
  };
  const object: PersistentVolumeClaim = {
    ...claim,
    metadata: { ...claim.metadata, annotations },
    spec: { ...claim.spec, volumeName: volume.metadata.name ?? '' },
  };
  return [{ verb: 'update', resource: PERSISTENTVOLUMECLAIMS, object }];
}

/** One more step towards a claim and a volume that are bound to each other; none where they are. */
function bound(claim: PersistentVolumeClaim, volume: PersistentVolume): readonly Change[] {
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid) return claimed(volume, claim);
  if (claim.spec?.volumeName !== volume.metadata.name || claim.metadata.annotations?.[BIND_COMPLETED] === undefined) {
    return named(claim, volume);
  }
  if (claim.status?.phase === 'Bound') return [];
  const storage = volume.spec?.capacity?.['storage'];
  return withStatus(claim, {
    ...claim.status,
    phase: 'Bound',
    accessModes: volume.spec?.accessModes ?? [],
    ...(storage === undefined ? {} : { capacity: { ...claim.status?.capacity, storage } }),
    ...(volume.spec?.volumeAttributesClassName === undefined
      ? {}
      : { currentVolumeAttributesClassName: volume.spec.volumeAttributesClassName }),
  });
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string, now: Instant): readonly Change[] {
  if (claim.status?.phase === 'Lost') return [];
  return [...withStatus(claim, { ...claim.status, phase: 'Lost' }), said(claim, 'Warning', reason, message, now)];
}

/** A claim that has been bound: still, or lost for good. */
function reconcileBound(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, now: Instant): readonly Change[] {
  const gone = 'Data on the volume is lost!';
  if (!claim.spec?.volumeName) return lost(claim, 'ClaimLost', `Bound claim has lost reference to PersistentVolume. ${gone}`, now);
  if (!volume) return lost(claim, 'ClaimLost', `Bound claim has lost its PersistentVolume. ${gone}`, now);
  const owner = volume.spec?.claimRef?.uid;
  if (owner === undefined || owner === '' || owner === claim.metadata.uid) return bound(claim, volume);
  return lost(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly', now);
}

/** A claim that names a volume waits until that is free and suits it. */
function reconcileNamed(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, now: Instant): readonly Change[] {
  if (!volume) return [];
  if (volume.spec?.claimRef !== undefined) {
    if (isFor(volume, claim)) return bound(claim, volume);
    const message = `volume "${volume.metadata.name ?? ''}" already bound to a different claim.`;
    return [said(claim, 'Warning', 'FailedBinding', message, now)];
  }
  const mismatch = mismatchOf(volume, claim);
  if (mismatch === undefined) return bound(claim, volume);
  const message = `Cannot bind to requested volume "${volume.metadata.name ?? ''}": ${mismatch}`;
  return [said(claim, 'Warning', 'VolumeMismatch', message, now)];
}

/** What a claim for which there is no volume waits for. */
function waiting({ claim, storageClass, used }: ClaimSnapshot, isDelayed: boolean, now: Instant): readonly Change[] {
  const name = storageClassOf(claim);
  if (isDelayed && !used) {
    return [said(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding', now)];
  }
  if (name === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return [said(claim, 'Normal', 'FailedBinding', message, now)];
  }
  if (!storageClass) {
    return [said(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${name}" not found`, now)];
  }
  const { provisioner } = storageClass;
  if (provisioner === 'kubernetes.io/no-provisioner') return [];
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
  const annotations = { ...claim.metadata.annotations, ...Object.fromEntries(PROVISIONERS.map((each) => [each, provisioner])) };
  const told = deepEqual(annotations, claim.metadata.annotations);
  const object: PersistentVolumeClaim = { ...claim, metadata: { ...claim.metadata, annotations } };
  return [
    ...(told ? [] : [{ verb: 'update', resource: PERSISTENTVOLUMECLAIMS, object } as const]),
    said(claim, 'Normal', 'ExternalProvisioning', message, now),
  ];
}

/** Brings a claim and a volume together, step by step, or says what the claim waits for. */
export function reconcileClaim(snapshot: ClaimSnapshot, now: Instant): readonly Change[] {
  const { claim, volumes, storageClass, used } = snapshot;
  const [first] = volumes;
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return reconcileBound(claim, first, now);
  if (claim.spec?.volumeName) return reconcileNamed(claim, first, now);
  if (claim.metadata.deletionTimestamp !== undefined) return [];
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const match = bestMatch(claim, volumes, isDelayed && !used);
  return match ? bound(claim, match) : waiting(snapshot, isDelayed, now);
}
