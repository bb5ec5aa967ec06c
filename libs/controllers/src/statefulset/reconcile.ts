import { PODS, STATEFULSETS, tell, type Pod, type StatefulSet, type StatefulSetStatus } from '#libs/api';
import { deepEqual, labelSelectorOf, type Change, type Instant, type Reconcile, type Refusal } from '#libs/apimachinery';
import { nextAvailability } from '../availability.js';
import { recorded, truncated, type History } from '../history/revisions.js';
import { adoptedBy, claim, releasedFrom } from '../ownership.js';
import { isEnding } from '../refusals.js';
import type { ClaimsByName } from './claims.js';
import { ordinalOf, replicasOf, revisionOf } from './identity.js';
import { isRunningAndAvailable, isRunningAndReady, isTerminating, membersOf, type Revisions } from './members.js';
import { COMPONENT, stepsOf } from './steps.js';

export interface StatefulSetSnapshot {
  readonly set: StatefulSet;
  /** Pods this StatefulSet controls. */
  readonly owned: readonly Pod[];
  /** Pods of its namespace that nobody controls. */
  readonly orphans: readonly Pod[];
  readonly history: History;
  readonly claims: ClaimsByName;
}

/** Keeps the pods of a StatefulSet in their places, each with its name and claims, and rolls them over to a new template. */
export const reconcileStatefulSet: Reconcile<StatefulSetSnapshot> = ({ set, owned, orphans, history, claims }, now) => {
  const isMember = (pod: Pod): boolean => ordinalOf(set, pod) !== undefined;
  const sorted = claim(set, labelSelectorOf(set.spec?.selector), owned, orphans.filter(isMember));
  const claiming: readonly Change[] = [
    ...sorted.adopted.map((pod): Change => ({ verb: 'update', resource: PODS, object: adoptedBy(set, pod) })),
    ...sorted.released.map((pod): Change => ({ verb: 'update', resource: PODS, object: releasedFrom(set.metadata.uid ?? '', pod) })),
  ];
  const pods = [...sorted.kept, ...sorted.adopted].filter(isMember);
  const deleting = set.metadata.deletionTimestamp !== undefined;
  const collisionCount = set.status?.collisionCount ?? 0;
  const template = set.spec?.template ?? {};
  const record = recorded({ owner: set, template, collisionCount, hashLabel: 'controller.kubernetes.io/hash' }, history);
  const update = record.revision;
  const current = history.revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const revisions: Revisions = { current, update };
  const steps = deleting ? [] : stepsOf({ set, members: membersOf(set, pods), revisions, claims, now });
  const status = statusOf(set, pods, revisions, record.collisionCount, now);
  const live = new Set([current, update].map(({ metadata }) => metadata.name ?? '').concat(pods.map(revisionOf)));
  const changes = [
    ...claiming,
    ...(deleting ? [] : record.changes),
    ...steps,
    ...report(set, status),
    ...truncated(history, live, set.spec?.revisionHistoryLimit ?? 10),
  ];
  const requeueAfterMs = nextAvailability(pods, set.spec?.minReadySeconds ?? 0, now);
  return requeueAfterMs === undefined ? { changes } : { changes, requeueAfterMs };
};

/** The counts; a rollout is over when all pods are ready and of the new template, which then is the current one. */
function statusOf(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, collisionCount: number, now: Instant): StatefulSetStatus {
  const [current, update] = [revisions.current.metadata.name ?? '', revisions.update.metadata.name ?? ''];
  const staying = pods.filter((pod) => !isTerminating(pod));
  const ofRevision = (name: string): number => staying.filter((pod) => revisionOf(pod) === name).length;
  const readyReplicas = pods.filter(isRunningAndReady).length;
  const updatedReplicas = ofRevision(update);
  const wanted = replicasOf(set);
  const rolled =
    set.spec?.updateStrategy?.type === 'RollingUpdate' && updatedReplicas === wanted && readyReplicas === wanted && pods.length === wanted;
  const { conditions } = set.status ?? {};
  const currentReplicas = rolled ? updatedReplicas : ofRevision(current);
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    ...(readyReplicas > 0 ? { readyReplicas } : {}),
    ...(currentReplicas > 0 ? { currentReplicas } : {}),
    ...(updatedReplicas > 0 ? { updatedReplicas } : {}),
    currentRevision: rolled ? update : current,
    updateRevision: update,
    collisionCount,
    availableReplicas: pods.filter((pod) => isRunningAndAvailable(set, pod, now)).length,
    ...(conditions ? { conditions } : {}),
  };
}

function report(set: StatefulSet, status: StatefulSetStatus): readonly Change[] {
  if (deepEqual(status, set.status)) return [];
  const object: StatefulSet = { ...set, status };
  return [{ verb: 'update', resource: STATEFULSETS, subresource: 'status', object }];
}

/** Says on the StatefulSet that a pod or a claim could not be made or taken away. */
export function refuseStatefulSet({ set }: StatefulSetSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.verb !== 'update');
  if (!refusal || isEnding(refusal)) return [];
  const { change, message: why } = refusal;
  const owner = set.metadata.name ?? '';
  if (change.verb === 'delete') {
    const message = `delete Pod ${change.name} in StatefulSet ${owner} failed error: ${why}`;
    return [tell(COMPONENT, { about: set, type: 'Warning', reason: 'FailedDelete', message }, now)];
  }
  const what = change.resource.resource === PODS.resource ? 'Pod' : 'Claim';
  const message = `create ${what} ${change.object.metadata.name ?? ''} in StatefulSet ${owner} failed error: ${why}`;
  return [tell(COMPONENT, { about: set, type: 'Warning', reason: 'FailedCreate', message }, now)];
}
