import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '#libs/api';
import { formatTime, parseTime, type Instant } from '#libs/apimachinery';
import { conditionOf } from '../conditions.js';
import { mostUnavailable, totalAvailable, totalSize, wanted } from './rolling-update.js';

const MOST_INT32 = 2 ** 31 - 1;

/** A Deployment whose progress is watched: a deadline of the greatest number means none. */
export const hasDeadline = ({ spec }: Deployment): boolean =>
  spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== MOST_INT32;

type Said = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>;

const without = (status: DeploymentStatus, type: string): DeploymentStatus => {
  const { conditions, ...rest } = status;
  const left = (conditions ?? []).filter((condition) => condition.type !== type);
  return left.length > 0 ? { ...rest, conditions: left } : rest;
};

/** The status with a condition set; one that says the same for the same reason stays as it is. */
export function setCondition(status: DeploymentStatus, said: Said, now: Instant): DeploymentStatus {
  const current = conditionOf(status.conditions, said.type);
  if (current?.status === said.status && current.reason === said.reason) return status;
  const kept = current?.status === said.status ? current.lastTransitionTime : undefined;
  const condition: DeploymentCondition = { ...said, lastUpdateTime: formatTime(now), lastTransitionTime: kept ?? formatTime(now) };
  return { ...without(status, said.type), conditions: [...(without(status, said.type).conditions ?? []), condition] };
}

/** The counts of a Deployment's status, from those of its ReplicaSets. */
export function counted(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: Instant,
): DeploymentStatus {
  const sum = (of: (status: NonNullable<ReplicaSet['status']>) => number | undefined): number =>
    all.reduce((total, { status }) => total + ((status && of(status)) ?? 0), 0);
  const available = totalAvailable(all);
  const { collisionCount, conditions } = deployment.status ?? {};
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(({ replicas }) => replicas),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(({ readyReplicas }) => readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(all) - available),
    terminatingReplicas: sum(({ terminatingReplicas }) => terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions ? { conditions } : {}),
  };
  const enough = available >= wanted(deployment) - mostUnavailable(deployment);
  return setCondition(
    status,
    enough
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    now,
  );
}

/** All pods are of the current template, available, and no others are left. */
export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean =>
  (status.updatedReplicas ?? 0) === wanted(deployment) &&
  (status.replicas ?? 0) === wanted(deployment) &&
  (status.availableReplicas ?? 0) === wanted(deployment) &&
  (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);

function isProgressing({ status: old = {} }: Deployment, next: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldPods(next) < oldPods(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

const deadlineMs = ({ spec }: Deployment): number => (spec?.progressDeadlineSeconds ?? 0) * 1000;

function hasTimedOut(deployment: Deployment, status: DeploymentStatus, now: Instant): boolean {
  const current = conditionOf(status.conditions, 'Progressing');
  if (!current || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return (parseTime(current.lastUpdateTime) ?? now) + deadlineMs(deployment) < now;
}

function progressed(deployment: Deployment, newest: ReplicaSet | undefined, status: DeploymentStatus, now: Instant): DeploymentStatus {
  const current = conditionOf(deployment.status?.conditions, 'Progressing');
  const complete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment) || complete) return status;
  const who = newest ? `ReplicaSet "${newest.metadata.name ?? ''}"` : `Deployment "${deployment.metadata.name ?? ''}"`;
  if (isComplete(deployment, status)) {
    const message = `${who} has successfully progressed.`;
    return setCondition(status, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message }, now);
  }
  if (isProgressing(deployment, status)) {
    const said = { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${who} is progressing.` };
    const fresh = conditionOf(setCondition(without(status, 'Progressing'), said, now).conditions, 'Progressing');
    const kept = current?.status === 'True' ? current.lastTransitionTime : undefined;
    if (!fresh) return status;
    const rest = without(status, 'Progressing');
    return { ...rest, conditions: [...(rest.conditions ?? []), kept === undefined ? fresh : { ...fresh, lastTransitionTime: kept }] };
  }
  if (!hasTimedOut(deployment, status, now)) return status;
  const message = `${who} has timed out progressing.`;
  return setCondition(status, { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message }, now);
}

/** A ReplicaSet's failure becomes its Deployment's: the new one's before any other's. */
function failure(newest: ReplicaSet | undefined, all: readonly ReplicaSet[]): DeploymentCondition | undefined {
  const failed = [...(newest ? [newest] : []), ...all].map(({ status }) => conditionOf(status?.conditions, 'ReplicaFailure')).find(Boolean);
  return failed && { ...failed, ...(failed.lastTransitionTime === undefined ? {} : { lastUpdateTime: failed.lastTransitionTime }) };
}

/** The status of a rollout: counts, whether it progresses, whether its pods could be made. */
export function rolloutStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: Instant,
): DeploymentStatus {
  const status = counted(deployment, newest, all, now);
  const moved = progressed(deployment, newest, hasDeadline(deployment) ? status : without(status, 'Progressing'), now);
  const failed = failure(newest, all);
  if (!failed) return without(moved, 'ReplicaFailure');
  const current = conditionOf(moved.conditions, 'ReplicaFailure');
  if (current?.status === failed.status && current.reason === failed.reason) return moved;
  const rest = without(moved, 'ReplicaFailure');
  return { ...rest, conditions: [...(rest.conditions ?? []), failed] };
}

/** How long until a rollout without progress has exceeded its deadline, which no event will announce. */
export function untilDeadline(deployment: Deployment, status: DeploymentStatus, now: Instant): number | undefined {
  const current = conditionOf(status.conditions, 'Progressing');
  if (!hasDeadline(deployment) || !current || isComplete(deployment, status)) return undefined;
  if (current.reason === 'ProgressDeadlineExceeded' || current.reason === 'NewReplicaSetAvailable') return undefined;
  const since = parseTime(current.lastUpdateTime) ?? now;
  return Math.max(0, since + deadlineMs(deployment) - now) + 1000;
}
