import {
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  STORAGECLASSES,
  claimNamesOf,
  storageClassOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
} from '#libs/api';
import { keyOf, type Controller, type KubeObject, type Lister, type WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { splitKey } from '../watching.js';
import { isFor } from './matching.js';
import { reconcileClaim, type ClaimSnapshot } from './reconcile-claim.js';
import { reconcileVolume, type VolumeSnapshot } from './reconcile-volume.js';

/** A claim's key has a namespace; a volume's has none. */
export type BinderSnapshot = { readonly claim: ClaimSnapshot } | { readonly volume: VolumeSnapshot };

const isWaiting = ({ spec }: PersistentVolumeClaim): boolean => !spec?.volumeName;

const claimOfRef = (object: KubeObject | undefined): readonly string[] => {
  const { namespace, name } = (object as PersistentVolume | undefined)?.spec?.claimRef ?? {};
  return namespace && name ? [`${namespace}/${name}`] : [];
};

/** A volume concerns itself, its claim, the claims that name it, and while it is free those that wait for one. */
const volumeRule: WatchRule = {
  resource: PERSISTENTVOLUMES,
  keys(next, old, lister) {
    const volume = (next ?? old) as PersistentVolume | undefined;
    if (!volume) return [];
    const name = volume.metadata.name ?? '';
    const keys = [...(next ? [name] : []), ...claimOfRef(next), ...claimOfRef(old)];
    if (volume.spec?.claimRef && next) return keys;
    const about = lister.list(PERSISTENTVOLUMECLAIMS) as readonly PersistentVolumeClaim[];
    return [...keys, ...about.filter((claim) => isWaiting(claim) || claim.spec?.volumeName === name).map(keyOf)];
  },
};

/** A claim concerns itself and the volumes that are for it. */
const claimRule: WatchRule = {
  resource: PERSISTENTVOLUMECLAIMS,
  keys(next, old, lister) {
    const claim = (next ?? old) as PersistentVolumeClaim | undefined;
    if (!claim) return [];
    const named = claim.spec?.volumeName;
    if (next && named) return [keyOf(claim), named];
    const volumes = lister.list(PERSISTENTVOLUMES) as readonly PersistentVolume[];
    const own = volumes.filter((volume) => isFor(volume, claim)).map(({ metadata }) => metadata.name ?? '');
    return [...(next ? [keyOf(claim)] : []), ...own];
  },
};

const classRule: WatchRule = {
  resource: STORAGECLASSES,
  keys(next, old, lister) {
    const name = (next ?? old)?.metadata.name ?? '';
    const claims = lister.list(PERSISTENTVOLUMECLAIMS) as readonly PersistentVolumeClaim[];
    return claims.filter((claim) => isWaiting(claim) && storageClassOf(claim) === name).map(keyOf);
  },
};

/** The first pod of a claim that waits for one. */
const podRule: WatchRule = {
  resource: PODS,
  keys(next, old, lister) {
    if (!next || old) return [];
    const namespace = next.metadata.namespace ?? '';
    return claimNamesOf(next as Pod).flatMap((name) => {
      const claim = lister.get(PERSISTENTVOLUMECLAIMS, namespace, name) as PersistentVolumeClaim | undefined;
      return claim && isWaiting(claim) ? [keyOf(claim)] : [];
    });
  },
};

function claimSnapshot(claim: PersistentVolumeClaim, lister: Lister): ClaimSnapshot {
  const { namespace = '', name = '' } = claim.metadata;
  const named = claim.spec?.volumeName;
  const className = storageClassOf(claim);
  const all = named ? [lister.get(PERSISTENTVOLUMES, undefined, named)] : lister.list(PERSISTENTVOLUMES);
  const volumes = all.flatMap((found) => {
    const volume = found as PersistentVolume | undefined;
    if (!volume) return [];
    return named || !volume.spec?.claimRef || isFor(volume, claim) ? [volume] : [];
  });
  return {
    claim,
    volumes: [...volumes].sort(byName),
    storageClass: className === '' ? undefined : (lister.get(STORAGECLASSES, undefined, className) as StorageClass | undefined),
    used: isWaiting(claim) && (lister.list(PODS, namespace) as readonly Pod[]).some((pod) => claimNamesOf(pod).includes(name)),
  };
}

function volumeSnapshot(volume: PersistentVolume, lister: Lister): VolumeSnapshot {
  const { namespace, name = '', uid } = volume.spec?.claimRef ?? {};
  const claim = name === '' ? undefined : (lister.get(PERSISTENTVOLUMECLAIMS, namespace, name) as PersistentVolumeClaim | undefined);
  return { volume, claim: claim?.metadata.uid === uid ? claim : undefined };
}

/** kube-controller-manager's `persistentvolume-binder`, as far as it goes without provisioners: claims find volumes that are there. */
export const volumeBinder: Controller<BinderSnapshot> = {
  name: 'persistentvolume-binder',
  actor: 'system:serviceaccount:kube-system:persistent-volume-binder',
  watches: [volumeRule, claimRule, classRule, podRule],
  snapshot(key, lister) {
    const { namespace, name } = splitKey(key);
    if (namespace === undefined) {
      const volume = lister.get(PERSISTENTVOLUMES, undefined, name) as PersistentVolume | undefined;
      return volume && { volume: volumeSnapshot(volume, lister) };
    }
    const claim = lister.get(PERSISTENTVOLUMECLAIMS, namespace, name) as PersistentVolumeClaim | undefined;
    return claim && { claim: claimSnapshot(claim, lister) };
  },
  reconcile: (snapshot, now) => ({
    changes: 'claim' in snapshot ? reconcileClaim(snapshot.claim, now) : reconcileVolume(snapshot.volume, now),
  }),
};
