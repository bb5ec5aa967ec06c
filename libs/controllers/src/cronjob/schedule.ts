import { CronScheduleError, isTimeZone, nextScheduleTime, parseCronSchedule, type CronJob, type CronSchedule } from '#libs/api';
import { parseTime, type Instant } from '#libs/apimachinery';

/** Past so many missed times a user is told. */
const MANY = 100;
/** Most times looked at between one that was missed and now. */
const MOST_STEPS = 100_000;
/** Upstream looks again a moment after the time has come, not before. */
const DELTA_MS = 100;

/** A CronJob's schedule by the clocks of its zone. */
export interface Timetable {
  readonly schedule: CronSchedule;
  readonly zone: string;
}

/** Why a CronJob has no times, as a Kubernetes Event says it. */
export interface Unreadable {
  readonly reason: string;
  readonly message: string;
}

/** The timetable of a CronJob, or why it has none. */
export function timetableOf({ spec }: CronJob): Timetable | Unreadable {
  const { schedule = '', timeZone } = spec ?? {};
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    return { reason: 'UnknownTimeZone', message: `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}` };
  }
  try {
    return { schedule: parseCronSchedule(schedule), zone: timeZone ?? 'UTC' };
  } catch (error) {
    if (!(error instanceof CronScheduleError)) throw error;
    return { reason: 'UnparseableCronJobSchedule', message: `unparseable schedule: "${schedule}" : ${error.message}` };
  }
}

/** What has been missed since a CronJob last ran. */
interface Missed {
  /** Since when times count. */
  readonly earliest: Instant;
  /** The last time that has come; undefined where none has. */
  readonly latest: Instant | undefined;
  readonly count: number;
}

function missed({ metadata, spec, status }: CronJob, { schedule, zone }: Timetable, now: Instant, withDeadline: boolean): Missed {
  const since = parseTime(status?.lastScheduleTime) ?? parseTime(metadata.creationTimestamp) ?? now;
  const deadline = withDeadline ? spec?.startingDeadlineSeconds : undefined;
  const earliest = deadline === undefined ? since : Math.max(since, now - deadline * 1000);
  const first = nextScheduleTime(schedule, earliest, zone);
  if (first === undefined || now < first) return { earliest, latest: undefined, count: 0 };
  const second = nextScheduleTime(schedule, first, zone);
  if (second === undefined || now < second) return { earliest, latest: first, count: 0 };
  // How many there were is estimated by the distance of the first two; the last of them is then looked for.
  const distance = second - first;
  const count = Math.floor((now - first) / distance) + 1;
  let latest: Instant | undefined;
  let at = nextScheduleTime(schedule, first + (count - 2) * distance, zone);
  for (let steps = 0; at !== undefined && at <= now && steps < MOST_STEPS; steps++) {
    latest = at;
    at = nextScheduleTime(schedule, at, zone);
  }
  return { earliest, latest, count };
}

/** The time for which a CronJob is to run now; undefined where none has come since it last did. */
export const dueTime = (
  cronJob: CronJob,
  timetable: Timetable,
  now: Instant,
): { readonly at: Instant | undefined; readonly many: boolean } => {
  const { latest, count } = missed(cronJob, timetable, now, true);
  return { at: latest, many: latest !== undefined && count > MANY };
};

/** How long until a CronJob's next time. */
export function untilNext(cronJob: CronJob, timetable: Timetable, now: Instant): number | undefined {
  const { earliest, latest, count } = missed(cronJob, timetable, now, false);
  const from = latest ?? (count === 0 ? earliest : now);
  const next = nextScheduleTime(timetable.schedule, from, timetable.zone);
  return next === undefined ? undefined : Math.max(0, next - now) + DELTA_MS;
}
