import { deepEqual, duplicate, invalidValue, required, type FieldError } from '#libs/apimachinery';
import type { Job, JobStatus } from '../../generated/types.js';
import { nonnegative, type Problems } from '../../problems.js';
import { IndexesError, overlapOf, parseIndexes, type IndexInterval } from './indexes.js';
import { hasJobCondition, isIndexedJob, isJobFinished } from './job-conditions.js';

const CONDITIONS = 'status.conditions';

/** A problem with something that is not shown. */
const wrong = (field: string, detail: string): FieldError => ({ reason: 'FieldValueInvalid', message: `Invalid value: ${detail}`, field });

function uncounted(into: Problems, { uncountedTerminatedPods: pods }: JobStatus): void {
  const seen = new Set<string>();
  for (const member of ['succeeded', 'failed'] as const) {
    for (const [index, uid] of (pods?.[member] ?? []).entries()) {
      const field = `status.uncountedTerminatedPods.${member}[${index}]`;
      if (uid === '') into.push(invalidValue(field, uid, 'must not be empty'));
      else if (seen.has(uid)) into.push(duplicate(field, uid));
      seen.add(uid);
    }
  }
}

/** The members of a status whose rules count only where one of them moves: what is old and wrong can't block all else. */
type Moved = (...members: readonly (keyof JobStatus)[]) => boolean;

