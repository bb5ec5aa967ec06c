import { invalidValue, required, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, ago, column, listed, selectorText, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { nameWarning } from '../../core/v1/pod-warnings.js';
import { fill, within } from '../../defaulting.js';
import type { CronJob, CronJobSpec, JobSpec } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { nonnegative, unsupported, type Problems } from '../../problems.js';
import { CRONJOBS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { CronScheduleError, parseCronSchedule } from './cron-schedule.js';
import { jobWarnings } from './job.js';
import { jobSpec } from './job-validation.js';
import { isTimeZone } from './time-zone.js';

const SPEC = { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 } as const;
const CONCURRENCY = ['Allow', 'Forbid', 'Replace'];
/** A Job's name is that of its CronJob with a dash and ten digits, and has at most 63 characters. */
const LONGEST_NAME = 63 - 11;

const specDefaults = (spec: CronJobSpec): CronJobSpec =>
  within(fill(spec, SPEC), 'jobTemplate', (job) => within(job, 'spec', (one) => within(one, 'template', templateDefaults)));

function schedule(into: Problems, { schedule: text = '', timeZone }: CronJobSpec, old: CronJobSpec | undefined): void {
  const field = 'spec.schedule';
  if (text === '') return void into.push(required(field));
  try {
    parseCronSchedule(text);
  } catch (error) {
    if (!(error instanceof CronScheduleError)) throw error;
    into.push(invalidValue(field, text, error.message));
  }
  if (!text.includes('TZ')) return;
  if (!old?.schedule.includes('TZ')) {
    into.push(invalidValue(field, text, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  } else if (timeZone !== undefined) {
    into.push(invalidValue(field, text, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  }
}

function zone(into: Problems, field: string, name: string): void {
  if (name === '') return void into.push(invalidValue(field, name, 'timeZone must be nil or non-empty string'));
  if (name.toLowerCase() === 'local') {
    const rule = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    into.push(invalidValue(field, name, rule));
    if (name === 'Local') return;
  }
  if (!isTimeZone(name)) into.push(invalidValue(field, name, `unknown time zone ${name}`));
}

const NO_JOB: JobSpec = { template: {} };

function template(into: Problems, spec: JobSpec): void {
  const path = 'spec.jobTemplate.spec';
  jobSpec(into, path, spec);
  if (spec.selector) into.push(invalidValue(`${path}.selector`, spec.selector, '`selector` will be auto-generated'));
  if (spec.manualSelector === true) into.push(unsupported(`${path}.manualSelector`, true, ['nil', 'false']));
}

function specProblems({ spec = { schedule: '', jobTemplate: {} } }: CronJob, old: CronJob | undefined): readonly FieldError[] {
  const into: Problems = [];
  schedule(into, spec, old?.spec);
  nonnegative(into, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  if (spec.timeZone !== undefined && spec.timeZone !== old?.spec?.timeZone) zone(into, 'spec.timeZone', spec.timeZone);
  const { concurrencyPolicy = '' } = spec;
  if (concurrencyPolicy === '') into.push(required('spec.concurrencyPolicy'));
  else if (!CONCURRENCY.includes(concurrencyPolicy)) into.push(unsupported('spec.concurrencyPolicy', concurrencyPolicy, CONCURRENCY));
  template(into, spec.jobTemplate.spec ?? NO_JOB);
  nonnegative(into, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  nonnegative(into, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  return into;
}

function validate(cronJob: CronJob): readonly FieldError[] {
  const { name = '' } = cronJob.metadata;
  const problems = specProblems(cronJob, undefined);
  if (name.length <= LONGEST_NAME) return problems;
  return [...problems, invalidValue('metadata.name', name, `must be no more than ${LONGEST_NAME} bytes`)];
}

function warnings({ metadata, spec }: CronJob, old: CronJob | undefined): readonly string[] {
  const zoned = spec?.schedule.includes('TZ') ? ['cannot use TZ or CRON_TZ in spec.schedule, use timeZone instead'] : [];
  const changed = old === undefined || old.metadata.generation !== metadata.generation;
  const job = spec?.jobTemplate.spec;
  return [
    ...(old ? [] : nameWarning(metadata.name, 'Pod names and hostnames')),
    ...(changed && job ? jobWarnings('spec.jobTemplate.spec', job) : []),
    ...(changed ? zoned : []),
  ];
}

const suspended = ({ spec }: CronJob): string => (spec?.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False');

export const cronjobs = kindOf<CronJob>(CRONJOBS, 'CronJob', {
  scope: 'Namespaced',
  shortNames: ['cj'],
  categories: ['all'],
  subresources: [statusOf('CronJob')],
  strategy: standardStrategy<CronJob>({
    defaults: (object) => within(object, 'spec', specDefaults),
    prepareForCreate: (object) => withGeneration({ ...object, status: {} }),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate,
    validateUpdate: specProblems,
    warnings,
  }),
  columns: [
    NAME,
    column('Schedule', ({ spec }) => spec?.schedule ?? ''),
    column('Timezone', ({ spec }) => spec?.timeZone ?? '<none>'),
    column('Suspend', suspended),
    column('Active', ({ status }) => status?.active?.length ?? 0, 'integer'),
    column('Last Schedule', ({ status }, now) => (status?.lastScheduleTime ? ago(status.lastScheduleTime, now) : '<none>')),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.jobTemplate.spec?.template.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.jobTemplate.spec?.template.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => selectorText(spec?.jobTemplate.spec?.selector) || '<none>'),
  ],
});
