import type { Job, JobCondition, Pod } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';
import { completionsOf, metSuccessPolicy, type IndexProgress } from './completion.js';
import { failureVerdict } from './failure-policy.js';
import { isPodFailed } from './job-pods.js';

/** How a Job is to end, said before its pods have: FailureTarget or SuccessCriteriaMet. */
export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });

/** A verdict once said stays. */
function said({ status }: Job): Verdict | undefined {
  const given = status?.conditions?.find(
    (condition): condition is JobCondition & { type: Verdict['type'] } =>
      (condition.type === 'FailureTarget' || condition.type === 'SuccessCriteriaMet') && condition.status === 'True',
  );
  return given && { type: given.type, reason: given.reason ?? '', message: given.message ?? '' };
}

/** Pods that restart in place have failed as often as their containers restarted. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const running = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = running
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** How long until the Job's deadline; undefined where it has none, or its clock does not run. */
export function untilDeadline({ spec, status }: Job, startTime: string | undefined, now: Instant): number | undefined {
  const started = parseTime(status?.startTime ?? startTime);
  if (spec?.activeDeadlineSeconds === undefined || spec.suspend === true || started === undefined) return undefined;
  return started + spec.activeDeadlineSeconds * 1000 - now;
}

function ofIndexes(job: Job, { succeeded, failed }: IndexProgress): Verdict | undefined {
  const { backoffLimitPerIndex, maxFailedIndexes } = job.spec ?? {};
  if (backoffLimitPerIndex !== undefined) {
    if (maxFailedIndexes !== undefined && failed.size > maxFailedIndexes) {
      return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
    }
    if (failed.size > 0 && failed.size + succeeded.size >= completionsOf(job)) return failure('FailedIndexes', 'Job has failed indexes');
  }
  const met = metSuccessPolicy(job, succeeded);
  return met === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: met };
}

/** How the Job is to end, where that can be said already; in upstream's words. */
export function verdictOn(job: Job, pods: readonly Pod[], progress: IndexProgress, failed: number, now: Instant): Verdict | undefined {
  const before = said(job);
  if (before) return before;
  const policy = job.spec?.podFailurePolicy
    ? pods.filter((pod) => isPodFailed(pod, job)).find((pod) => failureVerdict(job, pod).action === 'FailJob')
    : undefined;
  if (policy) return failure('PodFailurePolicy', failureVerdict(job, policy).message ?? '');
  if (failed > (job.spec?.backoffLimit ?? 6) || restartedTooOften(job, pods)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const left = untilDeadline(job, undefined, now);
  if (left !== undefined && left <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  return ofIndexes(job, progress);
}

/** Whether as many pods succeeded as are to; where that is left open, whether one did and no other runs. */
export function isComplete({ spec }: Job, succeeded: number, active: number): boolean {
  return spec?.completions === undefined ? succeeded > 0 && active === 0 : succeeded >= spec.completions;
}

export const REACHED: Verdict = {
  type: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};
