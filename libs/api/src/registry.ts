import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { catalogOf, type Catalog } from './catalog.js';
import { customresourcedefinitions } from './apiextensions/v1/customresourcedefinition.js';
import { mutatingadmissionpolicybindings, validatingadmissionpolicybindings } from './admissionregistration/v1/bindings.js';
import { mutatingadmissionpolicies, validatingadmissionpolicies } from './admissionregistration/v1/policies.js';
import { mutatingwebhookconfigurations, validatingwebhookconfigurations } from './admissionregistration/v1/webhooks.js';
import { nodeclaims } from './allocation/v1/nodeclaim.js';
import { nodeports } from './allocation/v1/nodeport.js';
import { shardsOfWork } from './allocation/v1/shard.js';
import { apiservices } from './apiregistration/v1/apiservice.js';
import { deployments } from './apps/v1/deployment.js';
import { replicasets } from './apps/v1/replicaset.js';
import { leases } from './coordination/v1/lease.js';
import { configmaps } from './core/v1/configmap.js';
import { endpoints } from './core/v1/endpoints.js';
import { events } from './core/v1/event.js';
import { namespaces } from './core/v1/namespace.js';
import { nodes } from './core/v1/node.js';
import { persistentvolumeclaims } from './core/v1/persistentvolumeclaim.js';
import { pods } from './core/v1/pod.js';
import { secrets } from './core/v1/secret.js';
import { services } from './core/v1/service.js';
import { serviceaccounts } from './core/v1/serviceaccount.js';
import type { ResourceDefinition } from './definition.js';
import { endpointslices } from './discovery/v1/endpointslice.js';
import { eventsV1 } from './events/v1/event.js';
import { ipaddresses } from './networking/v1/ipaddress.js';
import { poddisruptionbudgets } from './policy/v1/poddisruptionbudget.js';
import { controllerrevisions } from './apps/v1/controllerrevision.js';
import { daemonsets } from './apps/v1/daemonset.js';
import { statefulsets } from './apps/v1/statefulset.js';
import { horizontalpodautoscalersV1 } from './autoscaling/v1/horizontalpodautoscaler.js';
import { horizontalpodautoscalers } from './autoscaling/v2/horizontalpodautoscaler.js';
import { cronjobs } from './batch/v1/cronjob.js';
import { jobs } from './batch/v1/job.js';
import { limitranges } from './core/v1/limitrange.js';
import { persistentvolumes } from './core/v1/persistentvolume.js';
import { podtemplates } from './core/v1/podtemplate.js';
import { replicationcontrollers } from './core/v1/replicationcontroller.js';
import { resourcequotas } from './core/v1/resourcequota.js';
import { ingresses } from './networking/v1/ingress.js';
import { ingressclasses } from './networking/v1/ingressclass.js';
import { networkpolicies } from './networking/v1/networkpolicy.js';
import { runtimeclasses } from './node/v1/runtimeclass.js';
import { priorityclasses } from './scheduling/v1/priorityclass.js';
import { csidrivers } from './storage/v1/csidriver.js';
import { csinodes } from './storage/v1/csinode.js';
import { csistoragecapacities } from './storage/v1/csistoragecapacity.js';
import { storageclasses } from './storage/v1/storageclass.js';
import { volumeattachments } from './storage/v1/volumeattachment.js';
import { volumeattributesclasses } from './storage/v1/volumeattributesclass.js';
import { certificatesigningrequests } from './certificates/v1/certificatesigningrequest.js';
import { flowschemas } from './flowcontrol/v1/flowschema.js';
import { prioritylevelconfigurations } from './flowcontrol/v1/prioritylevelconfiguration.js';
import { servicecidrs } from './networking/v1/servicecidr.js';
import { deviceclasses } from './resource/v1/deviceclass.js';
import { resourceclaims } from './resource/v1/resourceclaim.js';
import { resourceclaimtemplates } from './resource/v1/resourceclaimtemplate.js';
import { resourceslices } from './resource/v1/resourceslice.js';
import { clusterrolebindings } from './rbac/v1/clusterrolebinding.js';
import { clusterroles } from './rbac/v1/clusterrole.js';
import { rolebindings } from './rbac/v1/rolebinding.js';
import { roles } from './rbac/v1/role.js';

/**
 * A definition among others. Its functions take the kind's own type; whoever holds it by this type hands them
 * only objects that were decoded against its model.
 */
const plain = <T extends KubeObject>(definition: ResourceDefinition<T>): ResourceDefinition => definition as unknown as ResourceDefinition;

/** Every kind there is, core first and then by group and resource. One without verbs is stored and not served. */
export const DEFINITIONS: readonly ResourceDefinition[] = [
  plain(configmaps),
  plain(endpoints),
  plain(events),
  plain(limitranges),
  plain(namespaces),
  plain(nodes),
  plain(persistentvolumes),
  plain(persistentvolumeclaims),
  plain(pods),
  plain(podtemplates),
  plain(replicationcontrollers),
  plain(resourcequotas),
  plain(secrets),
  plain(serviceaccounts),
  plain(services),
  plain(mutatingadmissionpolicies),
  plain(mutatingadmissionpolicybindings),
  plain(mutatingwebhookconfigurations),
  plain(validatingadmissionpolicies),
  plain(validatingadmissionpolicybindings),
  plain(validatingwebhookconfigurations),
  plain(nodeclaims),
  plain(nodeports),
  plain(shardsOfWork),
  plain(apiservices),
  plain(controllerrevisions),
  plain(daemonsets),
  plain(deployments),
  plain(replicasets),
  plain(statefulsets),
  plain(horizontalpodautoscalersV1),
  plain(horizontalpodautoscalers),
  plain(cronjobs),
  plain(jobs),
  plain(certificatesigningrequests),
  plain(leases),
  plain(endpointslices),
  plain(eventsV1),
  plain(flowschemas),
  plain(prioritylevelconfigurations),
  plain(ingressclasses),
  plain(ingresses),
  plain(ipaddresses),
  plain(networkpolicies),
  plain(servicecidrs),
  plain(runtimeclasses),
  plain(poddisruptionbudgets),
  plain(clusterrolebindings),
  plain(clusterroles),
  plain(rolebindings),
  plain(roles),
  plain(deviceclasses),
  plain(resourceclaims),
  plain(resourceclaimtemplates),
  plain(resourceslices),
  plain(priorityclasses),
  plain(csidrivers),
  plain(csinodes),
  plain(csistoragecapacities),
  plain(storageclasses),
  plain(volumeattachments),
  plain(volumeattributesclasses),
  plain(customresourcedefinitions),
];

/** The built-in kinds. */
export const BUILT_IN: Catalog = catalogOf(DEFINITIONS);

/** The definition of a built-in resource; undefined where there is none. */
export const definitionOf = (resource: GroupVersionResource): ResourceDefinition | undefined => BUILT_IN.definitionOf(resource);

/** The built-in definition of what a manifest names; undefined where there is none. */
export const definitionByKind = (apiVersion: string, kind: string): ResourceDefinition | undefined =>
  BUILT_IN.definitionByKind(apiVersion, kind);
