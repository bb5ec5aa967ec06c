import { pathSegmentNames, required, validateLabelSelector, type FieldError } from '#libs/apimachinery';
import type { ResourceDefinition } from '../../definition.js';
import type { ClusterRole } from '../../generated/types.js';
import { CLUSTERROLES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { ROLE_COLUMNS } from './role.js';
import { ruleProblems } from './rule-validation.js';

/** Every problem of a cluster role. */
function validate({ rules, aggregationRule }: ClusterRole): readonly FieldError[] {
  const field = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  const none = aggregationRule && selectors.length === 0;
  return [
    ...ruleProblems(rules, false),
    ...(none ? [required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil')] : []),
    ...selectors.flatMap((selector, index) => validateLabelSelector(selector, `${field}[${index}]`)),
  ];
}

export const clusterroles: ResourceDefinition<ClusterRole> = {
  resource: CLUSTERROLES,
  kind: 'ClusterRole',
  listKind: 'ClusterRoleList',
  singular: 'clusterrole',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  names: pathSegmentNames,
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.rbac.v1.ClusterRole',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<ClusterRole>({ validate }),
  columns: ROLE_COLUMNS,
};
