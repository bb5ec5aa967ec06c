import type { GroupVersionResource } from '#libs/apimachinery';

const core = (resource: string): GroupVersionResource => ({ group: '', version: 'v1', resource });
const storage = (resource: string): GroupVersionResource => ({ group: 'storage.k8s.io', version: 'v1', resource });

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
/** What moves whenever pods come to a node, one object per node: ours, stored in the log, not served. */
export const NODECLAIMS: GroupVersionResource = { group: 'allocation.decklog.dev', version: 'v1', resource: 'nodeclaims' };
/** Who does which part of a service's work, one object per shard: ours, stored in the log, not served. */
export const SHARDS_OF_WORK: GroupVersionResource = { group: 'allocation.decklog.dev', version: 'v1', resource: 'shards' };
export const PERSISTENTVOLUMES = core('persistentvolumes');
export const PODTEMPLATES = core('podtemplates');
export const REPLICATIONCONTROLLERS = core('replicationcontrollers');
export const LIMITRANGES = core('limitranges');
export const RESOURCEQUOTAS = core('resourcequotas');
export const CONTROLLERREVISIONS: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'controllerrevisions' };
export const DAEMONSETS: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'daemonsets' };
export const STATEFULSETS: GroupVersionResource = { group: 'apps', version: 'v1', resource: 'statefulsets' };
const autoscaling = (version: string): GroupVersionResource => ({ group: 'autoscaling', version, resource: 'horizontalpodautoscalers' });
/** One kind in two versions; it is stored as the newer. */
export const HORIZONTALPODAUTOSCALERS = autoscaling('v2');
export const HORIZONTALPODAUTOSCALERS_V1 = autoscaling('v1');
export const JOBS: GroupVersionResource = { group: 'batch', version: 'v1', resource: 'jobs' };
export const CRONJOBS: GroupVersionResource = { group: 'batch', version: 'v1', resource: 'cronjobs' };
export const INGRESSES: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };
export const INGRESSCLASSES: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses' };
export const NETWORKPOLICIES: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' };
export const RUNTIMECLASSES: GroupVersionResource = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses' };
export const PRIORITYCLASSES: GroupVersionResource = { group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses' };
export const STORAGECLASSES = storage('storageclasses');
export const CSIDRIVERS = storage('csidrivers');
export const CSINODES = storage('csinodes');
export const CSISTORAGECAPACITIES = storage('csistoragecapacities');
export const VOLUMEATTACHMENTS = storage('volumeattachments');
export const VOLUMEATTRIBUTESCLASSES = storage('volumeattributesclasses');
export const CUSTOMRESOURCEDEFINITIONS: GroupVersionResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
};
/** Who serves which group and version. */
export const APISERVICES: GroupVersionResource = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };
const flowcontrol = (resource: string): GroupVersionResource => ({ group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource });
const device = (resource: string): GroupVersionResource => ({ group: 'resource.k8s.io', version: 'v1', resource });
const certificates = (resource: string): GroupVersionResource => ({ group: 'certificates.k8s.io', version: 'v1', resource });

/** Certificates, ranges of addresses, fairness, devices. */
export const CERTIFICATESIGNINGREQUESTS = certificates('certificatesigningrequests');
export const SERVICECIDRS: GroupVersionResource = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' };
export const FLOWSCHEMAS = flowcontrol('flowschemas');
export const PRIORITYLEVELCONFIGURATIONS = flowcontrol('prioritylevelconfigurations');
export const RESOURCECLAIMS = device('resourceclaims');
export const RESOURCECLAIMTEMPLATES = device('resourceclaimtemplates');
export const RESOURCESLICES = device('resourceslices');
export const DEVICECLASSES = device('deviceclasses');
const admission = (resource: string): GroupVersionResource => ({ group: 'admissionregistration.k8s.io', version: 'v1', resource });
/** What admission is configured with: webhooks and policies. */
export const VALIDATINGWEBHOOKCONFIGURATIONS = admission('validatingwebhookconfigurations');
export const MUTATINGWEBHOOKCONFIGURATIONS = admission('mutatingwebhookconfigurations');
export const VALIDATINGADMISSIONPOLICIES = admission('validatingadmissionpolicies');
export const VALIDATINGADMISSIONPOLICYBINDINGS = admission('validatingadmissionpolicybindings');
export const MUTATINGADMISSIONPOLICIES = admission('mutatingadmissionpolicies');
export const MUTATINGADMISSIONPOLICYBINDINGS = admission('mutatingadmissionpolicybindings');
