import type { KubeObject } from '#libs/apimachinery';

type Parts = Readonly<Record<string, unknown>>;

const SELECTOR = { matchLabels: { app: 'web' } };
const POD = { containers: [{ name: 'main', image: 'echo:1.0' }] };
const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: POD };
const ONCE = { metadata: { labels: { app: 'web' } }, spec: { ...POD, restartPolicy: 'Never' } };
const HOOK = { url: 'https://127.0.0.1:9/hook' };
const RULE = { apiGroups: ['none.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] };
const CONSTRAINTS = { resourceRules: [RULE] };
const SCALE_TARGET = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const CLAIM = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

/** A certificate signing request for the key of nobody: P-256, subject CN=life. */
const CERTIFICATE_REQUEST = [
  '-----BEGIN CERTIFICATE REQUEST-----',
  'MIHKMHECAQAwDzENMAsGA1UEAwwEbGlmZTBZMBMGByqGSM49AgEGCCqGSM49AwEH',
  'A0IABFslegY0+udHr3hvCD4i/QQkarRQoTFbR2RLcXaZxyNs/0A6UtN9ToQJ0xTA',
  'it02uM1WXmytMV6dhE407Mx17iOgADAKBggqhkjOPQQDAgNJADBGAiEAlXm4LpkB',
  'qiV05cnrXPe0OrjxzcIV4KQhxry7bsn9GY8CIQCQUOAkGWPazRYP0ZEq4iCQMjWW',
  'UnI/0rntVXz/F6PfSg==',
  '-----END CERTIFICATE REQUEST-----',
  '',
].join('\n');

/** By `apiVersion/Kind`: what a manifest of each built-in kind has at least, besides its metadata. */
const PARTS: Readonly<Record<string, Parts>> = {
  'v1/ConfigMap': {},
  'v1/Endpoints': {},
  'v1/LimitRange': { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } },
  'v1/Namespace': {},
  'v1/Node': {},
  'v1/PersistentVolume': { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } } },
  'v1/PersistentVolumeClaim': { spec: CLAIM },
  'v1/Pod': { spec: POD },
  'v1/PodTemplate': { template: TEMPLATE },
  'v1/ReplicationController': { spec: { selector: { app: 'web' }, template: TEMPLATE } },
  'v1/ResourceQuota': { spec: { hard: { 'count/deployments.apps': '9' } } },
  'v1/Secret': { stringData: { a: 'b' } },
  'v1/Service': { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
  'v1/ServiceAccount': {},
  'apps/v1/ControllerRevision': { data: { a: 1 }, revision: 1 },
  'apps/v1/DaemonSet': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/v1/Deployment': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/v1/ReplicaSet': { spec: { selector: SELECTOR, template: TEMPLATE } },
  'apps/v1/StatefulSet': { spec: { serviceName: 'web', selector: SELECTOR, template: TEMPLATE } },
  'autoscaling/v1/HorizontalPodAutoscaler': { spec: { maxReplicas: 3, scaleTargetRef: SCALE_TARGET } },
  'autoscaling/v2/HorizontalPodAutoscaler': { spec: { maxReplicas: 3, scaleTargetRef: SCALE_TARGET } },
  'batch/v1/CronJob': { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: ONCE } } } },
  'batch/v1/Job': { spec: { template: ONCE } },
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': {
    webhooks: [{ name: 'a.example.com', clientConfig: HOOK, rules: [RULE], sideEffects: 'None', admissionReviewVersions: ['v1'] }],
  },
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': {
    webhooks: [{ name: 'a.example.com', clientConfig: HOOK, rules: [RULE], sideEffects: 'None', admissionReviewVersions: ['v1'] }],
  },
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': {
    spec: { matchConstraints: CONSTRAINTS, validations: [{ expression: 'true' }] },
  },
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': { spec: { policyName: 'none', validationActions: ['Deny'] } },
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': {
    spec: {
      matchConstraints: CONSTRAINTS,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/labels/a", value: "b"}]' } }],
    },
  },
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': { spec: { policyName: 'none' } },
  'apiextensions.k8s.io/v1/CustomResourceDefinition': {
    spec: {
      group: 'life.example.com',
      scope: 'Namespaced',
      names: { plural: 'lives', singular: 'life', kind: 'Life', listKind: 'LifeList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  },
  // A local one: of one with a Service the server itself says whether that answers, whenever it has found out.
  'apiregistration.k8s.io/v1/APIService': {
    spec: { group: 'life.example.com', version: 'v9', groupPriorityMinimum: 100, versionPriority: 10 },
  },
  'certificates.k8s.io/v1/CertificateSigningRequest': {
    spec: { request: btoa(CERTIFICATE_REQUEST), signerName: 'example.com/signer', usages: ['client auth'] },
  },
  'coordination.k8s.io/v1/Lease': {},
  'discovery.k8s.io/v1/EndpointSlice': { addressType: 'IPv4', endpoints: [] },
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': {
    spec: { priorityLevelConfiguration: { name: 'global-default' }, matchingPrecedence: 900 },
  },
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
  },
  'networking.k8s.io/v1/Ingress': { spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } },
  'networking.k8s.io/v1/IngressClass': { spec: { controller: 'example.com/ingress' } },
  'networking.k8s.io/v1/IPAddress': { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } },
  'networking.k8s.io/v1/NetworkPolicy': { spec: { podSelector: {} } },
  'networking.k8s.io/v1/ServiceCIDR': { spec: { cidrs: ['10.97.0.0/24'] } },
  'node.k8s.io/v1/RuntimeClass': { handler: 'life' },
  'policy/v1/PodDisruptionBudget': { spec: { minAvailable: 1, selector: SELECTOR } },
  'rbac.authorization.k8s.io/v1/ClusterRole': { rules: [] },
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'none' },
  },
  'rbac.authorization.k8s.io/v1/Role': { rules: [] },
  'rbac.authorization.k8s.io/v1/RoleBinding': { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'none' } },
  'resource.k8s.io/v1/DeviceClass': { spec: { selectors: [{ cel: { expression: 'device.driver == "life.example.com"' } }] } },
  'resource.k8s.io/v1/ResourceClaim': { spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'life' } }] } } },
  'resource.k8s.io/v1/ResourceClaimTemplate': {
    spec: { spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'life' } }] } } },
  },
  'resource.k8s.io/v1/ResourceSlice': {
    spec: { driver: 'life.example.com', nodeName: 'node-1', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
  },
  'scheduling.k8s.io/v1/PriorityClass': { value: 100 },
  'storage.k8s.io/v1/CSIDriver': { spec: {} },
  'storage.k8s.io/v1/CSINode': { spec: { drivers: [] } },
  'storage.k8s.io/v1/CSIStorageCapacity': { storageClassName: 'life' },
  'storage.k8s.io/v1/StorageClass': { provisioner: 'example.com/life' },
  'storage.k8s.io/v1/VolumeAttachment': {
    spec: { attacher: 'life.example.com', nodeName: 'node-1', source: { persistentVolumeName: 'pv-1' } },
  },
  'storage.k8s.io/v1/VolumeAttributesClass': { driverName: 'life.example.com', parameters: { a: 'b' } },
};

