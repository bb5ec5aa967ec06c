import { startTestApiServer, type TestApiServer } from '#libs/testing';

interface Discovered {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
        readonly shortNames?: readonly string[];
        readonly categories?: readonly string[];
        readonly subresources?: readonly {
          readonly subresource: string;
          readonly responseKind?: { readonly kind: string };
          readonly verbs: readonly string[];
        }[];
      }[];
    }[];
  }[];
}

const ALL = 'create delete deletecollection get list patch update watch';
const EXTENSIONS = 'api-extensions';
const PROXY = 'create/delete/get/patch/update';
const SCALE = 'scale Scale get/patch/update';
const status = (kind: string): string => `status ${kind} get/patch/update`;

type Row = readonly [
  resource: string,
  kind: string,
  namespaced: boolean,
  shortNames?: string,
  categories?: string,
  verbs?: string,
  ...parts: string[],
];

/** Upstream's v1.36, as `kubectl api-resources -o wide` and `kubectl get --raw` tell it, of the groups that are GA. */
const UPSTREAM: Readonly<Record<string, readonly Row[]>> = {
  '/v1': [
    ['bindings', 'Binding', true, '', '', 'create'],
    ['componentstatuses', 'ComponentStatus', false, 'cs', '', 'get list'],
    ['configmaps', 'ConfigMap', true, 'cm'],
    ['endpoints', 'Endpoints', true, 'ep'],
    ['events', 'Event', true, 'ev'],
    ['limitranges', 'LimitRange', true, 'limits'],
    [
      'namespaces',
      'Namespace',
      false,
      'ns',
      '',
      'create delete get list patch update watch',
      'finalize Namespace update',
      status('Namespace'),
    ],
    ['nodes', 'Node', false, 'no', '', ALL, `proxy NodeProxyOptions ${PROXY}`, status('Node')],
    ['persistentvolumeclaims', 'PersistentVolumeClaim', true, 'pvc', '', ALL, status('PersistentVolumeClaim')],
    ['persistentvolumes', 'PersistentVolume', false, 'pv', '', ALL, status('PersistentVolume')],
    [
      'pods',
      'Pod',
      true,
      'po',
      'all',
      ALL,
      'attach PodAttachOptions create/get',
      'binding Binding create',
      'ephemeralcontainers Pod get/patch/update',
      'eviction Eviction create',
      'exec PodExecOptions create/get',
      'log Pod get',
      'portforward PodPortForwardOptions create/get',
      `proxy PodProxyOptions ${PROXY}`,
      'resize Pod get/patch/update',
      status('Pod'),
    ],
    ['podtemplates', 'PodTemplate', true],
    ['replicationcontrollers', 'ReplicationController', true, 'rc', 'all', ALL, SCALE, status('ReplicationController')],
    ['resourcequotas', 'ResourceQuota', true, 'quota', '', ALL, status('ResourceQuota')],
    ['secrets', 'Secret', true],
    ['serviceaccounts', 'ServiceAccount', true, 'sa', '', ALL, 'token TokenRequest create'],
    ['services', 'Service', true, 'svc', 'all', ALL, `proxy ServiceProxyOptions ${PROXY}`, status('Service')],
  ],
  'admissionregistration.k8s.io/v1': [
    ['mutatingadmissionpolicies', 'MutatingAdmissionPolicy', false, '', EXTENSIONS],
    ['mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding', false, '', EXTENSIONS],
    ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false, '', EXTENSIONS],
    ['validatingadmissionpolicies', 'ValidatingAdmissionPolicy', false, '', EXTENSIONS, ALL, status('ValidatingAdmissionPolicy')],
    ['validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', false, '', EXTENSIONS],
    ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false, '', EXTENSIONS],
  ],
  'apiextensions.k8s.io/v1': [
    ['customresourcedefinitions', 'CustomResourceDefinition', false, 'crd crds', EXTENSIONS, ALL, status('CustomResourceDefinition')],
  ],
  'apiregistration.k8s.io/v1': [['apiservices', 'APIService', false, '', EXTENSIONS, ALL, status('APIService')]],
  'apps/v1': [
    ['controllerrevisions', 'ControllerRevision', true],
    ['daemonsets', 'DaemonSet', true, 'ds', 'all', ALL, status('DaemonSet')],
    ['deployments', 'Deployment', true, 'deploy', 'all', ALL, SCALE, status('Deployment')],
    ['replicasets', 'ReplicaSet', true, 'rs', 'all', ALL, SCALE, status('ReplicaSet')],
    ['statefulsets', 'StatefulSet', true, 'sts', 'all', ALL, SCALE, status('StatefulSet')],
  ],
  'authentication.k8s.io/v1': [
    ['selfsubjectreviews', 'SelfSubjectReview', false, '', '', 'create'],
    ['tokenreviews', 'TokenReview', false, '', '', 'create'],
  ],
  'authorization.k8s.io/v1': [
    ['localsubjectaccessreviews', 'LocalSubjectAccessReview', true, '', '', 'create'],
    ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', false, '', '', 'create'],
    ['selfsubjectrulesreviews', 'SelfSubjectRulesReview', false, '', '', 'create'],
    ['subjectaccessreviews', 'SubjectAccessReview', false, '', '', 'create'],
  ],
  'autoscaling/v1': [['horizontalpodautoscalers', 'HorizontalPodAutoscaler', true, 'hpa', 'all', ALL, status('HorizontalPodAutoscaler')]],
  'autoscaling/v2': [['horizontalpodautoscalers', 'HorizontalPodAutoscaler', true, 'hpa', 'all', ALL, status('HorizontalPodAutoscaler')]],
  'batch/v1': [
    ['cronjobs', 'CronJob', true, 'cj', 'all', ALL, status('CronJob')],
    ['jobs', 'Job', true, '', 'all', ALL, status('Job')],
  ],
  'certificates.k8s.io/v1': [
    [
      'certificatesigningrequests',
      'CertificateSigningRequest',
      false,
      'csr',
      '',
      ALL,
      'approval CertificateSigningRequest get/patch/update',
      status('CertificateSigningRequest'),
    ],
  ],
  'coordination.k8s.io/v1': [['leases', 'Lease', true]],
  'discovery.k8s.io/v1': [['endpointslices', 'EndpointSlice', true]],
  'events.k8s.io/v1': [['events', 'Event', true, 'ev']],
  'flowcontrol.apiserver.k8s.io/v1': [
    ['flowschemas', 'FlowSchema', false, '', '', ALL, status('FlowSchema')],
    ['prioritylevelconfigurations', 'PriorityLevelConfiguration', false, '', '', ALL, status('PriorityLevelConfiguration')],
  ],
  'networking.k8s.io/v1': [
    ['ingressclasses', 'IngressClass', false],
    ['ingresses', 'Ingress', true, 'ing', '', ALL, status('Ingress')],
    ['ipaddresses', 'IPAddress', false, 'ip'],
    ['networkpolicies', 'NetworkPolicy', true, 'netpol'],
    ['servicecidrs', 'ServiceCIDR', false, '', '', ALL, status('ServiceCIDR')],
  ],
  'node.k8s.io/v1': [['runtimeclasses', 'RuntimeClass', false]],
  'policy/v1': [['poddisruptionbudgets', 'PodDisruptionBudget', true, 'pdb', '', ALL, status('PodDisruptionBudget')]],
  'rbac.authorization.k8s.io/v1': [
    ['clusterrolebindings', 'ClusterRoleBinding', false],
    ['clusterroles', 'ClusterRole', false],
    ['rolebindings', 'RoleBinding', true],
    ['roles', 'Role', true],
  ],
  'resource.k8s.io/v1': [
    ['deviceclasses', 'DeviceClass', false],
    ['resourceclaims', 'ResourceClaim', true, '', '', ALL, status('ResourceClaim')],
    ['resourceclaimtemplates', 'ResourceClaimTemplate', true],
    ['resourceslices', 'ResourceSlice', false],
  ],
  'scheduling.k8s.io/v1': [['priorityclasses', 'PriorityClass', false, 'pc']],
  'storage.k8s.io/v1': [
    ['csidrivers', 'CSIDriver', false],
    ['csinodes', 'CSINode', false],
    ['csistoragecapacities', 'CSIStorageCapacity', true],
    ['storageclasses', 'StorageClass', false, 'sc'],
    ['volumeattachments', 'VolumeAttachment', false, '', '', ALL, status('VolumeAttachment')],
    ['volumeattributesclasses', 'VolumeAttributesClass', false, 'vac'],
  ],
};

