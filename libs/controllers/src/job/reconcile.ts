import {
  isJobFinished,
  isPodActive,
  isPodTerminal,
  JOBS,
  PODS,
  tell,
  type Job,
  type JobCondition,
  type JobStatus,
  type Pod,
} from '#libs/api';
import { deepEqual, formatTime, labelSelectorOf, type Change, type Instant, type Reconcile, type Refusal } from '#libs/apimachinery';
import { conditionOf } from '../conditions.js';
import { adoptedBy, claim, releasedFrom } from '../ownership.js';
import { isEnding } from '../refusals.js';
import { indexProgress, type IndexProgress } from './completion.js';
import { countReady } from './job-pods.js';
import { COMPONENT, deletion, NOTHING, scaled, type Scaling } from './scaling.js';
import { tracked, type Tracking } from './tracking.js';
import { isComplete, REACHED, untilDeadline, verdictOn, type Verdict } from './verdict.js';

/** Who manages a Job that names nobody else. */
const MANAGER = 'kubernetes.io/job-controller';

export interface JobSnapshot {
  readonly job: Job;
  /** Pods this Job controls, in any phase. */
  readonly owned: readonly Pod[];
  /** Pods of its namespace that nobody controls. */
  readonly orphans: readonly Pod[];
}

/** Runs the pods of a Job until enough of them have succeeded or too many have failed, and counts them. */
export const reconcileJob: Reconcile<JobSnapshot> = ({ job, owned, orphans }, now) => {
  const { managedBy } = job.spec ?? {};
  if (isJobFinished(job) || (managedBy !== undefined && managedBy !== MANAGER)) return { changes: [] };
  const claims = claim(job, labelSelectorOf(job.spec?.selector), owned, orphans);
  const pods = [...claims.kept, ...claims.adopted];
  const claiming: readonly Change[] = [
    ...claims.adopted.map((pod): Change => ({ verb: 'update', resource: PODS, object: adoptedBy(job, pod) })),
    ...claims.released.map((pod): Change => ({ verb: 'update', resource: PODS, object: releasedFrom(job.metadata.uid ?? '', pod) })),
  ];
  // An adopted pod has moved: it is counted when it has been seen with its Job.
  if (claiming.length > 0) return { changes: claiming };
  return sync(job, pods, now);
};

/** What one pass has found. */
interface Pass {
  readonly verdict: Verdict | undefined;
  readonly tracking: Tracking;
}

function sync(job: Job, pods: readonly Pod[], now: Instant): ReturnType<typeof reconcileJob> {
  const progress = indexProgress(job, pods);
  const counts = tracked(job, pods, progress, false);
  const decided = verdictOn(job, pods, progress, counts.failed, now);
  const scaling = scalingOf(job, pods, progress, counts, decided, now);
  const verdict = decided ?? (isComplete(job, counts.succeeded, pods.filter(isPodActive).length) ? REACHED : undefined);
  const tracking = verdict ? tracked(job, pods, progress, true) : counts;
  const status = statusOf(job, pods, { verdict, tracking }, now);
  const moved = !deepEqual(status, job.status);
  const object: Job = { ...job, status };
  const update: Change = { verb: 'update', resource: JOBS, subresource: 'status', object };
  const waits = [scaling.requeueAfterMs, untilDeadline(job, status.startTime, now)].filter((wait) => wait !== undefined && wait > 0);
  const changes = [...(moved ? [update, ...tellings(job, status, now)] : []), ...tracking.releases, ...scaling.changes];
  return waits.length === 0 ? { changes } : { changes, requeueAfterMs: Math.min(...(waits as number[])) };
}

function scalingOf(
  job: Job,
  pods: readonly Pod[],
  progress: IndexProgress,
  { succeeded }: Tracking,
  verdict: Verdict | undefined,
  now: Instant,
): Scaling {
  if (job.metadata.deletionTimestamp !== undefined) return NOTHING;
  if (verdict) return deletion(job, pods.filter(isPodActive), now);
  return scaled(job, pods, progress, succeeded, now);
}

