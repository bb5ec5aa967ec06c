import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Lease } from '../../generated/types.js';
import { LEASES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

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
  strategy: standardStrategy<Lease>({}),
  columns: [NAME, column('Holder', ({ spec }) => spec?.holderIdentity ?? ''), AGE],
};
