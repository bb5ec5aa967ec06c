import {
  CRONJOBS,
  hasJobCondition,
  isJobFinished,
  JOBS,
  tell,
  zonedTime,
  type CronJob,
  type CronJobStatus,
  type Job,
  type ObjectReference,
} from '#libs/api';
import { deepEqual, formatTime, parseTime, type Change, type Instant, type Reconcile, type Refusal } from '#libs/apimachinery';
import { byCreation } from '../ordering.js';
import { controllerReference } from '../ownership.js';
import { isEnding } from '../refusals.js';
import { dueTime, timetableOf, untilNext, type Timetable } from './schedule.js';

const COMPONENT = 'cronjob-controller';
/** The time for which a Job runs, as the clocks of its CronJob's zone show it. */
const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronJobSnapshot {
  readonly cronJob: CronJob;
  /** The Jobs this CronJob controls, whoever made them. */
  readonly jobs: readonly Job[];
}

type Kind = 'Normal' | 'Warning';
const telling = (cronJob: CronJob, type: Kind, reason: string, message: string, now: Instant): Change =>
  tell(COMPONENT, { about: cronJob, type, reason, message }, now);

/** Starts a Job at each time of a CronJob's schedule, keeps account of them, and deletes those that are too many. */
export const reconcileCronJob: Reconcile<CronJobSnapshot> = ({ cronJob, jobs }, now) => {
  const account = accounted(cronJob, jobs, now);
  const cleaning = cleaned(cronJob, jobs, now);
  const run = started(cronJob, jobs, account.status, now);
  const status = { ...account.status, ...run.status };
  const object: CronJob = { ...cronJob, status };
  const same = deepEqual(status, cronJob.status ?? {});
  const report: readonly Change[] = same ? [] : [{ verb: 'update', resource: CRONJOBS, subresource: 'status', object }];
  // A Job that is refused ends the decision: its time counts as run only where it was made.
  const changes = [...account.tellings, ...cleaning, ...run.changes, ...report];
  return run.requeueAfterMs === undefined ? { changes } : { changes, requeueAfterMs: run.requeueAfterMs };
};

