import { pathSegmentNames } from '#libs/apimachinery';
import type { ResourceDefinition } from '../../definition.js';
import type { ClusterRoleBinding } from '../../generated/types.js';
import { CLUSTERROLEBINDINGS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { BINDING_COLUMNS, bindingDefaults } from './binding.js';
import { bindingProblems, roleMoved } from './binding-validation.js';

export const clusterrolebindings: ResourceDefinition<ClusterRoleBinding> = {
  resource: CLUSTERROLEBINDINGS,
  kind: 'ClusterRoleBinding',
  listKind: 'ClusterRoleBindingList',
  singular: 'clusterrolebinding',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  names: pathSegmentNames,
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.rbac.v1.ClusterRoleBinding',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<ClusterRoleBinding>({
    defaults: bindingDefaults,
    validate: (binding) => bindingProblems(binding, false),
    validateUpdate: (next, old) => [...bindingProblems(next, false), ...roleMoved(next, old)],
  }),
  columns: BINDING_COLUMNS,
};