function together(into: Problems, status: JobStatus): void {
  const holds = (type: string): boolean => hasJobCondition(status, type);
  const [complete, failed] = [holds('Complete'), holds('Failed')];
  if (complete && failed) into.push(wrong(CONDITIONS, 'cannot set Complete=True and Failed=true conditions'));
  if (complete && holds('FailureTarget')) into.push(wrong(CONDITIONS, 'cannot set Complete=True and FailureTarget=true conditions'));
  if (failed && !holds('FailureTarget')) {
    into.push(wrong(CONDITIONS, 'cannot set Failed=True condition without the FailureTarget=true condition'));
  }
  if (complete && !holds('SuccessCriteriaMet')) {
    into.push(wrong(CONDITIONS, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'));
  }
}

function times(into: Problems, { status = {}, spec }: Job, old: Job, moved: Moved): void {
  const { startTime, completionTime } = status;
  const complete = hasJobCondition(status, 'Complete');
  if (moved('conditions', 'completionTime')) {
    if (completionTime !== undefined && !complete) {
      into.push(
        invalidValue('status.completionTime', completionTime, 'cannot set completionTime when there is no Complete=True condition'),
      );
    }
    if (completionTime === undefined && complete) {
      into.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
    }
  }
  if (startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    if (moved('startTime', 'completionTime')) {
      into.push(invalidValue('status.completionTime', completionTime, 'must be equal to or after `startTime`'));
    }
  }
  const { completionTime: ended, startTime: started } = old.status ?? {};
  if (completionTime !== undefined && ended !== undefined && completionTime !== ended) {
    into.push(invalidValue('status.completionTime', completionTime, 'field is immutable'));
  }
  if (started !== undefined && started !== startTime && spec?.suspend !== true) {
    into.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
}

function finished(into: Problems, job: Job, moved: Moved): void {
  const { active = 0, terminating = 0, ready = 0, startTime, uncountedTerminatedPods: pods } = job.status ?? {};
  if (moved('ready', 'active') && ready > active) {
    into.push(invalidValue('status.ready', ready, 'cannot set more ready pods than active'));
  }
  if (!isJobFinished(job)) return;
  if (moved('conditions', 'active') && active > 0) {
    into.push(invalidValue('status.active', active, 'active>0 is invalid for finished job'));
  }
  const neverRan = job.spec?.suspend === true && job.spec.completions === 0;
  if (moved('conditions', 'startTime') && startTime === undefined && !neverRan) {
    into.push(required('status.startTime', 'startTime is required for finished job'));
  }
  if (moved('conditions', 'uncountedTerminatedPods') && (pods?.failed?.length ?? 0) + (pods?.succeeded?.length ?? 0) > 0) {
    into.push(invalidValue('status.uncountedTerminatedPods', pods, 'must be empty for finished job'));
  }
  if (moved('conditions', 'terminating') && terminating > 0) {
    into.push(invalidValue('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
}

function intervals(into: Problems, name: string, text: string, completions: number): readonly IndexInterval[] {
  try {
    return parseIndexes(text, completions);
  } catch (error) {
    if (!(error instanceof IndexesError)) throw error;
    into.push(invalidValue(`status.${name}`, text, `error parsing ${name}: ${error.message}`));
    return [];
  }
}

function indexes(into: Problems, job: Job, moved: Moved): void {
  if (!moved('completedIndexes', 'failedIndexes')) return;
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const completions = job.spec?.completions;
  if (completedIndexes !== '' && !isIndexedJob(job)) {
    const rule = 'cannot set non-empty completedIndexes when non-indexed completion mode';
    into.push(invalidValue('status.completedIndexes', completedIndexes, rule));
  }
  if (failedIndexes !== undefined && job.spec?.backoffLimitPerIndex === undefined) {
    const rule = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
    into.push(invalidValue('status.failedIndexes', failedIndexes, rule));
  }
  if (completions === undefined) return;
  const done = intervals(into, 'completedIndexes', completedIndexes, completions);
  if (failedIndexes === undefined) return;
  const both = overlapOf(done, intervals(into, 'failedIndexes', failedIndexes, completions));
  if (both !== undefined) {
    into.push(invalidValue('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${both}`));
  }
}

function backwards(into: Problems, { status, spec }: Job, old: Job): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (hasJobCondition(old.status, type) && !hasJobCondition(status, type)) {
      into.push(wrong(CONDITIONS, `cannot disable the terminal ${type}=True condition`));
    }
  }
  const { failed = 0, succeeded = 0 } = status ?? {};
  if (failed < (old.status?.failed ?? 0)) into.push(invalidValue('status.failed', failed, 'cannot decrease the failed counter'));
  // Completions and parallelism of an Indexed Job may be lowered together: what lies above no longer counts.
  const shrinkable = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  if (!shrinkable && succeeded < (old.status?.succeeded ?? 0)) {
    into.push(invalidValue('status.succeeded', succeeded, 'cannot decrease the succeeded counter'));
  }
}

function success(into: Problems, { status, spec }: Job, old: Job): void {
  const met = hasJobCondition(status, 'SuccessCriteriaMet');
  if (met && hasJobCondition(status, 'Failed')) {
    into.push(wrong(CONDITIONS, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'));
  }
  if (met && hasJobCondition(status, 'FailureTarget')) {
    into.push(wrong(CONDITIONS, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'));
  }
  if (spec?.successPolicy && !met && hasJobCondition(status, 'Complete')) {
    into.push(wrong(CONDITIONS, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'));
  }
  const before = hasJobCondition(old.status, 'SuccessCriteriaMet');
  if (before && !met) into.push(wrong(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'));
  if (hasJobCondition(old.status, 'Complete') && !before && met) {
    into.push(wrong(CONDITIONS, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  }
}

/** Every problem of a change of a Job's status: it goes one way, and says one thing. */
export function validateJobStatus(job: Job, old: Job): readonly FieldError[] {
  const into: Problems = [];
  const { status = {} } = job;
  const moved: Moved = (...members) => members.some((member) => !deepEqual(status[member], old.status?.[member]));
  for (const name of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) nonnegative(into, `status.${name}`, status[name]);
  uncounted(into, status);
  if (moved('conditions')) together(into, status);
  times(into, job, old, moved);
  finished(into, job, moved);
  indexes(into, job, moved);
  success(into, job, old);
  backwards(into, job, old);
  return into;
}
