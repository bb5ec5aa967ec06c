import { PERSISTENTVOLUMES, tell, type PersistentVolume, type PersistentVolumeClaim } from '#libs/api';
import { formatTime, type Change, type Instant } from '#libs/apimachinery';
import { COMPONENT, BOUND_BY_CONTROLLER, PROVISIONED_BY } from './words.js';

export interface VolumeSnapshot {
  readonly volume: PersistentVolume;
  /** The claim that its claimRef names, if it is still the same. */
  readonly claim: PersistentVolumeClaim | undefined;
}

function inPhase(volume: PersistentVolume, phase: string, now: Instant, message?: string): readonly Change[] {
  if (volume.status?.phase === phase && volume.status.message === message) return [];
  const moved = volume.status?.phase !== phase;
  const { message: _old, ...status } = volume.status ?? {};
  const object: PersistentVolume = {
    ...volume,
    status: {
      ...status,
      phase,
      ...(message === undefined ? {} : { message }),
      ...(moved ? { lastPhaseTransitionTime: formatTime(now) } : {}),
    },
  };
  return [{ verb: 'update', resource: PERSISTENTVOLUMES, subresource: 'status', object }];
}

/** Lets a volume go that a claim turned out not to need: what the controller set is taken away. */
function unbound(volume: PersistentVolume): readonly Change[] {
  const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef, ...spec } = volume.spec ?? {};
  if (!claimRef) return [];
  const { uid: _uid, ...reserved } = claimRef;
  const object: PersistentVolume = {
    ...volume,
    metadata: { ...volume.metadata, annotations },
    spec: byController === undefined ? { ...spec, claimRef: reserved } : spec,
  };
  return [{ verb: 'update', resource: PERSISTENTVOLUMES, object }];
}

/** What becomes of a volume whose claim is gone: nobody here can empty or delete one, except who provisioned it. */
function released(volume: PersistentVolume, now: Instant): readonly Change[] {
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  const external = volume.metadata.annotations?.[PROVISIONED_BY] !== undefined;
  if (policy === 'Retain' || policy === undefined || external) return inPhase(volume, 'Released', now);
  const [reason, message] =
    policy === 'Delete'
      ? ['VolumeFailedDelete', `error getting deleter volume plugin for volume "${volume.metadata.name ?? ''}": no volume plugin matched`]
      : ['VolumeFailedRecycle', 'No recycler plugin found for the volume!'];
  const changes = inPhase(volume, 'Failed', now, message);
  return changes.length === 0 ? [] : [...changes, tell(COMPONENT, { about: volume, type: 'Warning', reason, message }, now)];
}

/** Which phase a volume is in, by what it is claimed by. */
export function reconcileVolume({ volume, claim }: VolumeSnapshot, now: Instant): readonly Change[] {
  const claimRef = volume.spec?.claimRef;
  if (!claimRef || !claimRef.uid) return inPhase(volume, 'Available', now);
  if (!claim) return released(volume, now);
  const wanted = claim.spec?.volumeName ?? '';
  if (wanted === volume.metadata.name) return inPhase(volume, 'Bound', now);
  return wanted === '' ? [] : unbound(volume);
}
