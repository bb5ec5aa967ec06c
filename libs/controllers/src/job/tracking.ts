import {
  indexesText,
  isIndexedJob,
  isPodTerminal,
  PODS,
  type Job,
  type JobStatus,
  type Pod,
  type UncountedTerminatedPods,
} from '#libs/api';
import type { Change } from '#libs/apimachinery';
import { completionsOf, recordedProgress, type IndexProgress } from './completion.js';
import { failureVerdict } from './failure-policy.js';
import { completionIndexOf, hasTrackingFinalizer, isPodFailed, isPodSucceeded, released } from './job-pods.js';
import { lastFailures } from './scaling.js';

/** What a Job has counted, and what it has yet to. */
export interface Tracking {
  /** Counters and lists as the status is to have them. */
  readonly counted: Pick<JobStatus, 'succeeded' | 'failed' | 'uncountedTerminatedPods' | 'completedIndexes' | 'failedIndexes'>;
  /** All that succeeded or failed, whether its counter has moved or not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Pods that are let go: the status has them. */
  readonly releases: readonly Change[];
  /** Whether everything that has ended is in the counters. */
  readonly settled: boolean;
}

const sorted = (indexes: ReadonlySet<number>): readonly number[] => [...indexes].sort((a, b) => a - b);

/** The failed pods that are held until their index has a successor, which is told of their number. */
function heldBack(job: Job, pods: readonly Pod[], { succeeded, failed }: IndexProgress, ending: boolean): ReadonlySet<Pod> {
  if (job.spec?.backoffLimitPerIndex === undefined || ending) return new Set();
  const active = new Set(pods.filter((pod) => !isPodFailed(pod, job) && !isPodSucceeded(pod)).map(completionIndexOf));
  const waits = (index: number): boolean => index < completionsOf(job) && !succeeded.has(index) && !failed.has(index) && !active.has(index);
  return new Set([...lastFailures(job, pods)].filter(([index]) => waits(index)).map(([, pod]) => pod));
}

/** Most pods of a kind that the status lists at a time, lest it grows with them: upstream's MaxUncountedPods. */
const MOST_LISTED = 500;

/** Of many, those that are listed already and as many others as there is room for. */
function listable(uids: readonly string[], before: readonly string[] = []): readonly string[] {
  if (uids.length <= MOST_LISTED) return uids;
  const known = new Set(before);
  return [...uids.filter((uid) => known.has(uid)), ...uids.filter((uid) => !known.has(uid))].slice(0, MOST_LISTED);
}

/** Members that list nobody are left out. */
const uncountedOf = (succeeded: readonly string[], failed: readonly string[]): UncountedTerminatedPods => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
});

/** Whether the status as it is stored has a pod that has ended, so that it may go. */
function recordedBy(job: Job): (pod: Pod) => boolean {
  const listed = job.status?.uncountedTerminatedPods ?? {};
  const [succeeded, failed] = [new Set(listed.succeeded), new Set(listed.failed)];
  const indexes = recordedProgress(job);
  return (pod) => {
    const { uid = '' } = pod.metadata;
    const index = completionIndexOf(pod) ?? -1;
    if (isPodSucceeded(pod)) {
      return isIndexedJob(job) ? index < 0 || index >= completionsOf(job) || indexes.succeeded.has(index) : succeeded.has(uid);
    }
    return failed.has(uid) || failureVerdict(job, pod).action === 'Ignore';
  };
}

/** The uids of pods that have ended and are held, by how they count. */
interface Ended {
  readonly succeeded: string[];
  readonly failed: string[];
  readonly releases: Change[];
}

/** Lists those that have ended, and lets go of those that the status has already. */
function endedAmong(job: Job, held: ReadonlyMap<string, Pod>, waiting: ReadonlySet<Pod>): Ended {
  const ended: Ended = { succeeded: [], failed: [], releases: [] };
  const isRecorded = recordedBy(job);
  for (const [uid, pod] of held) {
    const deleting = job.metadata.deletionTimestamp !== undefined;
    if (waiting.has(pod) || !(isPodSucceeded(pod) || isPodFailed(pod, job) || deleting)) continue;
    if (isPodSucceeded(pod)) {
      if (!isIndexedJob(job)) ended.succeeded.push(uid);
    } else if (failureVerdict(job, pod).action !== 'Ignore') ended.failed.push(uid);
    if (isRecorded(pod)) ended.releases.push({ verb: 'update', resource: PODS, object: released(pod) });
  }
  return ended;
}

/**
 * Counts each pod of a Job exactly once, though it may be deleted at any time: what has ended is listed by uid in the
 * status, is let go of in the next pass, and moves into the counters when its finalizer is gone (KEP-2307).
 */
export function tracked(job: Job, pods: readonly Pod[], progress: IndexProgress, ending: boolean): Tracking {
  const { status = {} } = job;
  const listed = status.uncountedTerminatedPods ?? {};
  const held = new Map(pods.filter(hasTrackingFinalizer).map((pod) => [pod.metadata.uid ?? '', pod]));
  const gone = (uids: readonly string[] = []): number => uids.filter((uid) => !held.has(uid)).length;
  const waiting = heldBack(job, pods, progress, ending);
  const { succeeded, failed, releases } = endedAmong(job, held, waiting);
  const indexed = isIndexedJob(job);
  const countedFailed = (status.failed ?? 0) + gone(listed.failed);
  const countedSucceeded = indexed ? progress.succeeded.size : (status.succeeded ?? 0) + gone(listed.succeeded);
  const failures = [...waiting].filter((pod) => failureVerdict(job, pod).action !== 'Ignore').length;
  const pending = [...held.values()].some((pod) => isPodTerminal(pod));
  return {
    counted: {
      ...(countedSucceeded > 0 ? { succeeded: countedSucceeded } : {}),
      ...(countedFailed > 0 ? { failed: countedFailed } : {}),
      uncountedTerminatedPods: uncountedOf(listable(succeeded, listed.succeeded), listable(failed, listed.failed)),
      ...(indexed && progress.succeeded.size > 0 ? { completedIndexes: indexesText(sorted(progress.succeeded)) } : {}),
      ...(job.spec?.backoffLimitPerIndex === undefined ? {} : { failedIndexes: indexesText(sorted(progress.failed)) }),
    },
    succeeded: countedSucceeded + succeeded.length,
    failed: countedFailed + failed.length + failures,
    releases,
    settled: !pending && succeeded.length === 0 && failed.length === 0,
  };
}
