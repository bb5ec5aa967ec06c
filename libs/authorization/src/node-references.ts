import {
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  MIRROR,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
} from '#libs/api';
import type { Lister } from '#libs/apimachinery';

/** The kinds of objects that a pod may refer to. */
export type Referenced = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts' | 'resourceclaims';

type Objects = Pick<Lister, 'get' | 'list'>;

/** Called with each name that a pod refers to. */
type Visit = (name: string | undefined) => void;

function volumes({ metadata, spec }: Pod, wanted: Referenced, visit: Visit): void {
  for (const volume of spec?.volumes ?? []) {
    const sources = volume.projected?.sources ?? [];
    switch (wanted) {
      case 'secrets':
        visit(volume.secret?.secretName);
        for (const { secret } of sources) visit(secret?.name);
        visit(volume.csi?.nodePublishSecretRef?.name);
        visit(volume.flexVolume?.secretRef?.name);
        visit(volume.cephfs?.secretRef?.name);
        visit(volume.rbd?.secretRef?.name);
        visit(volume.iscsi?.secretRef?.name);
        visit(volume.scaleIO?.secretRef?.name);
        visit(volume.storageos?.secretRef?.name);
        visit(volume.azureFile?.secretName);
        break;
      case 'configmaps':
        visit(volume.configMap?.name);
        for (const { configMap } of sources) visit(configMap?.name);
        break;
      case 'persistentvolumeclaims':
        visit(volume.persistentVolumeClaim?.claimName);
        if (volume.ephemeral) visit(`${metadata.name ?? ''}-${volume.name}`);
        break;
      case 'serviceaccounts':
      case 'resourceclaims':
        break;
    }
  }
}

function environments({ spec }: Pod, wanted: Referenced, visit: Visit): void {
  if (!spec || (wanted !== 'secrets' && wanted !== 'configmaps')) return;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of container.env ?? [])
      visit((wanted === 'secrets' ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef)?.name);
    for (const { secretRef, configMapRef } of container.envFrom ?? []) visit((wanted === 'secrets' ? secretRef : configMapRef)?.name);
  }
}

function refersTo(pod: Pod, wanted: Referenced, name: string): boolean {
  let found = false;
  const visit: Visit = (each) => {
    if (each === name) found = true;
  };
  const { spec, status } = pod;
  if (wanted === 'serviceaccounts') visit(spec?.serviceAccountName);
  if (wanted === 'resourceclaims') {
    for (const { resourceClaimName } of spec?.resourceClaims ?? []) visit(resourceClaimName);
    for (const { resourceClaimName } of status?.resourceClaimStatuses ?? []) visit(resourceClaimName);
  }
  if (wanted === 'secrets') for (const { name: secret } of spec?.imagePullSecrets ?? []) visit(secret);
  volumes(pod, wanted, visit);
  environments(pod, wanted, visit);
  return found;
}

/** Whether a pod of the node refers to an object of its namespace. */
export function podsReferTo(lister: Objects, node: string, wanted: Referenced, namespace: string, name: string): boolean {
  const pods = lister.list(PODS, namespace) as readonly Pod[];
  // A mirror pod is what its node made it: it leads to nothing.
  return pods.some((pod) => pod.spec?.nodeName === node && pod.metadata.annotations?.[MIRROR] === undefined && refersTo(pod, wanted, name));
}

/** Whether a pod of the node uses the volume, by a claim that is bound to it. */
export function podsUseVolume(lister: Objects, node: string, volume: string): boolean {
  const claims = lister.list(PERSISTENTVOLUMECLAIMS) as readonly PersistentVolumeClaim[];
  return claims.some(
    ({ metadata, spec }) =>
      spec?.volumeName === volume && podsReferTo(lister, node, 'persistentvolumeclaims', metadata.namespace ?? '', metadata.name ?? ''),
  );
}

/** Whether a volume that a pod of the node uses needs the secret. */
export function volumesNeedSecret(lister: Objects, node: string, namespace: string, name: string): boolean {
  const volumesThere = lister.list(PERSISTENTVOLUMES) as readonly PersistentVolume[];
  return volumesThere.some(({ metadata, spec }) => {
    const claimed = spec?.claimRef?.namespace;
    const { csi } = spec ?? {};
    const references = [
      csi?.nodePublishSecretRef,
      csi?.nodeStageSecretRef,
      csi?.nodeExpandSecretRef,
      spec?.flexVolume?.secretRef,
      spec?.cephfs?.secretRef,
      spec?.rbd?.secretRef,
      spec?.iscsi?.secretRef,
      spec?.scaleIO?.secretRef,
      spec?.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace ?? undefined },
    ];
    const needs = references.some((reference) => reference?.name === name && (reference.namespace ?? claimed) === namespace);
    return needs && podsUseVolume(lister, node, metadata.name ?? '');
  });
}
