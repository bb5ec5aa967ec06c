import { pathSegmentNames, type KubeObject } from '#libs/apimachinery';
import { NAME } from '../../columns.js';
import type { PrinterColumn, ResourceDefinition } from '../../definition.js';
import type { Role } from '../../generated/types.js';
import { ROLES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS } from '../../verbs.js';
import { ruleProblems } from './rule-validation.js';

/** Kinds without columns of their own show when they were created. */
const CREATED_AT: PrinterColumn = {
  name: 'Created At',
  type: 'date',
  priority: 0,
  cell: ({ metadata }: KubeObject) => metadata.creationTimestamp ?? null,
};

/** The columns of roles, namespaced or not. */
export const ROLE_COLUMNS: readonly PrinterColumn[] = [NAME, CREATED_AT];

export const roles: ResourceDefinition<Role> = {
  resource: ROLES,
  kind: 'Role',
  listKind: 'RoleList',
  singular: 'role',
  shortNames: [],
  categories: [],
  scope: 'Namespaced',
  names: pathSegmentNames,
  createOnUpdate: true,
  verbs: ALL_VERBS,
  model: 'io.k8s.api.rbac.v1.Role',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<Role>({ validate: (role) => ruleProblems(role.rules, true) }),
  columns: ROLE_COLUMNS,
};
