import { AGE, NAME, column } from '../../columns.js';
import type { ResourceDefinition } from '../../definition.js';
import type { ServiceAccount } from '../../generated/types.js';
import { SERVICEACCOUNTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';

export const serviceaccounts: ResourceDefinition<ServiceAccount> = {
  resource: SERVICEACCOUNTS,
  kind: 'ServiceAccount',
  listKind: 'ServiceAccountList',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  categories: [],
  scope: 'Namespaced',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.ServiceAccount',
  stream: 'state',
  subresources: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  fields: {},
  strategy: standardStrategy<ServiceAccount>({}),
  columns: [NAME, column('Secrets', ({ secrets }) => secrets?.length ?? 0), AGE],
};
