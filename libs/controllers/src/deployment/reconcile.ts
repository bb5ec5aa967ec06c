import { tell, DEPLOYMENTS, REPLICASETS, type Deployment } from '#libs/api';
import type { Change, Instant, Reconcile, ReconcileResult, Refusal } from '#libs/apimachinery';
import { conditionOf } from '../conditions.js';
import { isEnding } from '../refusals.js';
import { counted, hasDeadline, isComplete, rolloutStatus, setCondition, untilDeadline } from './progress.js';
import { isScaling, scaled } from './proportional.js';
import { isRolling, newSize, shrinkOld, sizeOf, wanted } from './rolling-update.js';
import { COMPONENT, Rollout, type DeploymentSnapshot } from './rollout.js';

/** Brings a Deployment's ReplicaSets towards its template and size, step by step, and says how far it has come. */
export const reconcileDeployment: Reconcile<DeploymentSnapshot> = (snapshot, now) => {
  const { deployment } = snapshot;
  if (selectsAll(deployment)) return { changes: refuseToSelectAll(deployment, now) };
  const rollout = new Rollout(snapshot, now);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    rollout.setStatus(counted(rollout.deployment, rollout.newest, rollout.all, now));
    return { changes: rollout.changes() };
  }
  notePause(rollout);
  if (deployment.spec?.paused) return resizeOnly(rollout, now);
  if (!rollout.syncRevision(false) || isScaling(rollout.deployment, rollout.all)) return resizeOnly(rollout, now);
  return isRolling(deployment) ? roll(rollout, now) : recreate(rollout, snapshot, now);
};

/** Says on the Deployment that its new ReplicaSet could not be created. */
export function refuseDeployment({ deployment }: DeploymentSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.verb === 'create' && change.resource.resource === REPLICASETS.resource);
  if (refusal?.change.verb !== 'create' || isEnding(refusal)) return [];
  const message = `Failed to create new replica set "${refusal.change.object.metadata.name ?? ''}": ${refusal.message}`;
  const told = tell(COMPONENT, { about: deployment, type: 'Warning', reason: 'ReplicaSetCreateError', message }, now);
  if (!hasDeadline(deployment)) return [told];
  const status = setCondition(
    deployment.status ?? {},
    { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message },
    now,
  );
  if (status === deployment.status) return [told];
  const object: Deployment = { ...deployment, status };
  return [told, { verb: 'update', resource: DEPLOYMENTS, subresource: 'status', object }];
}

function selectsAll({ spec }: Deployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function refuseToSelectAll(deployment: Deployment, now: Instant): readonly Change[] {
  const generation = deployment.metadata.generation ?? 0;
  if ((deployment.status?.observedGeneration ?? 0) >= generation) return [];
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  const object: Deployment = { ...deployment, status: { ...deployment.status, observedGeneration: generation } };
  return [
    { verb: 'update', resource: DEPLOYMENTS, subresource: 'status', object },
    tell(COMPONENT, { about: deployment, type: 'Warning', reason: 'SelectingAll', message }, now),
  ];
}

/** A pause stops the clock of the progress deadline, and its end restarts it. */
function notePause(rollout: Rollout): void {
  const { deployment } = rollout;
  if (!hasDeadline(deployment)) return;
  const reason = conditionOf(deployment.status?.conditions, 'Progressing')?.reason;
  if (reason === 'ProgressDeadlineExceeded') return;
  if (deployment.spec?.paused && reason !== 'DeploymentPaused')
    rollout.setProgressing('Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (!deployment.spec?.paused && reason === 'DeploymentPaused')
    rollout.setProgressing('Unknown', 'DeploymentResumed', 'Deployment is resumed');
}

function resizeOnly(rollout: Rollout, now: Instant): ReconcileResult {
  rollout.syncRevision(false);
  rollout.resize(scaled(rollout.deployment, rollout.newest, rollout.old));
  if (rollout.deployment.spec?.paused) rollout.cleanUp();
  rollout.setStatus(counted(rollout.deployment, rollout.newest, rollout.all, now));
  return { changes: rollout.changes() };
}

function finish(rollout: Rollout, now: Instant): ReconcileResult {
  rollout.setStatus(rolloutStatus(rollout.deployment, rollout.newest, rollout.all, now));
  const changes = rollout.changes();
  const requeueAfterMs = untilDeadline(rollout.deployment, rollout.deployment.status ?? {}, now);
  return requeueAfterMs === undefined ? { changes } : { changes, requeueAfterMs };
}

function roll(rollout: Rollout, now: Instant): ReconcileResult {
  if (!rollout.syncRevision(true)) return { changes: rollout.changes() };
  const { deployment, newest, old, all } = rollout;
  if (!newest) return finish(rollout, now);
  const to = sizeOf(newest) > wanted(deployment) ? wanted(deployment) : newSize(deployment, all, newest);
  if (sizeOf(newest) !== wanted(deployment) && rollout.resize([{ replicaSet: newest, to }])) return finish(rollout, now);
  if (rollout.resize(shrinkOld(deployment, newest, old))) return finish(rollout, now);
  if (isComplete(deployment, deployment.status ?? {})) rollout.cleanUp();
  return finish(rollout, now);
}

function recreate(rollout: Rollout, { running }: DeploymentSnapshot, now: Instant): ReconcileResult {
  const { old } = rollout;
  if (rollout.resize(old.filter((one) => sizeOf(one) > 0).map((replicaSet) => ({ replicaSet, to: 0 })))) return finish(rollout, now);
  if (old.some((one) => (one.status?.replicas ?? 0) > 0 || running(one))) return finish(rollout, now);
  if (!rollout.syncRevision(true)) return { changes: rollout.changes() };
  const { deployment, newest } = rollout;
  if (newest) rollout.resize([{ replicaSet: newest, to: wanted(deployment) }]);
  if (isComplete(deployment, deployment.status ?? {})) rollout.cleanUp();
  return finish(rollout, now);
}
