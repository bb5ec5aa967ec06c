import { stat } from 'node:fs/promises';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, type PersistentVolume, type PersistentVolumeClaim } from '#libs/api';
import type { ApiClient } from '#libs/client';
import { VolumeError } from '#libs/node';
import { hostPathSource } from './host-path.js';

/** Where the persistent volumes of pods are on this node: those that are folders of the machine, `hostPath` and `local`. */
export class ClaimedVolumes {
  constructor(private readonly client: Pick<ApiClient, 'get'>) {}

  /** The folder behind a claim. Throws VolumeError while it is not bound, and for volumes that no plugin of ours mounts; NotFound as the client does. */
  async folderOf(namespace: string, claimName: string): Promise<string> {
    const claim = await this.client.get<PersistentVolumeClaim>(PERSISTENTVOLUMECLAIMS, namespace, claimName);
    if (claim.metadata.deletionTimestamp !== undefined) {
      throw new VolumeError(`error processing PVC ${namespace}/${claimName}: PVC is being deleted`);
    }
    const name = claim.spec?.volumeName ?? '';
    if (claim.status?.phase !== 'Bound' || name === '') {
      throw new VolumeError(`error processing PVC ${namespace}/${claimName}: PVC is not bound`);
    }
    const volume = await this.client.get<PersistentVolume>(PERSISTENTVOLUMES, undefined, name);
    if (volume.spec?.claimRef?.uid !== claim.metadata.uid) {
      throw new VolumeError(`error processing PVC ${namespace}/${claimName}: PV ${name} is not bound to it`);
    }
    return this.pathOf(volume);
  }

  private async pathOf({ metadata, spec }: PersistentVolume): Promise<string> {
    if (spec?.hostPath) return hostPathSource(spec.hostPath);
    if (!spec?.local) throw new VolumeError(`no volume plugin matched: ${metadata.name ?? ''}`);
    const found = await stat(spec.local.path).catch(() => undefined);
    if (!found) throw new VolumeError(`path "${spec.local.path}" does not exist`);
    return spec.local.path;
  }
}
