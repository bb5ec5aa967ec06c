import { PERSISTENTVOLUMECLAIMS, type PersistentVolumeClaim, type Pod, type StatefulSet, type Volume } from '#libs/api';
import type { Change } from '#libs/apimachinery';
import { REVISION_HASH, templateOf } from '../history/revisions.js';
import { controllerReference } from '../ownership.js';
import type { ControllerRevision } from '#libs/api';

const POD_NAME = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX = 'apps.kubernetes.io/pod-index';

const nameOf = ({ metadata }: StatefulSet): string => metadata.name ?? '';

/** The first and the last ordinal but one of a StatefulSet's pods. */
export const startOf = ({ spec }: StatefulSet): number => spec?.ordinals?.start ?? 0;
export const replicasOf = ({ spec }: StatefulSet): number => spec?.replicas ?? 1;

/** The ordinal in a pod's name; undefined for one that is no member of the StatefulSet by its name. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${nameOf(set)}-`;
  const name = metadata.name ?? '';
  const rest = name.slice(prefix.length);
  return name.startsWith(prefix) && /^(0|[1-9]\d{0,9})$/.test(rest) ? Number(rest) : undefined;
}

export const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[REVISION_HASH] ?? '';

/** The claim that a pod of an ordinal has by a template. */
export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${template.metadata.name ?? ''}-${nameOf(set)}-${ordinal}`;

/** The labels that make a pod the one it is. */
const identity = (name: string, ordinal: number): Readonly<Record<string, string>> => ({ [POD_NAME]: name, [POD_INDEX]: String(ordinal) });

/** The pod of an ordinal, as a revision's template makes it. */
export function podFor(set: StatefulSet, revision: ControllerRevision, ordinal: number): Pod {
  const name = `${nameOf(set)}-${ordinal}`;
  const { metadata = {}, spec = { containers: [] } } = templateOf(revision);
  const claimed = new Map(
    (set.spec?.volumeClaimTemplates ?? []).map((template): [string, Volume] => [
      template.metadata.name ?? '',
      { name: template.metadata.name ?? '', persistentVolumeClaim: { claimName: claimName(set, template, ordinal) } },
    ]),
  );
  const volumes = [...claimed.values(), ...(spec.volumes ?? []).filter((volume) => !claimed.has(volume.name))];
  const { serviceName = '' } = set.spec ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata.namespace ?? '',
      labels: { ...metadata.labels, [REVISION_HASH]: revision.metadata.name ?? '', ...identity(name, ordinal) },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(set)],
    },
    spec: {
      ...spec,
      hostname: name,
      ...(serviceName === '' ? {} : { subdomain: serviceName }),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}

/** The pod with the labels that make it the one it is; undefined where it has them. */
export function identified(pod: Pod, ordinal: number): Pod | undefined {
  const wanted = identity(pod.metadata.name ?? '', ordinal);
  const { labels = {} } = pod.metadata;
  if (Object.entries(wanted).every(([key, value]) => labels[key] === value)) return undefined;
  return { ...pod, metadata: { ...pod.metadata, labels: { ...labels, ...wanted } } };
}

/** The create of the claim that a pod of an ordinal has by a template. */
export function claimFor(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): Change {
  const object: PersistentVolumeClaim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? '',
      labels: { ...template.metadata.labels, ...set.spec?.selector?.matchLabels },
    },
    ...(template.spec ? { spec: template.spec } : {}),
  };
  return { verb: 'create', resource: PERSISTENTVOLUMECLAIMS, object };
}
