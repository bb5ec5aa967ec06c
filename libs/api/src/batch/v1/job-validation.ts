import {
  deepEqual,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  labelSelectorOf,
  quoted,
  regexMessage,
  required,
  tooLong,
  validateImmutableField,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { podTemplate } from '../../core/v1/pod-validation.js';
import type { Job, JobSpec, PodTemplateSpec } from '../../generated/types.js';
import { nonnegative, unsupported, type Problems } from '../../problems.js';
import { JOB_CONTROLLER_UID, JOB_NAME } from './job-conditions.js';
import { podFailurePolicy } from './pod-failure-policy.js';
import { successPolicy } from './success-policy.js';
import { templateOfSuspended } from './suspended-template.js';

/** Most pods of an Indexed Job at a time, and most indexes that may fail. */
const MOST_INDEXED = 100_000;
/** Past so many completions the others have lower limits. */
export const MANY_COMPLETIONS = 100_000;
const MOST_WITH_MANY = 10_000;
const LONGEST_MANAGER = 63;
const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const REPLACEMENTS = ['Failed', 'TerminatingOrFailed'];
const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
] as const;

function managedBy(into: Problems, field: string, value: string): void {
  const slash = value.indexOf('/');
  const [host, path] = slash < 0 ? [value, ''] : [value.slice(0, slash), value.slice(slash + 1)];
  if (value === '') into.push(required(field));
  else if (slash < 0 || host === '' || path === '') {
    into.push(invalidValue(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else {
    for (const message of isDns1123Subdomain(host)) into.push(invalidValue(field, host, message));
    if (!new RegExp(`^${PATH}$`).test(path)) into.push(invalidValue(field, path, regexMessage('Invalid path', PATH)));
  }
  if (value.length > LONGEST_MANAGER) into.push(tooLong(field, LONGEST_MANAGER));
}

function manyCompletions(into: Problems, path: string, { parallelism, maxFailedIndexes }: JobSpec): void {
  const most = `must be less than or equal to ${MOST_WITH_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) {
    into.push(required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${MANY_COMPLETIONS}`));
  }
  if ((parallelism ?? 0) > MOST_WITH_MANY) into.push(invalidValue(`${path}.parallelism`, parallelism, most));
  if ((maxFailedIndexes ?? 0) > MOST_WITH_MANY) into.push(invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, most));
}