/** Kubernetes Events live in the namespace of what they are about. */
function eventParts(key: string, namespace: string): Parts {
  const about = { kind: 'Pod', name: 'a', namespace };
  if (key === 'v1/Event') return { involvedObject: about, reason: 'Testing', type: 'Normal' };
  return {
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/life',
    reportingInstance: 'life-1',
    action: 'Testing',
    reason: 'Testing',
    type: 'Normal',
    regarding: about,
  };
}

/** Names that a kind's rules demand of its objects. */
const NAMES: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/v1/CustomResourceDefinition': 'lives.life.example.com',
  'apiregistration.k8s.io/v1/APIService': 'v9.life.example.com',
  'networking.k8s.io/v1/IPAddress': '10.96.7.7',
  'storage.k8s.io/v1/CSIDriver': 'life.example.com',
};

/** The least that makes an object of a built-in kind, as a client sends it; undefined for a kind that is not known here. */
export function minimalManifest(apiVersion: string, kind: string, namespace: string | undefined): KubeObject | undefined {
  const key = `${apiVersion}/${kind}`;
  const parts = key.endsWith('/Event') ? eventParts(key, namespace ?? 'default') : PARTS[key];
  if (parts === undefined) return undefined;
  const name = NAMES[key] ?? `life-${kind.toLowerCase()}`;
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, ...parts } as KubeObject;
}
