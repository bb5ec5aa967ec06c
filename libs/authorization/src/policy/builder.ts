import {
  RBAC_GROUP,
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type Subject,
} from '#libs/api';

/** Marks the objects of the default policy, and lets the server bring them up to date. */
const DEFAULT_METADATA = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const API_VERSION = `${RBAC_GROUP}/v1`;

/** A rule of verbs on resources of groups; each list is written with spaces in between, the core group as `core`. */
export function on(verbs: string, groups: string, resources: string, names = ''): PolicyRule {
  const list = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');
  return {
    verbs: list(verbs),
    apiGroups: list(groups).map((group) => (group === 'core' ? '' : group)),
    resources: list(resources),
    ...(names === '' ? {} : { resourceNames: list(names) }),
  };
}

/** A rule of verbs on paths that are no resources. */
export const onPaths = (verbs: string, paths: string): PolicyRule => ({ verbs: verbs.split(' '), nonResourceURLs: paths.split(' ') });

/** A default ClusterRole; `labels` besides the one of all defaults. */
export const clusterRole = (name: string, rules: readonly PolicyRule[], labels: Readonly<Record<string, string>> = {}): ClusterRole => ({
  apiVersion: API_VERSION,
  kind: 'ClusterRole',
  metadata: { name, ...DEFAULT_METADATA, labels: { ...DEFAULT_METADATA.labels, ...labels } },
  rules,
});

/** A default ClusterRole whose rules are those of all roles with a label. */
export const aggregatedRole = (name: string, to: string, labels: Readonly<Record<string, string>> = {}): ClusterRole => ({
  ...clusterRole(name, [], labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' } }] },
});

/** A default Role. */
export const role = (namespace: string, name: string, rules: readonly PolicyRule[]): Role => ({
  apiVersion: API_VERSION,
  kind: 'Role',
  metadata: { name, namespace, ...DEFAULT_METADATA },
  rules,
});

/** Users and groups as subjects. */
export const users = (...names: readonly string[]): readonly Subject[] =>
  names.map((name) => ({ kind: 'User', apiGroup: RBAC_GROUP, name }));
export const groups = (...names: readonly string[]): readonly Subject[] =>
  names.map((name) => ({ kind: 'Group', apiGroup: RBAC_GROUP, name }));
/** Service accounts of kube-system as subjects. */
export const accounts = (...names: readonly string[]): readonly Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' }));

/** A default ClusterRoleBinding; called like its role unless it has a name of its own. */
export const clusterBinding = (roleName: string, subjects: readonly Subject[], name = roleName): ClusterRoleBinding => ({
  apiVersion: API_VERSION,
  kind: 'ClusterRoleBinding',
  metadata: { name, ...DEFAULT_METADATA },
  subjects,
  roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: roleName },
});

/** A default RoleBinding to a Role of its namespace. */
export const binding = (namespace: string, roleName: string, subjects: readonly Subject[], name = roleName): RoleBinding => ({
  apiVersion: API_VERSION,
  kind: 'RoleBinding',
  metadata: { name, namespace, ...DEFAULT_METADATA },
  subjects,
  roleRef: { apiGroup: RBAC_GROUP, kind: 'Role', name: roleName },
});
