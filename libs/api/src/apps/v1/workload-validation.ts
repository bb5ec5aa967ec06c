import { forbiddenField, invalidValue, isValidPercent, labelSelectorOf, required, validateLabelSelector } from '#libs/apimachinery';
import { podTemplate } from '../../core/v1/pod-validation.js';
import type { LabelSelector, PodTemplateSpec } from '../../generated/types.js';
import { judge, nonnegative, unsupported, type Problems } from '../../problems.js';

/** A number or percentage that is not below zero and, as a percentage, not above 100. */
export function numberOrPercent(into: Problems, field: string, value: number | string | undefined): void {
  if (typeof value === 'number') nonnegative(into, field, value);
  else if (value !== undefined) judge(into, field, value, isValidPercent);
}

/** A percentage is not above 100. */
export function atMostAll(into: Problems, field: string, value: number | string | undefined): void {
  if (typeof value === 'string' && isValidPercent(value).length === 0 && parseInt(value, 10) > 100) {
    into.push(invalidValue(field, value, 'must not be greater than 100%'));
  }
}

/** Whether a number or percentage comes to nothing. */
export const isNone = (value: number | string | undefined): boolean => (typeof value === 'string' ? /^0+%$/.test(value) : !value);

/** A count of names that were taken only grows. */
export function collisions(into: Problems, next: number | undefined, old: number | undefined): void {
  if (old !== undefined && (next ?? -1) < old) into.push(invalidValue('status.collisionCount', next ?? 0, 'cannot be decremented'));
}

/** The pods of a workload are meant to run for ever. */
export function restartsAlways(into: Problems, path: string, template: PodTemplateSpec | undefined, kind: string): void {
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== 'Always') into.push(unsupported(`${path}.restartPolicy`, restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined) {
    into.push(forbiddenField(`${path}.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
  }
}

/** The selector of a workload and the template that has to fit it. */
export function selectorAndTemplate(
  into: Problems,
  path: string,
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
): void {
  const field = `${path}.selector`;
  const problems = validateLabelSelector(selector, field);
  if (!selector) into.push(required(field));
  else {
    into.push(...problems);
    if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0) {
      into.push(invalidValue(field, selector, 'empty selector is invalid for deployment'));
    }
  }
  const labels = template?.metadata?.labels ?? {};
  if (problems.length > 0) return void into.push(invalidValue(field, selector, 'invalid label selector'));
  if (!labelSelectorOf(selector).matches(labels)) {
    into.push(invalidValue(`${path}.template.metadata.labels`, template?.metadata?.labels, '`selector` does not match template `labels`'));
  }
  podTemplate(into, `${path}.template`, template ?? {});
  restartsAlways(into, `${path}.template.spec`, template, 'ReplicaSet');
}

/** What the counts of a workload's status have in common. */
export interface ReplicaCounts {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly updatedReplicas?: number;
  readonly fullyLabeledReplicas?: number;
}

const PARTS = ['updatedReplicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

/** Counts are not below zero, and none is above all. */
export function replicaCounts(into: Problems, status: ReplicaCounts, others: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(others)) nonnegative(into, `status.${name}`, value);
  for (const name of ['replicas', ...PARTS] as const) nonnegative(into, `status.${name}`, status[name]);
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  for (const name of PARTS) {
    const count = status[name] ?? 0;
    if (count > replicas) into.push(invalidValue(`status.${name}`, count, 'cannot be greater than status.replicas'));
  }
  if (availableReplicas > readyReplicas) {
    into.push(invalidValue('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas'));
  }
}
