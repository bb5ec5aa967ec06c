import { pathSegmentNames } from '#libs/apimachinery';
import type { ResourceDefinition } from '../../definition.js';
import type { RoleBinding } from '../../generated/types.js';
import { ROLEBINDINGS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { BINDING_COLUMNS, bindingDefaults } from './binding.js';
import { bindingProblems, roleMoved } from './binding-validation.js';

export const rolebindings: ResourceDefinition<RoleBinding> = {
  resource: ROLEBINDINGS,
  kind: 'RoleBinding',
  listKind: 'RoleBindingList',
  singular: 'rolebinding',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  names: pathSegmentNames,
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.rbac.v1.RoleBinding',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<RoleBinding>({
    defaults: bindingDefaults,
    validate: (binding) => bindingProblems(binding, true),
    validateUpdate: (next, old) => [...bindingProblems(next, true), ...roleMoved(next, old)],
  }),
  columns: BINDING_COLUMNS,
};
