import { CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES, type ClusterRoleBinding } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { clusterBinding, groups } from './builder.js';
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES } from './cluster-roles.js';
import { CONTROLLER_ROLE_BINDINGS, CONTROLLER_ROLES } from './controller-roles.js';
import { NAMESPACE_ROLE_BINDINGS, NAMESPACE_ROLES } from './namespace-roles.js';

/** A node's proxy and DNS server run in its agent's process, with its credentials. */
const NODES_ARE_PROXIERS: ClusterRoleBinding = clusterBinding('system:node-proxier', groups('system:nodes'), 'decklog:node-proxier');

/** Objects of one resource that the cluster is to have from the start. */
export interface DefaultObjects {
  readonly resource: GroupVersionResource;
  readonly objects: readonly KubeObject[];
}

/** Upstream's default policy, and the one binding of our own. */
export const DEFAULT_POLICY: readonly DefaultObjects[] = [
  { resource: CLUSTERROLES, objects: [...CLUSTER_ROLES, ...CONTROLLER_ROLES] },
  { resource: CLUSTERROLEBINDINGS, objects: [...CLUSTER_ROLE_BINDINGS, ...CONTROLLER_ROLE_BINDINGS, NODES_ARE_PROXIERS] },
  { resource: ROLES, objects: NAMESPACE_ROLES },
  { resource: ROLEBINDINGS, objects: NAMESPACE_ROLE_BINDINGS },
];
