import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#libs/api';
import { accounts, clusterBinding, clusterRole, on } from './builder.js';
import { EVENTS } from './cluster-roles.js';

const READ = 'get list watch';
const CERTIFICATES = 'certificates.k8s.io';
const STORAGE = 'storage.k8s.io';
const RESOURCE = 'resource.k8s.io';
const NETWORKING = 'networking.k8s.io';
const SLICES = on(`create delete ${READ} update`, 'discovery.k8s.io', 'endpointslices');

/** What each controller of upstream's controller manager may do, by its service account (`controller_policy.go`). */
const CONTROLLERS: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    on('list watch', 'core', 'persistentvolumeclaims persistentvolumes'),
    on(READ, 'core', 'nodes'),
    on('patch update', 'core', 'nodes/status'),
    on('list watch', 'core', 'pods'),
    EVENTS,
    on(`create delete ${READ}`, STORAGE, 'volumeattachments'),
    on(READ, STORAGE, 'csidrivers'),
    on(READ, STORAGE, 'csinodes'),
  ],
  'clusterrole-aggregation-controller': [on(`escalate ${READ} patch update`, 'rbac.authorization.k8s.io', 'clusterroles')],
  'cronjob-controller': [
    on(`${READ} update`, 'batch', 'cronjobs'),
    on(`create delete ${READ} patch update`, 'batch', 'jobs'),
    on('update', 'batch', 'cronjobs/status'),
    on('update', 'batch', 'cronjobs/finalizers'),
    on('delete list watch', 'core', 'pods'),
    EVENTS,
  ],
  'daemon-set-controller': [
    on(READ, 'apps extensions', 'daemonsets'),
    on('update', 'apps extensions', 'daemonsets/status'),
    on('update', 'apps extensions', 'daemonsets/finalizers'),
    on('list watch', 'core', 'nodes'),
    on('create delete list patch watch', 'core', 'pods'),
    on('create', 'core', 'pods/binding'),
    on(`create delete ${READ} patch update`, 'apps', 'controllerrevisions'),
    EVENTS,
  ],
  'deployment-controller': [
    on(`${READ} update`, 'apps extensions', 'deployments'),
    on('update', 'apps extensions', 'deployments/status'),
    on('update', 'apps extensions', 'deployments/finalizers'),
    on(`create delete ${READ} patch update`, 'apps extensions', 'replicasets'),
    on(`${READ} update`, 'core', 'pods'),
    EVENTS,
  ],
  'disruption-controller': [
    on(READ, 'apps extensions', 'deployments'),
    on(READ, 'apps extensions', 'replicasets'),
    on(READ, 'core', 'replicationcontrollers'),
    on(READ, 'policy', 'poddisruptionbudgets'),
    on(READ, 'apps', 'statefulsets'),
    on('update', 'policy', 'poddisruptionbudgets/status'),
    on('patch update', 'core', 'pods/status'),
    on('get', '*', '*/scale'),
    EVENTS,
  ],
  'endpoint-controller': [
    on(READ, 'core', 'pods services'),
    on(`create delete ${READ} update`, 'core', 'endpoints'),
    on('create', 'core', 'endpoints/restricted'),
    EVENTS,
  ],
  'endpointslice-controller': [on(READ, 'core', 'nodes pods services'), on('update', 'core', 'services/finalizers'), SLICES, EVENTS],
  'endpointslicemirroring-controller': [
    on(READ, 'core', 'endpoints services'),
    on('update', 'core', 'services/finalizers'),
    on('update', 'core', 'endpoints/finalizers'),
    SLICES,
    EVENTS,
  ],
  'expand-controller': [
    on(`${READ} patch update`, 'core', 'persistentvolumes'),
    on('patch update', 'core', 'persistentvolumeclaims/status'),
    on(READ, 'core', 'persistentvolumeclaims'),
    EVENTS,
    on('get', 'core', 'services'),
  ],
  'ephemeral-volume-controller': [
    on(READ, 'core', 'pods'),
    on('update', 'core', 'pods/finalizers'),
    on(`create ${READ}`, 'core', 'persistentvolumeclaims'),
    EVENTS,
  ],
  'resource-claim-controller': [
    on(READ, 'core', 'pods'),
    on('update', 'core', 'pods/finalizers'),
    on(`create delete ${READ}`, RESOURCE, 'resourceclaims'),
    on('patch update', RESOURCE, 'resourceclaims resourceclaims/status'),
    on('patch update', 'core', 'pods/status'),
    EVENTS,
  ],
  'generic-garbage-collector': [on(`delete ${READ} patch update`, '*', '*'), EVENTS],
  'horizontal-pod-autoscaler': [
    on(READ, 'autoscaling', 'horizontalpodautoscalers'),
    on('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    on('get update', '*', '*/scale'),
    on('list watch', 'core', 'pods'),
    on('list watch', 'metrics.k8s.io', 'pods'),
    on(READ, 'custom.metrics.k8s.io', '*'),
    on(READ, 'external.metrics.k8s.io', '*'),
    EVENTS,
  ],
  'job-controller': [
    on(`${READ} patch update`, 'batch', 'jobs'),
    on('update', 'batch', 'jobs/status'),
    on('update', 'batch', 'jobs/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'namespace-controller': [
    on(`delete ${READ}`, 'core', 'namespaces'),
    on('update', 'core', 'namespaces/finalize namespaces/status'),
    on(`delete deletecollection ${READ}`, '*', '*'),
  ],
  'node-controller': [
    on(`delete ${READ} patch update`, 'core', 'nodes'),
    on('patch update', 'core', 'nodes/status'),
    on('patch update', 'core', 'pods/status'),
    on(`delete ${READ}`, 'core', 'pods'),
    EVENTS,
  ],
  'persistent-volume-binder': [
    on(`create delete ${READ} update`, 'core', 'persistentvolumes'),
    on('update', 'core', 'persistentvolumes/status'),
    on(`${READ} update`, 'core', 'persistentvolumeclaims'),
    on('update', 'core', 'persistentvolumeclaims/status'),
    on(`create delete ${READ}`, 'core', 'pods'),
    on(READ, STORAGE, 'storageclasses'),
    on('list watch', 'core', 'nodes'),
    EVENTS,
    on('watch', 'core', 'events'),
    on('get', 'core', 'services'),
  ],
  'pod-garbage-collector': [on('delete list watch', 'core', 'pods'), on(READ, 'core', 'nodes'), on('patch', 'core', 'pods/status')],
  'replicaset-controller': [
    on(`${READ} update`, 'apps extensions', 'replicasets'),
    on('update', 'apps extensions', 'replicasets/status'),
    on('update', 'apps extensions', 'replicasets/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'replication-controller': [
    on(`${READ} update`, 'core', 'replicationcontrollers'),
    on('update', 'core', 'replicationcontrollers/status'),
    on('update', 'core', 'replicationcontrollers/finalizers'),
    on('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'resourcequota-controller': [on('list watch', '*', '*'), on('update', 'core', 'resourcequotas/status'), EVENTS],
  'route-controller': [on('list watch', 'core', 'nodes'), on('patch', 'core', 'nodes/status'), EVENTS],
  'service-account-controller': [on('create', 'core', 'serviceaccounts'), EVENTS],
  'service-controller': [
    on(READ, 'core', 'services'),
    on('patch update', 'core', 'services/status'),
    on('list watch', 'core', 'nodes'),
    EVENTS,
  ],
  'service-cidrs-controller': [
    on(`${READ} patch update`, NETWORKING, 'servicecidrs'),
    on('patch update', NETWORKING, 'servicecidrs/finalizers'),
    on('patch update', NETWORKING, 'servicecidrs/status'),
    on(READ, NETWORKING, 'ipaddresses'),
    EVENTS,
  ],
  'statefulset-controller': [
    on('list watch', 'core', 'pods'),
    on(READ, 'apps', 'statefulsets'),
    on('update', 'apps', 'statefulsets/status'),
    on('update', 'apps', 'statefulsets/finalizers'),
    on('create delete get patch update', 'core', 'pods'),
    on(`create delete ${READ} patch update`, 'apps', 'controllerrevisions'),
    on(`create ${READ}`, 'core', 'persistentvolumeclaims'),
    on('delete update', 'core', 'persistentvolumeclaims'),
    on('update', 'core', 'pods/finalizers'),
    EVENTS,
  ],
  'ttl-controller': [on('list patch update watch', 'core', 'nodes'), EVENTS],
  'certificate-controller': [
    on(`delete ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
    on('update', CERTIFICATES, 'certificatesigningrequests/approval certificatesigningrequests/status'),
    on('approve', CERTIFICATES, 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    on(
      'sign',
      CERTIFICATES,
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    ),
    on('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    EVENTS,
  ],
  'pvc-protection-controller': [on(`${READ} update`, 'core', 'persistentvolumeclaims'), on(READ, 'core', 'pods'), EVENTS],
  'pv-protection-controller': [on(`${READ} update`, 'core', 'persistentvolumes'), EVENTS],
  'volumeattributesclass-protection-controller': [
    on(READ, 'core', 'persistentvolumeclaims'),
    on(READ, 'core', 'persistentvolumes'),
    on(`${READ} update`, STORAGE, 'volumeattributesclasses'),
    EVENTS,
  ],
  'ttl-after-finished-controller': [on(`delete ${READ}`, 'batch', 'jobs'), EVENTS],
  'root-ca-cert-publisher': [on('create update', 'core', 'configmaps'), EVENTS],
  'validatingadmissionpolicy-status-controller': [
    on(READ, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    on('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    EVENTS,
  ],
  'legacy-service-account-token-cleaner': [
    on('get', 'core', 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
    on('delete patch', 'core', 'secrets'),
  ],
  'selinux-warning-controller': [
    EVENTS,
    on(READ, 'core', 'persistentvolumes'),
    on(READ, 'core', 'persistentvolumeclaims'),
    on(READ, 'core', 'pods'),
    on(READ, STORAGE, 'csidrivers'),
  ],
};

const PREFIX = 'system:controller:';

/** The ClusterRoles of controllers. */
export const CONTROLLER_ROLES: readonly ClusterRole[] = Object.entries(CONTROLLERS).map(([name, rules]) =>
  clusterRole(`${PREFIX}${name}`, rules),
);

/** The bindings of controllers' service accounts to their roles. */
export const CONTROLLER_ROLE_BINDINGS: readonly ClusterRoleBinding[] = Object.keys(CONTROLLERS).map((name) =>
  clusterBinding(`${PREFIX}${name}`, accounts(name)),
);
