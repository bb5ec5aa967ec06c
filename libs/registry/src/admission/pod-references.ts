import type { PodSpec } from '#libs/api';
import { secretsOf } from './mountable-secrets.js';

const containersOf = (spec: PodSpec) => [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];

function mentionsConfigMaps(spec: PodSpec): boolean {
  const ofContainers = containersOf(spec).some(
    ({ env = [], envFrom = [] }) =>
      env.some(({ valueFrom }) => valueFrom?.configMapKeyRef !== undefined) ||
      envFrom.some(({ configMapRef }) => configMapRef !== undefined),
  );
  return ofContainers || (spec.volumes ?? []).some((volume) => volume.configMap ?? volume.projected?.sources?.some((one) => one.configMap));
}

/** The kinds of objects that a pod refers to. */
export function referencesOf(spec: PodSpec): readonly string[] {
  return [
    ...(secretsOf(spec).length > 0 ? ['secrets'] : []),
    ...(mentionsConfigMaps(spec) ? ['configmaps'] : []),
    ...((spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim) ? ['persistentvolumeclaims'] : []),
    ...((spec.resourceClaims ?? []).length > 0 ? ['resourceclaims'] : []),
  ];
}