/** Says on the CronJob that its Job could not be made. */
export function refuseCronJob({ cronJob }: CronJobSnapshot, refusals: readonly Refusal[], now: Instant): readonly Change[] {
  const refusal = refusals.find(({ change }) => change.verb === 'create' && change.resource.resource === JOBS.resource);
  if (!refusal || isEnding(refusal)) return [];
  return [telling(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${refusal.message}`, now)];
}

const jobName = ({ metadata }: CronJob, at: Instant): string => `${metadata.name ?? ''}-${Math.floor(at / 60_000)}`;

/** The time for which the CronJob started a Job; undefined for one that somebody else made. */
function scheduledFor(cronJob: CronJob, { metadata }: Job): Instant | undefined {
  const at = parseTime(metadata.annotations?.[SCHEDULED]);
  return at !== undefined && metadata.name === jobName(cronJob, at) ? at : undefined;
}

const referenceTo = ({ metadata }: Job): ObjectReference => ({
  kind: 'Job',
  namespace: metadata.namespace ?? '',
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  apiVersion: 'batch/v1',
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
});

interface Account {
  readonly status: CronJobStatus;
  readonly tellings: readonly Change[];
}

/** Which Jobs run, and when one last succeeded: what has ended or is gone leaves the list. */
function accounted(cronJob: CronJob, jobs: readonly Job[], now: Instant): Account {
  const { active: before = [], lastScheduleTime, lastSuccessfulTime } = cronJob.status ?? {};
  const tellings: Change[] = [];
  const byUid = new Map(jobs.map((job) => [job.metadata.uid ?? '', job]));
  const active = before.filter(({ uid = '', name = '' }) => {
    const job = byUid.get(uid);
    if (!job) tellings.push(telling(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`, now));
    else if (isJobFinished(job)) {
      const how = hasJobCondition(job.status, 'Complete') ? 'Complete' : 'Failed';
      tellings.push(telling(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${how}`, now));
    } else return true;
    return false;
  });
  for (const job of [...jobs].sort(byCreation)) {
    if (isJobFinished(job) || before.some(({ uid }) => uid === job.metadata.uid)) continue;
    if (scheduledFor(cronJob, job) !== undefined) active.push(referenceTo(job));
    else {
      const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name ?? ''}`;
      tellings.push(telling(cronJob, 'Warning', 'UnexpectedJob', message, now));
    }
  }
  const successes = jobs
    .filter(({ status }) => hasJobCondition(status, 'Complete'))
    .map(({ status }) => parseTime(status?.completionTime))
    .filter((at) => at !== undefined);
  const latest = Math.max(parseTime(lastSuccessfulTime) ?? 0, ...successes);
  const status: CronJobStatus = {
    ...(active.length > 0 ? { active } : {}),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(latest > 0 ? { lastSuccessfulTime: formatTime(latest) } : {}),
  };
  return { status, tellings };
}

function deletionOf(cronJob: CronJob, { metadata }: Pick<Job, 'metadata'>, now: Instant): readonly Change[] {
  const { name = '', namespace = '', uid } = metadata;
  return [
    {
      verb: 'delete',
      resource: JOBS,
      namespace,
      name,
      propagationPolicy: 'Background',
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    },
    telling(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`, now),
  ];
}

/** The oldest of those that ended one way, past so many as are kept. */
function tooOld(jobs: readonly Job[], condition: string, kept: number | undefined): readonly Job[] {
  if (kept === undefined) return [];
  const ended = jobs.filter(({ status }) => hasJobCondition(status, condition));
  const started = ({ status }: Job): number => parseTime(status?.startTime) ?? Infinity;
  return [...ended].sort((a, b) => started(a) - started(b) || byCreation(a, b)).slice(0, Math.max(0, ended.length - kept));
}

function cleaned(cronJob: CronJob, jobs: readonly Job[], now: Instant): readonly Change[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
  const doomed = [...tooOld(jobs, 'Complete', successfulJobsHistoryLimit), ...tooOld(jobs, 'Failed', failedJobsHistoryLimit)];
  return doomed.filter(({ metadata }) => metadata.deletionTimestamp === undefined).flatMap((job) => deletionOf(cronJob, job, now));
}

interface Run {
  readonly changes: readonly Change[];
  readonly status?: Pick<CronJobStatus, 'lastScheduleTime'>;
  readonly requeueAfterMs?: number;
}

function jobFor(cronJob: CronJob, at: Instant, { zone }: Timetable): Job {
  const { metadata = {}, spec } = cronJob.spec?.jobTemplate ?? {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, at),
      namespace: cronJob.metadata.namespace ?? '',
      ...(metadata.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata.annotations, [SCHEDULED]: zonedTime(zone, at) },
      ownerReferences: [controllerReference(cronJob)],
    },
    ...(spec ? { spec } : {}),
  };
}

/** RFC 1123 with a numeric zone, as Go writes it. */
const rfc1123 = (at: Instant): string => new Date(at).toUTCString().replace('GMT', '+0000');

/** What the time that has come asks for. */
function started(cronJob: CronJob, jobs: readonly Job[], { active = [] }: CronJobStatus, now: Instant): Run {
  if (cronJob.metadata.deletionTimestamp !== undefined) return { changes: [] };
  if (cronJob.spec?.suspend === true) return { changes: [] };
  const timetable = timetableOf(cronJob);
  if ('reason' in timetable) return { changes: [telling(cronJob, 'Warning', timetable.reason, timetable.message, now)] };
  const wait = untilNext(cronJob, timetable, now);
  const later = wait === undefined ? {} : { requeueAfterMs: wait };
  const { at, many } = dueTime(cronJob, timetable, now);
  if (at === undefined) return { changes: [], ...later };
  const tellings: Change[] = [];
  if (many) {
    const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    tellings.push(telling(cronJob, 'Warning', 'TooManyMissedTimes', `too many missed start times. ${advice}`, now));
  }
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec ?? {};
  if (startingDeadlineSeconds !== undefined && at + startingDeadlineSeconds * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${rfc1123(at)}`;
    return { changes: [...tellings, telling(cronJob, 'Warning', 'MissSchedule', message, now)], ...later };
  }
  const done = parseTime(cronJob.status?.lastScheduleTime) === at || jobs.some(({ metadata }) => metadata.name === jobName(cronJob, at));
  if (done) return { changes: tellings, ...later };
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { changes: [...tellings, telling(cronJob, 'Normal', 'JobAlreadyActive', message, now)], ...later };
  }
  const replaced =
    concurrencyPolicy === 'Replace'
      ? jobs.filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid)).flatMap((job) => deletionOf(cronJob, job, now))
      : [];
  const object = jobFor(cronJob, at, timetable);
  const message = `Created job ${object.metadata.name ?? ''}`;
  const create: readonly Change[] = [
    { verb: 'create', resource: JOBS, object },
    telling(cronJob, 'Normal', 'SuccessfulCreate', message, now),
  ];
  return { changes: [...tellings, ...replaced, ...create], status: { lastScheduleTime: formatTime(at) }, ...later };
}