const text = ([resource, kind, namespaced, shortNames = '', categories = '', verbs = ALL, ...parts]: Row): string =>
  [resource, kind, namespaced ? 'namespaced' : 'cluster', shortNames, categories, verbs, ...parts].join(' | ');

describe('what is served', () => {
  let api: TestApiServer;
  const served = new Map<string, Map<string, string>>();

  beforeAll(async () => {
    api = await startTestApiServer();
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    for (const root of ['/api', '/apis']) {
      const { items } = (await api.ask(root, { headers: { accept } })).json<Discovered>();
      for (const { metadata, versions } of items) {
        for (const { version, resources = [] } of versions) {
          const rows = resources.map((one): readonly [string, string] => {
            const parts = (one.subresources ?? [])
              .map(({ subresource, responseKind, verbs }) => `${subresource} ${responseKind?.kind ?? ''} ${[...verbs].sort().join('/')}`)
              .sort();
            const { resource, responseKind, scope, shortNames = [], categories = [], verbs } = one;
            const namespaced = scope === 'Namespaced';
            const row: Row = [
              resource,
              responseKind?.kind ?? '',
              namespaced,
              shortNames.join(' '),
              categories.join(' '),
              [...verbs].sort().join(' '),
              ...parts,
            ];
            return [resource, text(row)];
          });
          served.set(`${metadata?.name ?? ''}/${version}`, new Map(rows));
        }
      }
    }
  });
  afterAll(() => api.close());

  it.each(Object.entries(UPSTREAM))('in %s is what upstream serves there', (groupVersion, rows) => {
    const here = served.get(groupVersion) ?? new Map<string, string>();
    expect([...here.values()].sort()).toEqual(rows.map(text).sort());
  });

  it('is nothing that upstream does not serve', () => {
    // But for the past, of which upstream keeps nothing.
    expect([...served.keys()].filter((groupVersion) => UPSTREAM[groupVersion] === undefined)).toEqual(['history.decklog.dev/v1']);
  });
});
