import { isPodTerminal, PODS, tell, type Pod, type StatefulSet } from '#libs/api';
import { scaledValue, type Change, type Instant } from '#libs/apimachinery';
import { claimOwners, hasStaleClaim, missingClaims, type ClaimsByName } from './claims.js';
import { identified, podFor, replicasOf, revisionOf, startOf } from './identity.js';
import {
  isRunningAndAvailable,
  isRunningAndReady,
  isTerminating,
  type Condemned,
  type Members,
  type Replica,
  type Revisions,
} from './members.js';

export const COMPONENT = 'statefulset-controller';

/** What the steps of one pass look at. */
export interface StepContext {
  readonly set: StatefulSet;
  readonly members: Members;
  readonly revisions: Revisions;
  readonly claims: ClaimsByName;
  readonly now: Instant;
}

/** What a step does, and whether the pass ends with it. */
interface Step {
  readonly changes: readonly Change[];
  readonly ends: boolean;
}

const GO_ON: Step = { changes: [], ends: false };
const STOP: Step = { changes: [], ends: true };

const isOrdered = ({ spec }: StatefulSet): boolean => spec?.podManagementPolicy !== 'Parallel';

const telling = (set: StatefulSet, type: 'Normal' | 'Warning', reason: string, message: string, now: Instant): Change =>
  tell(COMPONENT, { about: set, type, reason, message }, now);

function deletion({ set, now }: StepContext, { metadata: { name = '', namespace = '', uid } }: Pod): readonly Change[] {
  const message = `delete Pod ${name} in StatefulSet ${set.metadata.name ?? ''} successful`;
  return [
    { verb: 'delete', resource: PODS, namespace, name, ...(uid === undefined ? {} : { preconditions: { uid } }) },
    telling(set, 'Normal', 'SuccessfulDelete', message, now),
  ];
}

function creation(context: StepContext, ordinal: number): readonly Change[] {
  const { set, revisions, claims, now } = context;
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const old = set.spec?.updateStrategy?.type === 'RollingUpdate' && ordinal < startOf(set) + partition;
  const object = podFor(set, old ? revisions.current : revisions.update, ordinal);
  const [name, owner] = [object.metadata.name ?? '', set.metadata.name ?? ''];
  const claiming = missingClaims(set, ordinal, claims).flatMap((change) => {
    const claim = change.verb === 'create' ? (change.object.metadata.name ?? '') : '';
    const message = `create Claim ${claim} Pod ${name} in StatefulSet ${owner} success`;
    return [change, telling(set, 'Normal', 'SuccessfulCreate', message, now)];
  });
  return [
    ...claiming,
    { verb: 'create', resource: PODS, object },
    telling(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${owner} successful`, now),
  ];
}

/** A pod that has ended is replaced, however it ended. */
function recreation(context: StepContext, pod: Pod): Step {
  if (isTerminating(pod)) return STOP;
  const { set, now } = context;
  const { name = '', namespace = '' } = set.metadata;
  const failed = pod.status?.phase === 'Failed';
  const [reason, what] = failed ? ['RecreatingFailedPod', 'failed'] : ['RecreatingTerminatedPod', 'terminated'];
  const message = `StatefulSet ${namespace}/${name} is recreating ${what} Pod ${pod.metadata.name ?? ''}`;
  return { changes: [telling(set, 'Warning', reason, message, now), ...deletion(context, pod)], ends: true };
}

/** Brings one place nearer to a pod that runs: upstream's processReplica. */
function replicaStep(context: StepContext, { ordinal, pod }: Replica): Step {
  const { set, claims, now } = context;
  const ordered = isOrdered(set);
  if (!pod) return hasStaleClaim(set, ordinal, claims) ? STOP : { changes: creation(context, ordinal), ends: ordered };
  if (isPodTerminal(pod)) return recreation(context, pod);
  if (ordered && (isTerminating(pod) || !isRunningAndAvailable(set, pod, now))) {
    return { changes: missingClaims(set, ordinal, claims), ends: true };
  }
  const named = identified(pod, ordinal);
  const repair: readonly Change[] = named ? [{ verb: 'update', resource: PODS, object: named }] : [];
  const owners = isTerminating(pod) ? [] : claimOwners(set, pod, ordinal, false, claims);
  return { changes: [...missingClaims(set, ordinal, claims), ...repair, ...owners], ends: false };
}

/** The lowest pod that is not healthy: only it may be taken away while others wait. */
function firstUnhealthy({ set, members: { replicas, condemned }, now }: StepContext): Pod | undefined {
  const unhealthy = (pod: Pod): boolean => !isRunningAndAvailable(set, pod, now) || isTerminating(pod);
  const among = replicas.flatMap(({ pod }) => pod ?? []).find(unhealthy);
  return among ?? [...condemned].reverse().find(({ pod }) => unhealthy(pod))?.pod;
}

/** Takes away a pod that is no longer wanted: upstream's processCondemned. */
function condemnedStep(context: StepContext, { ordinal, pod }: Condemned): Step {
  const { set, claims, now } = context;
  const ordered = isOrdered(set);
  if (isTerminating(pod)) return ordered ? STOP : GO_ON;
  const waits = !isRunningAndReady(pod) || !isRunningAndAvailable(set, pod, now);
  if (ordered && waits && pod !== firstUnhealthy(context)) return STOP;
  // Whose the claims are has to be written before the pod may go.
  const owners = claimOwners(set, pod, ordinal, true, claims);
  if (owners.length > 0) return { changes: owners, ends: ordered };
  return { changes: deletion(context, pod), ends: ordered };
}

function mostUnavailable(set: StatefulSet): number {
  const { maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  return Math.max(1, scaledValue(maxUnavailable, replicasOf(set), false));
}

/** Replaces pods of an older template, highest first, as many at a time as may be missing. */
function updateStep(context: StepContext): readonly Change[] {
  const { set, members, revisions, now } = context;
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const pods = members.replicas.map(({ pod }) => pod);
  const available = (pod: Pod | undefined): boolean => pod !== undefined && !isTerminating(pod) && isRunningAndAvailable(set, pod, now);
  let budget = mostUnavailable(set) - pods.filter((pod) => !available(pod)).length;
  const changes: Change[] = [];
  for (const pod of pods.slice(partition).reverse()) {
    if (!pod || isTerminating(pod) || revisionOf(pod) === (revisions.update.metadata.name ?? '')) continue;
    if (available(pod)) {
      if (budget <= 0) continue;
      budget--;
    }
    changes.push(...deletion(context, pod));
  }
  return changes;
}

/** All that one pass does to pods and claims: makes what is missing, takes away what is too much, then replaces what is old. */
export function stepsOf(context: StepContext): readonly Change[] {
  const { members } = context;
  const changes: Change[] = [];
  let ended = false;
  const take = (step: Step): void => {
    changes.push(...step.changes);
    ended ||= step.ends;
  };
  for (const replica of members.replicas) {
    if (ended && isOrdered(context.set)) return changes;
    take(replicaStep(context, replica));
  }
  if (ended) return changes;
  for (const condemned of members.condemned) {
    if (ended) return changes;
    take(condemnedStep(context, condemned));
  }
  return ended ? changes : [...changes, ...updateStep(context)];
}
