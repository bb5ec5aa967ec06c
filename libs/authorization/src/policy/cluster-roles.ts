import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#libs/api';
import { accounts, aggregatedRole, clusterBinding, clusterRole, groups, on, onPaths, users } from './builder.js';

const READ = 'get list watch';
const WRITE = 'create delete deletecollection patch update';
export const EVENTS: PolicyRule = on('create patch update', 'core events.k8s.io', 'events');
const RBAC = 'rbac.authorization.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';
const AUTHENTICATION = 'authentication.k8s.io';
const CERTIFICATES = 'certificates.k8s.io';

const aggregates = (to: string): Readonly<Record<string, string>> => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

/** What the user-facing roles are made of (bootstrappolicy `policy.go`). */
const VIEW: readonly PolicyRule[] = [
  on(
    READ,
    'core',
    'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers ' +
      'replicationcontrollers/scale serviceaccounts services services/status',
  ),
  on(
    READ,
    'core',
    'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
  ),
  on(READ, 'core', 'namespaces'),
  on(READ, 'discovery.k8s.io', 'endpointslices'),
  on(
    READ,
    'apps',
    'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale ' +
      'replicasets/status statefulsets statefulsets/scale statefulsets/status',
  ),
  on(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
  on(READ, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
  on(
    READ,
    'extensions',
    'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets ' +
      'replicasets/scale replicasets/status replicationcontrollers/scale',
  ),
  on(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
  on(READ, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  on(READ, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
];

const EDIT: readonly PolicyRule[] = [
  on(READ, 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
  on('impersonate', 'core', 'serviceaccounts'),
  on(WRITE, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
  on('create', 'core', 'pods/eviction'),
  on(
    WRITE,
    'core',
    'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
  ),
  on('create', 'core', 'serviceaccounts/token'),
  on(
    WRITE,
    'apps',
    'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
  ),
  on(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  on(WRITE, 'batch', 'cronjobs jobs'),
  on(
    WRITE,
    'extensions',
    'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
  ),
  on(WRITE, 'policy', 'poddisruptionbudgets'),
  on(WRITE, 'networking.k8s.io', 'ingresses networkpolicies'),
  on(`${WRITE} ${READ}`, 'coordination.k8s.io', 'leases'),
  on(WRITE, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
];

const ADMIN: readonly PolicyRule[] = [
  on('create', AUTHORIZATION, 'localsubjectaccessreviews'),
  on(`${WRITE} ${READ}`, RBAC, 'rolebindings roles'),
];

const NODE: readonly PolicyRule[] = [
  on('create', AUTHENTICATION, 'tokenreviews'),
  on('create', AUTHORIZATION, 'localsubjectaccessreviews subjectaccessreviews'),
  on(READ, 'core', 'services'),
  on(`create ${READ}`, 'core', 'nodes'),
  on('patch update', 'core', 'nodes/status'),
  on('patch update', 'core', 'nodes'),
  EVENTS,
  on(READ, 'core', 'pods'),
  on('create delete', 'core', 'pods'),
  on('patch update', 'core', 'pods/status'),
  on('create', 'core', 'pods/eviction'),
  on(READ, 'core', 'configmaps secrets'),
  on('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  on('get', 'core', 'endpoints'),
  on(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
  on('create delete get patch update', 'coordination.k8s.io', 'leases'),
  on('get', 'storage.k8s.io', 'volumeattachments'),
  on('create', 'core', 'serviceaccounts/token'),
  on('get patch update', 'core', 'persistentvolumeclaims/status'),
  on(READ, 'storage.k8s.io', 'csidrivers'),
  on('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  on(READ, 'node.k8s.io', 'runtimeclasses'),
  on('get', 'resource.k8s.io', 'resourceclaims'),
  on(`create delete deletecollection patch update ${READ}`, 'resource.k8s.io', 'resourceslices'),
];

const SCHEDULER: readonly PolicyRule[] = [
  EVENTS,
  on('create', 'coordination.k8s.io', 'leases'),
  on(READ, 'coordination.k8s.io', 'leases'),
  on('get update', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
  on(READ, 'core', 'nodes'),
  on(`delete ${READ}`, 'core', 'pods'),
  on('create', 'core', 'bindings pods/binding'),
  on('patch update', 'core', 'pods/status'),
  on(READ, 'core', 'replicationcontrollers services'),
  on(READ, 'apps extensions', 'replicasets'),
  on(READ, 'apps', 'statefulsets'),
  on(READ, 'policy', 'poddisruptionbudgets'),
  on(`${READ} patch update`, 'core', 'persistentvolumeclaims persistentvolumes'),
  on('create', AUTHENTICATION, 'tokenreviews'),
  on('create', AUTHORIZATION, 'subjectaccessreviews'),
  on(READ, 'storage.k8s.io', 'csinodes'),
  on(READ, 'core', 'namespaces'),
  on(READ, 'storage.k8s.io', 'csidrivers csistoragecapacities volumeattachments'),
  on(READ, 'resource.k8s.io', 'deviceclasses resourceslices'),
  on(`${READ} patch update`, 'resource.k8s.io', 'resourceclaims'),
  on('patch update', 'resource.k8s.io', 'resourceclaims/status'),
  on('patch update', 'core', 'pods/finalizers'),
];

const CONTROLLER_MANAGER: readonly PolicyRule[] = [
  EVENTS,
  on('create', 'coordination.k8s.io', 'leases'),
  on('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
  on('create', 'core', 'secrets serviceaccounts'),
  on('delete', 'core', 'secrets'),
  on('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
  on('update', 'core', 'secrets serviceaccounts'),
  on('create', AUTHENTICATION, 'tokenreviews'),
  on('create', AUTHORIZATION, 'subjectaccessreviews'),
  on('list watch', '*', '*'),
  on('create', 'core', 'serviceaccounts/token'),
];

const signers = (kind: string): PolicyRule => on('create', CERTIFICATES, `certificatesigningrequests/${kind}`);
const approver = (name: string, signer: string): ClusterRole =>
  clusterRole(`system:certificates.k8s.io:${name}-approver`, [on('approve', CERTIFICATES, 'signers', `kubernetes.io/${signer}`)]);

/** Every ClusterRole of upstream's default policy but those of controllers, and what the past needs. */
export const CLUSTER_ROLES: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [on('*', '*', '*'), onPaths('*', '*')]),
  clusterRole('system:discovery', [
    onPaths('get', '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ]),
  clusterRole('system:basic-user', [
    on('create', AUTHORIZATION, 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    on('create', AUTHENTICATION, 'selfsubjectreviews'),
  ]),
  clusterRole('system:public-info-viewer', [onPaths('get', '/healthz /livez /readyz /version /version/')]),
  clusterRole('system:monitoring', [onPaths('get', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')]),
  aggregatedRole('admin', 'admin'),
  aggregatedRole('edit', 'edit', aggregates('admin')),
  aggregatedRole('view', 'view', aggregates('edit')),
  clusterRole('system:aggregate-to-admin', ADMIN, aggregates('admin')),
  clusterRole('system:aggregate-to-edit', EDIT, aggregates('edit')),
  clusterRole('system:aggregate-to-view', VIEW, aggregates('view')),
  // Several writes as one: each of them is authorized by itself.
  clusterRole('decklog:basic-user', [on('create', 'history.decklog.dev', 'transactions')]),
  // What one may get today, one may know the past of: whoever answers looks at each object's own rules too.
  clusterRole('decklog:aggregate-to-view', [on(READ, 'history.decklog.dev', 'activities causes revisions')], aggregates('view')),
  clusterRole('system:heapster', [on(READ, 'core', 'events namespaces nodes pods'), on(READ, 'extensions', 'deployments')]),
  clusterRole('system:node', NODE),
  clusterRole('system:node-problem-detector', [on('get', 'core', 'nodes'), on('patch', 'core', 'nodes/status'), EVENTS]),
  clusterRole('system:kubelet-api-admin', [
    on(READ, 'core', 'nodes'),
    on('proxy', 'core', 'nodes'),
    on('*', 'core', 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:node-bootstrapper', [on(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests')]),
  clusterRole('system:auth-delegator', [on('create', AUTHENTICATION, 'tokenreviews'), on('create', AUTHORIZATION, 'subjectaccessreviews')]),
  clusterRole('system:kube-aggregator', [on(READ, 'core', 'endpoints services')]),
  clusterRole('system:kube-controller-manager', CONTROLLER_MANAGER),
  clusterRole('system:kube-dns', [on('list watch', 'core', 'endpoints services')]),
  clusterRole('system:persistent-volume-provisioner', [
    on(`create delete ${READ}`, 'core', 'persistentvolumes'),
    on(`${READ} update`, 'core', 'persistentvolumeclaims'),
    on(READ, 'storage.k8s.io', 'storageclasses'),
    on('watch', 'core', 'events'),
    EVENTS,
  ]),
  approver('legacy-unknown', 'legacy-unknown'),
  approver('kubelet-serving', 'kubelet-serving'),
  approver('kube-apiserver-client', 'kube-apiserver-client'),
  approver('kube-apiserver-client-kubelet', 'kube-apiserver-client-kubelet'),
  clusterRole('system:service-account-issuer-discovery', [
    onPaths('get', '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
  ]),
  clusterRole('system:node-proxier', [
    on('list watch', 'core', 'endpoints services'),
    on(READ, 'core', 'nodes'),
    EVENTS,
    on('list watch', 'discovery.k8s.io', 'endpointslices'),
    on('list watch', 'networking.k8s.io', 'servicecidrs'),
  ]),
  clusterRole('system:kube-scheduler', SCHEDULER),
  clusterRole('system:volume-scheduler', [
    on(`${READ} patch update`, 'core', 'persistentvolumes'),
    on(READ, 'storage.k8s.io', 'storageclasses'),
    on(`${READ} patch update`, 'core', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [signers('nodeclient')]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [signers('selfnodeclient')]),
];

const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';

/** Every ClusterRoleBinding of upstream's default policy but those of controllers, and what the past needs. */
export const CLUSTER_ROLE_BINDINGS: readonly ClusterRoleBinding[] = [
  clusterBinding('cluster-admin', groups('system:masters')),
  clusterBinding('system:monitoring', groups('system:monitoring')),
  clusterBinding('system:discovery', groups(AUTHENTICATED)),
  clusterBinding('system:basic-user', groups(AUTHENTICATED)),
  clusterBinding('decklog:basic-user', groups(AUTHENTICATED)),
  clusterBinding('system:public-info-viewer', groups(AUTHENTICATED, UNAUTHENTICATED)),
  clusterBinding('system:node-proxier', users('system:kube-proxy')),
  clusterBinding('system:kube-controller-manager', users('system:kube-controller-manager')),
  clusterBinding('system:kube-dns', accounts('kube-dns')),
  clusterBinding('system:kube-scheduler', users('system:kube-scheduler')),
  clusterBinding('system:volume-scheduler', users('system:kube-scheduler')),
  clusterBinding('system:service-account-issuer-discovery', groups('system:serviceaccounts')),
  // The binding is there and binds nobody: the node authorizer decides.
  clusterBinding('system:node', []),
];
