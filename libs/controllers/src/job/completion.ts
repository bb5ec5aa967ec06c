import { countOfIndexes, IndexesError, isIndexedJob, parseIndexes, type IndexInterval, type Job, type Pod } from '#libs/api';
import { failureVerdict } from './failure-policy.js';
import { completionIndexOf, hasTrackingFinalizer, isPodFailed, isPodSucceeded } from './job-pods.js';

/** How often the pod of an index has failed before it: an annotation of its successor. */
export const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';
export const INDEX_IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const completionsOf = ({ spec }: Job): number => spec?.completions ?? 0;

/** The intervals a status lists; none where it can't be read, or lists what is no longer wanted. */
function intervals(text: string | undefined, completions: number): readonly IndexInterval[] {
  try {
    return parseIndexes(text ?? '', Number.MAX_SAFE_INTEGER)
      .filter(([first]) => first < completions)
      .map(([first, last]): IndexInterval => [first, Math.min(last, completions - 1)]);
  } catch (error) {
    if (error instanceof IndexesError) return [];
    throw error;
  }
}

function listed(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const [first, last] of intervals(text, completions)) for (let index = first; index <= last; index++) indexes.add(index);
  return indexes;
}

const countIn = ({ metadata }: Pod, key: string): number => {
  const text = metadata.annotations?.[key];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
};

/** How often an index has failed, the pod's own failure included; ignored failures apart. */
export function failuresWith(job: Job, pod: Pod): { readonly counted: number; readonly ignored: number } {
  const ignored = failureVerdict(job, pod).action === 'Ignore';
  return {
    counted: countIn(pod, INDEX_FAILURES) + (ignored ? 0 : 1),
    ignored: countIn(pod, INDEX_IGNORED_FAILURES) + (ignored ? 1 : 0),
  };
}

function endsIndex(job: Job, pod: Pod): boolean {
  const { action } = failureVerdict(job, pod);
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && countIn(pod, INDEX_FAILURES) >= (job.spec?.backoffLimitPerIndex ?? Infinity);
}

/** Which indexes of an Indexed Job have succeeded and which have failed for good. */
export interface IndexProgress {
  readonly succeeded: ReadonlySet<number>;
  readonly failed: ReadonlySet<number>;
}

const NONE: IndexProgress = { succeeded: new Set(), failed: new Set() };

/** How far an Indexed Job has come by its status alone. */
export function recordedProgress(job: Job): IndexProgress {
  if (!isIndexedJob(job)) return NONE;
  const completions = completionsOf(job);
  return { succeeded: listed(job.status?.completedIndexes, completions), failed: listed(job.status?.failedIndexes, completions) };
}

/** How far an Indexed Job has come: what its status says, and what its pods have brought since. */
export function indexProgress(job: Job, pods: readonly Pod[]): IndexProgress {
  if (!isIndexedJob(job)) return NONE;
  const completions = completionsOf(job);
  const recorded = recordedProgress(job);
  const [succeeded, failed] = [new Set(recorded.succeeded), new Set(recorded.failed)];
  for (const pod of pods) {
    const index = completionIndexOf(pod);
    if (index === undefined || index >= completions || !hasTrackingFinalizer(pod)) continue;
    if (isPodSucceeded(pod)) succeeded.add(index);
    else if (job.spec?.backoffLimitPerIndex !== undefined && isPodFailed(pod, job) && endsIndex(job, pod)) failed.add(index);
  }
  for (const index of succeeded) failed.delete(index);
  return { succeeded, failed };
}

/** Why an Indexed Job counts as done before all of it is, in upstream's words. */
export function metSuccessPolicy({ spec }: Job, succeeded: ReadonlySet<number>): string | undefined {
  for (const [at, { succeededIndexes, succeededCount }] of (spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : intervals(succeededIndexes, spec?.completions ?? 0);
    const within = wanted
      ? [...succeeded].filter((index) => wanted.some(([first, last]) => first <= index && index <= last)).length
      : succeeded.size;
    const least = succeededCount ?? (wanted ? countOfIndexes(wanted) : undefined);
    if (least !== undefined && within >= least) return `Matched rules at index ${at}`;
  }
  return undefined;
}