function indexed(into: Problems, path: string, spec: JobSpec): void {
  const { completions, parallelism = 0, maxFailedIndexes = 0 } = spec;
  if (completions === undefined) into.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (parallelism > MOST_INDEXED) {
    const most = `must be less than or equal to ${MOST_INDEXED} when completion mode is Indexed`;
    into.push(invalidValue(`${path}.parallelism`, parallelism, most));
  }
  if (completions !== undefined && maxFailedIndexes > completions) {
    into.push(invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'));
  }
  if (maxFailedIndexes > MOST_INDEXED) {
    into.push(invalidValue(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${MOST_INDEXED}`));
  }
  if ((completions ?? 0) > MANY_COMPLETIONS && spec.backoffLimitPerIndex !== undefined) manyCompletions(into, path, spec);
}

function completionMode(into: Problems, path: string, spec: JobSpec): void {
  const { completionMode: mode } = spec;
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') {
    into.push(unsupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  }
  if (mode === 'Indexed') indexed(into, path, spec);
  if (mode !== undefined && mode !== 'NonIndexed') return;
  for (const member of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec[member] !== undefined) into.push(invalidValue(`${path}.${member}`, spec[member], 'requires indexed completion mode'));
  }
}

function restartPolicy(into: Problems, field: string, { template, podFailurePolicy: policy }: JobSpec): void {
  const { restartPolicy: restart = '' } = template.spec ?? {};
  if (restart === '' || restart === 'Always') into.push(required(field, 'valid values: "OnFailure", "Never"'));
  else if (restart !== 'OnFailure' && restart !== 'Never') into.push(unsupported(field, restart, ['OnFailure', 'Never']));
  else if (policy && restart !== 'Never') {
    into.push(invalidValue(field, restart, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

function replacement(into: Problems, field: string, { podReplacementPolicy: policy, podFailurePolicy: onFailure }: JobSpec): void {
  const allowed = onFailure ? ['Failed'] : REPLACEMENTS;
  if (policy !== undefined && !allowed.includes(policy)) into.push(unsupported(field, policy, allowed));
}

/** The rules that a Job has in common with a template of Jobs. */
export function jobSpec(into: Problems, path: string, spec: JobSpec): void {
  for (const member of COUNTS) nonnegative(into, `${path}.${member}`, spec[member]);
  if (spec.maxFailedIndexes !== undefined) {
    nonnegative(into, `${path}.maxFailedIndexes`, spec.maxFailedIndexes);
    if (spec.backoffLimitPerIndex === undefined) {
      into.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
    }
  }
  if (spec.managedBy !== undefined) managedBy(into, `${path}.managedBy`, spec.managedBy);
  completionMode(into, path, spec);
  if (spec.podFailurePolicy) podFailurePolicy(into, `${path}.podFailurePolicy`, spec);
  if (spec.successPolicy) successPolicy(into, `${path}.successPolicy`, spec);
  replacement(into, `${path}.podReplacementPolicy`, spec);
  podTemplate(into, `${path}.template`, spec.template);
  restartPolicy(into, `${path}.template.spec.restartPolicy`, spec);
}

function withSelector(into: Problems, spec: JobSpec): void {
  jobSpec(into, 'spec', spec);
  const problems = validateLabelSelector(spec.selector, 'spec.selector');
  if (!spec.selector) into.push(required('spec.selector'));
  else into.push(...problems);
  const labels = spec.template.metadata?.labels;
  if (problems.length === 0 && !labelSelectorOf(spec.selector).matches(labels ?? {})) {
    into.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
}

function hasLabel(into: Problems, template: PodTemplateSpec, key: string, value: string): void {
  const found = template.metadata?.labels?.[key];
  const field = 'spec.template.metadata.labels';
  if (found === undefined) into.push(required(`${field}[${key}]`, `must be ${quoted(value)}`));
  else if (found !== value) into.push(invalidValue(`${field}[${key}]`, template.metadata?.labels, `must be ${quoted(value)}`));
}

/** Where the labels that tell a Job's pods apart are generated, they are the generated ones. */
function generatedSelector(into: Problems, { metadata, spec = EMPTY }: Job): void {
  if (spec.manualSelector === true || !spec.selector) return;
  const { uid = '', name = '' } = metadata;
  if (uid === '') into.push(required('metadata.uid'));
  const labels = { 'controller-uid': uid, 'job-name': name, [JOB_CONTROLLER_UID]: uid, [JOB_NAME]: name };
  for (const [key, value] of Object.entries(labels)) hasLabel(into, spec.template, key, value);
  if (validateLabelSelector(spec.selector, '').length === 0 && !labelSelectorOf(spec.selector).matches(labels)) {
    into.push(invalidValue('spec.selector', spec.selector, '`selector` not auto-generated'));
  }
}

const EMPTY: JobSpec = { template: {} };

/** Every problem of a new Job. */
export function validateJob(job: Job): readonly FieldError[] {
  const into: Problems = [];
  const { metadata, spec = EMPTY } = job;
  generatedSelector(into, job);
  withSelector(into, spec);
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    const host = `${metadata.name ?? ''}-${(spec.completions ?? 0) - 1}`;
    if (isDns1123Label(host).length > 0) {
      into.push(invalidValue('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${host}`));
    }
  }
  return into;
}

const FIXED = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

function completions(next: JobSpec, old: JobSpec): readonly FieldError[] {
  if (next.completionMode !== 'Indexed') return validateImmutableField(next.completions, old.completions, 'spec.completions');
  if (next.completions === undefined || next.completions === old.completions || next.completions === next.parallelism) return [];
  return [invalidValue('spec.completions', next.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** Every problem of a change of a Job: little of it moves, and of a suspended one what its pods are scheduled by. */
export function validateJobUpdate({ spec = EMPTY }: Job, old: Job): readonly FieldError[] {
  const into: Problems = [];
  const before = old.spec ?? EMPTY;
  withSelector(into, spec);
  into.push(...completions(spec, before));
  const template = templateOfSuspended(old, spec.template);
  if (!deepEqual(spec.template, template)) into.push(...validateImmutableField(spec.template, template, 'spec.template'));
  for (const member of FIXED) into.push(...validateImmutableField(spec[member], before[member], `spec.${member}`));
  return into;
}
