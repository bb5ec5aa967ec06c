import { forbiddenField, invalidValue, required, validateImmutableField, type FieldError } from '#libs/apimachinery';
import type { Deployment, DeploymentStrategy, RollingUpdateDeployment } from '../../generated/types.js';
import { nonnegative, unsupported, type Problems } from '../../problems.js';
import { atMostAll, collisions, isNone, numberOrPercent, replicaCounts, selectorAndTemplate } from './workload-validation.js';

function rollingUpdate(into: Problems, path: string, { maxUnavailable, maxSurge }: RollingUpdateDeployment): void {
  numberOrPercent(into, `${path}.maxUnavailable`, maxUnavailable);
  numberOrPercent(into, `${path}.maxSurge`, maxSurge);
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    into.push(invalidValue(`${path}.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
  }
  atMostAll(into, `${path}.maxUnavailable`, maxUnavailable);
}

function strategy(into: Problems, path: string, { type = '', rollingUpdate: rolling }: DeploymentStrategy): void {
  if (type === 'Recreate') {
    if (rolling) into.push(forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"));
  } else if (type !== 'RollingUpdate') into.push(unsupported(`${path}.type`, type, ['Recreate', 'RollingUpdate']));
  else if (!rolling) into.push(required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil'));
  else rollingUpdate(into, `${path}.rollingUpdate`, rolling);
}

/** Every problem of a new deployment. */
export function validateDeployment({ spec }: Deployment): readonly FieldError[] {
  const into: Problems = [];
  nonnegative(into, 'spec.replicas', spec?.replicas);
  selectorAndTemplate(into, 'spec', spec?.selector, spec?.template);
  strategy(into, 'spec.strategy', spec?.strategy ?? {});
  nonnegative(into, 'spec.minReadySeconds', spec?.minReadySeconds);
  nonnegative(into, 'spec.revisionHistoryLimit', spec?.revisionHistoryLimit);
  const deadline = spec?.progressDeadlineSeconds;
  nonnegative(into, 'spec.progressDeadlineSeconds', deadline);
  if (deadline !== undefined && deadline <= (spec?.minReadySeconds ?? 0)) {
    into.push(invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return into;
}

/** Every problem of a change of a deployment: its selector never moves. */
export const validateDeploymentUpdate = (next: Deployment, old: Deployment): readonly FieldError[] => [
  ...validateDeployment(next),
  ...validateImmutableField(next.spec?.selector, old.spec?.selector, 'spec.selector'),
];

/** Every problem of a deployment's counts. */
export function validateDeploymentStatus({ status = {} }: Deployment, old: Deployment): readonly FieldError[] {
  const into: Problems = [];
  const { observedGeneration, unavailableReplicas, collisionCount, terminatingReplicas } = status;
  replicaCounts(into, status, { observedGeneration, unavailableReplicas, collisionCount, terminatingReplicas });
  collisions(into, collisionCount, old.status?.collisionCount);
  return into;
}