/** The conditions with one set; in its place where it is there and differs. */
function withJobCondition(
  conditions: readonly JobCondition[],
  next: Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>,
  now: Instant,
): readonly JobCondition[] {
  const old = conditionOf(conditions, next.type);
  if (old?.status === next.status) return conditions;
  const time = formatTime(now);
  const stamped: JobCondition = { ...next, lastProbeTime: time, lastTransitionTime: time };
  return old ? conditions.map((each) => (each === old ? stamped : each)) : [...conditions, stamped];
}

/** Whether nothing of the Job is left to end or to count: only then it may say that it has ended. */
const isOver = (pods: readonly Pod[], { tracking }: Pass): boolean => tracking.settled && pods.every(isPodTerminal);

function conditionsOf(job: Job, pods: readonly Pod[], pass: Pass, now: Instant): readonly JobCondition[] {
  const { verdict } = pass;
  const conditions = job.status?.conditions ?? [];
  if (!verdict) return suspension(job, conditions, now);
  const { type, reason, message } = verdict;
  const targeted = withJobCondition(conditions, { type, status: 'True', reason, message }, now);
  if (!isOver(pods, pass)) return targeted;
  return withJobCondition(targeted, { type: type === 'FailureTarget' ? 'Failed' : 'Complete', status: 'True', reason, message }, now);
}

function suspension({ spec, metadata }: Job, conditions: readonly JobCondition[], now: Instant): readonly JobCondition[] {
  if (metadata.deletionTimestamp !== undefined) return conditions;
  if (spec?.suspend === true) {
    return withJobCondition(conditions, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }, now);
  }
  if (conditionOf(conditions, 'Suspended') === undefined) return conditions;
  return withJobCondition(conditions, { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }, now);
}

/** A suspended Job has not started; one that was resumed starts anew. */
function startTimeOf({ spec, status }: Job, conditions: readonly JobCondition[], now: Instant): string | undefined {
  const suspended = conditionOf(conditions, 'Suspended')?.status === 'True';
  if (spec?.suspend === true && suspended) return undefined;
  const resumed = conditionOf(status?.conditions, 'Suspended')?.status === 'True' && !suspended;
  if (resumed) return formatTime(now);
  return status?.startTime ?? (spec?.suspend === true ? undefined : formatTime(now));
}

function statusOf(job: Job, pods: readonly Pod[], pass: Pass, now: Instant): JobStatus {
  const conditions = conditionsOf(job, pods, pass, now);
  const active = pods.filter(isPodActive);
  const terminating = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)).length;
  const startTime = startTimeOf(job, conditions, now);
  const complete = conditionOf(conditions, 'Complete')?.status === 'True';
  return {
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(startTime === undefined ? {} : { startTime }),
    ...(complete ? { completionTime: formatTime(now) } : {}),
    ...(active.length > 0 ? { active: active.length } : {}),
    ...pass.tracking.counted,
    terminating,
    ready: countReady(active),
  };
}

/** What users are told of a change of conditions. */
function tellings(job: Job, { conditions = [] }: JobStatus, now: Instant): readonly Change[] {
  return conditions.flatMap(({ type, status, reason = '', message = '' }) => {
    if (conditionOf(job.status?.conditions, type)?.status === status) return [];
    const about = (kind: 'Normal' | 'Warning', why: string, text: string): readonly Change[] => [
      tell(COMPONENT, { about: job, type: kind, reason: why, message: text }, now),
    ];
    switch (type) {
      case 'Complete':
        return about('Normal', 'Completed', 'Job completed');
      case 'Failed':
        return about('Warning', reason, message);
      case 'Suspended':
        return status === 'True' ? about('Normal', 'Suspended', message) : about('Normal', 'Resumed', message);
      case 'SuccessCriteriaMet':
        return reason === 'SuccessPolicy' ? about('Normal', 'SuccessCriteriaMet', message) : [];
      default:
        return [];
    }
  });
}

/** Says on the Job that its pods could not be created or deleted. */
export function refuseJob({ job }: JobSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.resource.resource === PODS.resource && change.verb !== 'update');
  if (!refusal || isEnding(refusal)) return [];
  const [reason, what] = refusal.change.verb === 'delete' ? ['FailedDelete', 'Error deleting'] : ['FailedCreate', 'Error creating'];
  return [tell(COMPONENT, { about: job, type: 'Warning', reason, message: `${what}: ${refusal.message}` }, now)];
}
