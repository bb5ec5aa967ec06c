import { forbiddenField, invalidValue, type FieldError } from '#libs/apimachinery';
import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Lease } from '../../generated/types.js';
import { nonnegative, type Problems } from '../../problems.js';
import { LEASES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

/** Every problem of a lease. */
function validate({ spec }: Lease): readonly FieldError[] {
  const into: Problems = [];
  const seconds = spec?.leaseDurationSeconds;
  if (seconds !== undefined && seconds <= 0) into.push(invalidValue('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
  nonnegative(into, 'spec.leaseTransitions', spec?.leaseTransitions);
  if (spec?.preferredHolder && !spec.strategy) {
    into.push(forbiddenField('spec.preferredHolder', 'may only be specified when `strategy` is defined'));
  }
  return into;
}

export const leases: ResourceDefinition<Lease> = {
  resource: LEASES,
  kind: 'Lease',
  listKind: 'LeaseList',
  singular: 'lease',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  createOnUpdate: true,
  unconditionalUpdate: false,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.coordination.v1.Lease',
  stream: 'lease',
  subresources: [],
  fields: {},
  strategy: standardStrategy<Lease>({ validate }),
  columns: [NAME, column('Holder', ({ spec }) => spec?.holderIdentity ?? ''), AGE],
};
