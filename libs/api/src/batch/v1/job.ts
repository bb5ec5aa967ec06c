import { humanDuration, parseTime, type Instant } from '#libs/apimachinery';
import { AGE, NAME, column, listed, selectorText, wideColumn } from '../../columns.js';
import { templateDefaults } from '../../core/v1/pod-defaults.js';
import { nameWarning, specWarnings } from '../../core/v1/pod-warnings.js';
import { each, fill, within } from '../../defaulting.js';
import type { Job, JobSpec, PodFailurePolicyRule } from '../../generated/types.js';
import { kindOf } from '../../kind.js';
import { JOBS } from '../../resources.js';
import { standardStrategy, withGeneration, withStatusOf } from '../../strategy.js';
import { statusOf } from '../../verbs.js';
import { hasJobCondition, JOB_CONTROLLER_UID, JOB_NAME } from './job-conditions.js';
import { validateJobStatus } from './job-status-validation.js';
import { MANY_COMPLETIONS, validateJob, validateJobUpdate } from './job-validation.js';

const MOST_INT32 = 2 ** 31 - 1;
const BACKOFF_LIMIT = 6;
const MANY_AT_A_TIME = 10_000;

const ruleDefaults = (rule: PodFailurePolicyRule): PodFailurePolicyRule =>
  within(rule, 'onPodConditions', (patterns) => each(patterns, (pattern) => (pattern.status ? pattern : { ...pattern, status: 'True' })));

function specDefaults(sent: JobSpec): JobSpec {
  const alone = sent.completions === undefined && sent.parallelism === undefined ? { completions: 1 } : {};
  const spec = fill(sent, {
    ...alone,
    parallelism: 1,
    backoffLimit: sent.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : MOST_INT32,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: sent.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
  });
  const ruled = within(spec, 'podFailurePolicy', (policy) => within(policy, 'rules', (rules) => each(rules, ruleDefaults)));
  return within(ruled, 'template', templateDefaults);
}

/** Labels come from the template where a Job has none: as sent, and with those that are generated. */
function withLabels(job: Job): Job {
  const labels = job.spec?.template.metadata?.labels;
  if (labels === undefined || Object.keys(job.metadata.labels ?? {}).length > 0) return job;
  return { ...job, metadata: { ...job.metadata, labels } };
}

const sorted = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Labels and selector that tell the Job's pods from all others; where the user has set one of them, validation judges it. */
function withSelector(job: Job): Job {
  const { spec, metadata } = job;
  if (!spec || spec.manualSelector === true) return job;
  const { uid = '', name = '' } = metadata;
  const generated = { [JOB_CONTROLLER_UID]: uid, [JOB_NAME]: name, 'controller-uid': uid, 'job-name': name };
  const { template, selector } = spec;
  const labels = sorted({ ...generated, ...template.metadata?.labels });
  const matchLabels = sorted({ [JOB_CONTROLLER_UID]: uid, ...selector?.matchLabels });
  return {
    ...job,
    spec: { ...spec, selector: { ...selector, matchLabels }, template: { ...template, metadata: { ...template.metadata, labels } } },
  };
}

/** What a client is told of a Job's spec that is allowed and likely not meant, at its path. */
export function* jobWarnings(path: string, spec: JobSpec): Iterable<string> {
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > MANY_COMPLETIONS && (spec.parallelism ?? 0) > MANY_AT_A_TIME) {
    const sizes = 'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4';
    yield `${path}: ${sizes}, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`;
  }
  if (spec.template.spec) yield* specWarnings(`${path}.template.spec`, spec.template.spec);
}

function warnings({ metadata, spec }: Job, old: Job | undefined): readonly string[] {
  if (old) return [];
  return [...nameWarning(metadata.name, 'Pod names and hostnames'), ...(spec ? jobWarnings('spec', spec) : [])];
}

function completions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  return (spec?.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec?.parallelism}` : `${succeeded}/1`;
}

function duration({ status }: Job, now: Instant): string {
  const started = parseTime(status?.startTime);
  return started === undefined ? '' : humanDuration((parseTime(status?.completionTime) ?? now) - started);
}

const ORPHANED =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or ' +
  'set propagationPolicy=Orphan to suppress this warning';

const STATES = ['Complete', 'Failed'];
const LESSER_STATES = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'];

function state({ metadata, status }: Job): string {
  const among = (types: readonly string[]): string | undefined => types.find((type) => hasJobCondition(status, type));
  return among(STATES) ?? (metadata.deletionTimestamp ? 'Terminating' : (among(LESSER_STATES) ?? 'Running'));
}

export const jobs = kindOf<Job>(JOBS, 'Job', {
  scope: 'Namespaced',
  categories: ['all'],
  orphansDependents: { warning: ORPHANED },
  subresources: [statusOf('Job')],
  fields: { 'status.successful': ({ status }) => `${status?.succeeded ?? 0}` },
  strategy: standardStrategy<Job>({
    defaults: (job) => withLabels(within(job, 'spec', specDefaults)),
    prepareForCreate: (job) => withGeneration(withLabels(withSelector({ ...job, status: {} }))),
    prepareForUpdate: (next, old) => withGeneration(withStatusOf(next, old), old),
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatusUpdate: validateJobStatus,
    warnings,
  }),
  columns: [
    NAME,
    column('Status', state),
    column('Completions', completions),
    column('Duration', duration),
    AGE,
    wideColumn('Containers', ({ spec }) => listed(spec?.template.spec?.containers, 'name')),
    wideColumn('Images', ({ spec }) => listed(spec?.template.spec?.containers, 'image')),
    wideColumn('Selector', ({ spec }) => selectorText(spec?.selector) || '<none>'),
  ],
});
