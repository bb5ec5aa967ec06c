import {
  invalidValue,
  labelSelectorOf,
  required,
  validateImmutableField,
  validateLabelSelector,
  type FieldError,
} from '#libs/apimachinery';
import { podTemplate } from '../../core/v1/pod-validation.js';
import type { DaemonSet, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '../../generated/types.js';
import { nonnegative, unsupported, type Problems } from '../../problems.js';
import { atMostAll, collisions, isNone, numberOrPercent, restartsAlways } from './workload-validation.js';

function rollingUpdate(into: Problems, path: string, { maxUnavailable, maxSurge }: RollingUpdateDaemonSet): void {
  numberOrPercent(into, `${path}.maxUnavailable`, maxUnavailable);
  numberOrPercent(into, `${path}.maxSurge`, maxSurge);
  atMostAll(into, `${path}.maxUnavailable`, maxUnavailable);
  atMostAll(into, `${path}.maxSurge`, maxSurge);
  if (isNone(maxUnavailable) && isNone(maxSurge)) into.push(required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  else if (!isNone(maxUnavailable) && !isNone(maxSurge)) {
    into.push(invalidValue(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
}

function updateStrategy(into: Problems, path: string, strategy: DaemonSetUpdateStrategy): void {
  if (strategy.type === 'OnDelete') return;
  if (strategy.type !== 'RollingUpdate') into.push(unsupported(path, strategy, ['RollingUpdate', 'OnDelete']));
  else if (!strategy.rollingUpdate) into.push(required(`${path}.rollingUpdate`));
  else rollingUpdate(into, `${path}.rollingUpdate`, strategy.rollingUpdate);
}

/** Every problem of a new DaemonSet. */
export function validateDaemonSet({ spec }: DaemonSet): readonly FieldError[] {
  const into: Problems = [];
  const { selector, template = {} } = spec ?? {};
  const problems = validateLabelSelector(selector, 'spec.selector');
  into.push(...problems);
  const labels = template.metadata?.labels;
  if (problems.length === 0 && !labelSelectorOf(selector).matches(labels ?? {})) {
    into.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  if (selector && Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0) {
    into.push(invalidValue('spec.selector', selector, 'empty selector is invalid for daemonset'));
  }
  podTemplate(into, 'spec.template', template);
  restartsAlways(into, 'spec.template.spec', template, 'DaemonSet');
  nonnegative(into, 'spec.minReadySeconds', spec?.minReadySeconds);
  updateStrategy(into, 'spec.updateStrategy', spec?.updateStrategy ?? {});
  nonnegative(into, 'spec.revisionHistoryLimit', spec?.revisionHistoryLimit);
  return into;
}

/** Every problem of a change of a DaemonSet: its selector never moves. */
export const validateDaemonSetUpdate = (next: DaemonSet, old: DaemonSet): readonly FieldError[] => [
  ...validateImmutableField(next.spec?.selector, old.spec?.selector, 'spec.selector'),
  ...validateDaemonSet(next),
];

const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const;

/** Every problem of a DaemonSet's counts. */
export function validateDaemonSetStatus({ status }: DaemonSet, old: DaemonSet): readonly FieldError[] {
  const into: Problems = [];
  for (const name of COUNTS) nonnegative(into, `status.${name}`, status?.[name]);
  collisions(into, status?.collisionCount, old.status?.collisionCount);
  return into;
}
