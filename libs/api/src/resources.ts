import type { GroupVersionResource } from '#libs/apimachinery';

const core = (resource: string): GroupVersionResource => ({ group: '', version: 'v1', resource });

/** The resources of this release, by what a URL calls them. */
export const NAMESPACES = core('namespaces');
export const PODS = core('pods');
export const SERVICES = core('services');
export const ENDPOINTS = core('endpoints');
export const CONFIGMAPS = core('configmaps');
export const SECRETS = core('secrets');
export const SERVICEACCOUNTS = core('serviceaccounts');
export const NODES = core('nodes');
export const EVENTS = core('events');
export const PERSISTENTVOLUMECLAIMS = core('persistentvolumeclaims');
export const DEPLOYMENTS: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'deployments' };
export const REPLICASETS: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'replicasets' };
export const LEASES: GroupVersionResource = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
export const ENDPOINTSLICES: GroupVersionResource = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
export const EVENTS_V1: GroupVersionResource = { group: 'events.k8s.io', version: 'v1', resource: 'events' };
export const IPADDRESSES: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses' };
export const PODDISRUPTIONBUDGETS: GroupVersionResource = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' };
export const ROLES: GroupVersionResource = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles' };
export const ROLEBINDINGS: GroupVersionResource = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings' };
export const CLUSTERROLES: GroupVersionResource = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
export const CLUSTERROLEBINDINGS: GroupVersionResource = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resource: 'clusterrolebindings',
};
/** Claims of node ports, one object per port and protocol: ours, stored in the log, not served. */
export const NODEPORTS: GroupVersionResource = { group: 'allocation.decklog.dev', version: 'v1', resource: 'nodeports' };
