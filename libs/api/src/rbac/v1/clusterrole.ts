import { pathSegmentNames } from '#libs/apimachinery';
import type { ResourceDefinition } from '../../definition.js';
import type { ClusterRole } from '../../generated/types.js';
import { CLUSTERROLES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { ROLE_COLUMNS } from './role.js';

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
  strategy: standardStrategy<ClusterRole>({}),
  columns: ROLE_COLUMNS,
};
