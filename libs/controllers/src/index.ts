import { base64OfText, type Controller } from '#libs/apimachinery';
import { apiRegistrationController } from './api-registration/controller.js';
import { apiServiceController } from './api-service/controller.js';
import { tokenCleaner } from './bootstrap-tokens/cleaner.js';
import { bootstrapSigner } from './bootstrap-tokens/signer.js';
import { certificateApprover } from './certificates/approver.js';
import { certificateCleaner } from './certificates/cleaner.js';
import { clusterRoleAggregationController } from './cluster-role-aggregation/controller.js';
import { customResourceDefinitionController } from './custom-resource-definition/controller.js';
import { cronJobController } from './cronjob/controller.js';
import { daemonSetController } from './daemonset/controller.js';
import { deploymentController } from './deployment/controller.js';
import { disruptionController } from './disruption/controller.js';
import { dnsServiceController } from './dns-service/controller.js';
import { endpointsController } from './endpoints/controller.js';
import { endpointSliceController } from './endpointslice/controller.js';
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.js';
import { eventSweeper } from './event-sweeper/controller.js';
import { flowSchemaStatus } from './flow-control/dangling.js';
import { flowControlDefaults } from './flow-control/defaults.js';
import { garbageCollector } from './garbage-collection/controller.js';
import { autoscalerController } from './horizontal-pod-autoscaler/controller.js';
import { jobController, orphanedJobPods } from './job/controller.js';
import { namespaceController } from './namespace/controller.js';
import { nodeLifecycleController } from './node-lifecycle/controller.js';
import { podGarbageCollector } from './pod-garbage-collection/controller.js';
import { systemPriorityClasses } from './priority-classes/controller.js';
import { rbacDefaultsController } from './rbac-defaults/controller.js';
import { replicaSetController } from './replicaset/controller.js';
import { resourceQuotaController } from './resource-quota/controller.js';
import { replicationController } from './replicationcontroller/controller.js';
import { extensionAuthenticationController } from './extension-authentication/controller.js';
import { rootCaController } from './root-ca/controller.js';
import { addressIn } from './service-range.js';
import { defaultServiceCidr, serviceCidrController } from './service-cidr/controller.js';
import { serviceAccountTokenController, type ServiceAccountTokenOptions } from './service-account-tokens/controller.js';
import { serviceAccountController } from './serviceaccount/controller.js';
import { volumeBinder } from './storage/controller.js';
import { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './storage/protection.js';
import { statefulSetController } from './statefulset/controller.js';
import { taintEvictionController } from './taint-eviction/controller.js';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.js';
import { validatingAdmissionPolicyStatus } from './validating-admission-policy-status/controller.js';

/** A controller among others. The runtime hands a reconcile nothing but what the same controller's snapshot gave. */
const plain = <Snapshot>(controller: Controller<Snapshot>): Controller => controller as unknown as Controller;

/** Deployments, ReplicaSets, ReplicationControllers, StatefulSets, DaemonSets, Jobs, CronJobs and autoscalers: what the app `replication` runs. */
export const replicationControllers: readonly Controller[] = [
  plain(deploymentController),
  plain(replicaSetController),
  plain(replicationController),
  plain(statefulSetController),
  plain(daemonSetController),
  plain(cronJobController),
  plain(jobController),
  plain(orphanedJobPods),
  plain(ttlAfterFinishedController),
  plain(autoscalerController),
];

/** EndpointSlices and Endpoints, and slices that mirror Endpoints written by hand: what the app `endpoints` runs. */
export const endpointsControllers: readonly Controller[] = [
  plain(endpointSliceController),
  plain(endpointsController),
  plain(endpointSliceMirroringController),
];

/** What the controllers of accounts, tokens and certificates know of the cluster. */
export interface AccountSettings {
  /** PEM. */
  readonly caCertificate: string;
  /** PEM: of whom the API server is when it passes requests on. */
  readonly frontProxyCa: string;
  /** How tokens of Secrets are signed; without it Secrets get none. */
  readonly signToken?: ServiceAccountTokenOptions['sign'];
  /** The API server's URL, for those who want to join; without it there is no `cluster-info`. */
  readonly server?: string;
}

/**
 * ServiceAccounts and tokens of Secrets, bootstrap tokens, the root certificate in every namespace, requests for certificates:
 * what the app `serviceaccounts` runs.
 */
export const serviceAccountControllers = ({ caCertificate, frontProxyCa, signToken, server }: AccountSettings): readonly Controller[] => [
  plain(serviceAccountController),
  ...(signToken === undefined ? [] : [plain(serviceAccountTokenController({ sign: signToken, caCertificate }))]),
  plain(tokenCleaner),
  ...(server === undefined ? [] : [plain(bootstrapSigner({ server, caData: base64OfText(caCertificate) }))]),
  plain(rootCaController(caCertificate)),
  plain(extensionAuthenticationController({ clientCa: caCertificate, frontProxyCa })),
  plain(certificateApprover),
  plain(certificateCleaner),
];

/** Settings of the cluster that lifecycle controllers publish. */
export interface LifecycleSettings {
  /** Range of ClusterIPs: its first address is the API server's Service, its tenth the cluster's DNS. */
  readonly serviceCidr: string;
  /** Where API servers are reached from pods. */
  readonly advertiseAddress: string;
  readonly apiPort: number;
  /** How many days Kubernetes Events are kept; 30 unless set. */
  readonly eventAgeDays?: number;
}

const DAY_MS = 24 * 3_600_000;

/**
 * Namespaces, garbage collection, nodes, budgets, quotas, volumes, default roles and priority classes, the cluster's own Services
 * and ranges, flow control, old Kubernetes Events: what the app `lifecycle` runs.
 */
export const lifecycleControllers = ({
  serviceCidr,
  advertiseAddress,
  apiPort,
  eventAgeDays = 30,
}: LifecycleSettings): readonly Controller[] => [
  plain(namespaceController),
  plain(garbageCollector),
  plain(customResourceDefinitionController),
  plain(nodeLifecycleController),
  plain(taintEvictionController),
  plain(podGarbageCollector),
  plain(disruptionController),
  plain(resourceQuotaController),
  plain(volumeBinder),
  plain(claimProtectionController),
  plain(volumeProtectionController),
  plain(attributesClassProtectionController),
  plain(rbacDefaultsController),
  plain(systemPriorityClasses),
  plain(clusterRoleAggregationController),
  plain(validatingAdmissionPolicyStatus),
  plain(apiServiceController({ address: advertiseAddress, port: apiPort, clusterIp: addressIn(serviceCidr, 1) })),
  plain(dnsServiceController(addressIn(serviceCidr, 10))),
  plain(eventSweeper(eventAgeDays * DAY_MS)),
  plain(flowControlDefaults),
  plain(flowSchemaStatus),
  plain(defaultServiceCidr(serviceCidr)),
  plain(serviceCidrController),
  plain(apiRegistrationController),
];

export { apiRegistrationController } from './api-registration/controller.js';
export { apiServiceController, type ApiServiceOptions } from './api-service/controller.js';
export { clusterRoleAggregationController } from './cluster-role-aggregation/controller.js';
export { customResourceDefinitionController } from './custom-resource-definition/controller.js';
export { cronJobController } from './cronjob/controller.js';
export { daemonSetController } from './daemonset/controller.js';
export { deploymentController } from './deployment/controller.js';
export { disruptionController } from './disruption/controller.js';
export { dnsServiceController } from './dns-service/controller.js';
export { endpointsController } from './endpoints/controller.js';
export { endpointSliceController } from './endpointslice/controller.js';
export { endpointSliceMirroringController } from './endpointslice-mirroring/controller.js';
export { eventSweeper } from './event-sweeper/controller.js';
export { garbageCollector } from './garbage-collection/controller.js';
export { autoscalerController } from './horizontal-pod-autoscaler/controller.js';
export { jobController, orphanedJobPods } from './job/controller.js';
export { namespaceController } from './namespace/controller.js';
export { nodeLifecycleController } from './node-lifecycle/controller.js';
export { podGarbageCollector } from './pod-garbage-collection/controller.js';
export { systemPriorityClasses } from './priority-classes/controller.js';
export { rbacDefaultsController } from './rbac-defaults/controller.js';
export { replicaSetController } from './replicaset/controller.js';
export { replicationController } from './replicationcontroller/controller.js';
export { resourceQuotaController } from './resource-quota/controller.js';
export { extensionAuthenticationController } from './extension-authentication/controller.js';
export { rootCaController } from './root-ca/controller.js';
export { serviceAccountController } from './serviceaccount/controller.js';
export { volumeBinder } from './storage/controller.js';
export { attributesClassProtectionController, claimProtectionController, volumeProtectionController } from './storage/protection.js';
export { statefulSetController } from './statefulset/controller.js';
export { taintEvictionController } from './taint-eviction/controller.js';
export { ttlAfterFinishedController } from './ttl-after-finished/controller.js';
export { certificateApprover } from './certificates/approver.js';
export { certificateCleaner } from './certificates/cleaner.js';
export * from './certificates/signing.js';
export { flowSchemaStatus } from './flow-control/dangling.js';
export { flowControlDefaults } from './flow-control/defaults.js';
export { DEFAULT_SERVICE_CIDR, defaultServiceCidr, serviceCidrController } from './service-cidr/controller.js';
export { validatingAdmissionPolicyStatus } from './validating-admission-policy-status/controller.js';
