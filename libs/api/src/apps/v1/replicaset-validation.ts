import { validateImmutableField, type FieldError } from '#libs/apimachinery';
import type { ReplicaSet } from '../../generated/types.js';
import { nonnegative, type Problems } from '../../problems.js';
import { replicaCounts, selectorAndTemplate } from './workload-validation.js';

/** Every problem of a new replica set. */
export function validateReplicaSet({ spec }: ReplicaSet): readonly FieldError[] {
  const into: Problems = [];
  nonnegative(into, 'spec.replicas', spec?.replicas);
  nonnegative(into, 'spec.minReadySeconds', spec?.minReadySeconds);
  selectorAndTemplate(into, 'spec', spec?.selector, spec?.template);
  return into;
}

/** Every problem of a change of a replica set: its selector never moves. */
export const validateReplicaSetUpdate = (next: ReplicaSet, old: ReplicaSet): readonly FieldError[] => [
  ...validateReplicaSet(next),
  ...validateImmutableField(next.spec?.selector, old.spec?.selector, 'spec.selector'),
];

/** Every problem of a replica set's counts. */
export function validateReplicaSetStatus({ status }: ReplicaSet): readonly FieldError[] {
  const into: Problems = [];
  if (status)
    replicaCounts(into, status, { observedGeneration: status.observedGeneration, terminatingReplicas: status.terminatingReplicas });
  return into;
}
