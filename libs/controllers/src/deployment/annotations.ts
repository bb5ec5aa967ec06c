import type { Deployment, ReplicaSet } from '#libs/api';
import { fencepost } from './rolling-update.js';

/** Upstream's annotations of Deployments and their ReplicaSets. */
export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** Of a Deployment's annotations, those a ReplicaSet does not take over. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);
const MOST_HISTORY = 2000;

type Annotations = Readonly<Record<string, string>>;

const numberIn = (annotations: Annotations | undefined, key: string): number | undefined => {
  const text = annotations?.[key];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
};

/** The revision an object says it is; 0 where it says none. */
export const revisionOf = ({ metadata }: ReplicaSet | Deployment): number => numberIn(metadata.annotations, REVISION) ?? 0;

/** How many replicas the Deployment wanted when it last sized this ReplicaSet. */
export const desiredReplicas = ({ metadata }: ReplicaSet): number | undefined => numberIn(metadata.annotations, DESIRED_REPLICAS);

/** How many pods the Deployment allowed then, surge included. */
export const mostReplicas = ({ metadata }: ReplicaSet): number | undefined => numberIn(metadata.annotations, MAX_REPLICAS);

const withAnnotations = <T extends ReplicaSet | Deployment>(object: T, annotations: Annotations): T => ({
  ...object,
  metadata: { ...object.metadata, annotations },
});

/** The Deployment said to be at this revision. */
export const atRevision = (deployment: Deployment, revision: string): Deployment =>
  deployment.metadata.annotations?.[REVISION] === revision
    ? deployment
    : withAnnotations(deployment, { ...deployment.metadata.annotations, [REVISION]: revision });

/** The ReplicaSet with the sizes it was computed from. */
export function sized(replicaSet: ReplicaSet, deployment: Deployment): ReplicaSet {
  const replicas = deployment.spec?.replicas ?? 1;
  const desired = String(replicas);
  const most = String(replicas + fencepost(deployment).maxSurge);
  const { annotations } = replicaSet.metadata;
  if (annotations?.[DESIRED_REPLICAS] === desired && annotations[MAX_REPLICAS] === most) return replicaSet;
  return withAnnotations(replicaSet, { ...annotations, [DESIRED_REPLICAS]: desired, [MAX_REPLICAS]: most });
}

/** The revisions a ReplicaSet has been before, the oldest dropped where they no longer fit. */
function history(annotations: Annotations, oldRevision: string): Annotations {
  const before = annotations[REVISION_HISTORY] ?? '';
  const revisions = before === '' ? [] : before.split(',');
  revisions.push(oldRevision);
  while (revisions.length > 1 && revisions.join(',').length > MOST_HISTORY) revisions.shift();
  return { ...annotations, [REVISION_HISTORY]: revisions.join(',') };
}

/**
 * The ReplicaSet of the current template, annotated as upstream's SetNewReplicaSetAnnotations: the Deployment's own
 * annotations (the change cause among them), the revision, and on a return to an old template what it was before.
 */
export function annotated(replicaSet: ReplicaSet, deployment: Deployment, revision: number, isNew: boolean): ReplicaSet {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const old = replicaSet.metadata.annotations ?? {};
  let next: Annotations = { ...old, ...Object.fromEntries(copied) };
  const oldRevision = numberIn(old, REVISION);
  if ((oldRevision ?? 0) < revision) {
    next = { ...next, [REVISION]: String(revision) };
    if (oldRevision !== undefined) next = history(next, String(oldRevision));
  }
  const changed = Object.keys(next).length !== Object.keys(old).length || Object.entries(next).some(([key, value]) => old[key] !== value);
  const result = changed ? withAnnotations(replicaSet, next) : replicaSet;
  return isNew ? sized(result, deployment) : result;
}
