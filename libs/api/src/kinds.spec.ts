import type { KubeObject } from '#libs/apimachinery';
import { definitionFor, made, type Manifest } from '#libs/testing';
import { DEFINITIONS, decode, definitionByKind, definitionOf, PODS } from './index.js';

const container = {
  name: 'c',
  image: 'nginx',
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
};
const templateSpec = {
  containers: [container],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};
const metadata = { name: 'a', namespace: 'default' };
const selector = { matchLabels: { app: 'a' } };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
const rbac = 'rbac.authorization.k8s.io';

/** Manifest, then what upstream's server answers but for what the registry adds to metadata. */
const GOLDEN: readonly (readonly [Manifest, Readonly<Record<string, unknown>>])[] = [
  [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    {
      metadata: { name: 'a', labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    },
  ],
  [
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    {
      metadata: { ...metadata, generation: 1 },
      spec: { ...templateSpec, enableServiceLinks: true },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    },
  ],
  [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'NodePort',
        selector: { app: 'a' },
        ports: [
          { name: 'w', port: 80 },
          { name: 'x', port: 81, targetPort: 'web', protocol: 'UDP' },
        ],
      },
    },
    {
      metadata,
      spec: {
        type: 'NodePort',
        selector: { app: 'a' },
        ports: [
          { name: 'w', port: 80, protocol: 'TCP', targetPort: 80 },
          { name: 'x', port: 81, protocol: 'UDP', targetPort: 'web' },
        ],
        sessionAffinity: 'None',
        externalTrafficPolicy: 'Cluster',
        internalTrafficPolicy: 'Cluster',
      },
      status: { loadBalancer: {} },
    },
  ],
  [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: 'ExternalName', externalName: 'example.com', sessionAffinity: 'ClientIP' },
    },
    {
      metadata,
      spec: {
        type: 'ExternalName',
        externalName: 'example.com',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      },
      status: { loadBalancer: {} },
    },
  ],
  [
    { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
    { metadata, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] }] },
  ],
  [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } },
    { metadata, data: { a: 'b' } },
  ],
  [
    { apiVersion: 'v1', kind: 'Secret', metadata, data: { a: 'eA==', b: 'eQ==' }, stringData: { a: 'grüß Gott' } },
    { metadata, data: { a: Buffer.from('grüß Gott').toString('base64'), b: 'eQ==' }, type: 'Opaque' },
  ],
  [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, { metadata }],
  [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, spec: { podCIDR: '10.0.0.0/24' }, status: { capacity: { cpu: '2' } } },
    {
      metadata: { name: 'a' },
      spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] },
      status: {
        capacity: { cpu: '2' },
        allocatable: { cpu: '2' },
        daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
        nodeInfo: {
          machineID: '',
          systemUUID: '',
          bootID: '',
          kernelVersion: '',
          osImage: '',
          containerRuntimeVersion: '',
          kubeletVersion: '',
          kubeProxyVersion: '',
          operatingSystem: '',
          architecture: '',
        },
      },
    },
  ],
  [
    { apiVersion: 'v1', kind: 'Event', metadata, involvedObject: { kind: 'Pod', name: 'a' } },
    {
      metadata,
      involvedObject: { kind: 'Pod', name: 'a' },
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    },
  ],
  [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata,
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
    },
    {
      metadata,
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    },
  ],
  [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector, template } },
    {
      metadata: { ...metadata, generation: 1 },
      spec: {
        replicas: 1,
        selector,
        template: { metadata: { labels: { app: 'a' } }, spec: templateSpec },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      },
      status: {},
    },
  ],
  [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 0, strategy: { type: 'Recreate' }, selector, template } },
    {
      metadata: { ...metadata, generation: 1 },
      spec: {
        replicas: 0,
        selector,
        template: { metadata: { labels: { app: 'a' } }, spec: templateSpec },
        strategy: { type: 'Recreate' },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      },
      status: {},
    },
  ],
  [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { selector, template } },
    {
      metadata: { ...metadata, generation: 1 },
      spec: { replicas: 1, selector, template: { metadata: { labels: { app: 'a' } }, spec: templateSpec } },
      status: { replicas: 0 },
    },
  ],
  [
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata },
    { metadata, spec: {} },
  ],
  [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [{ port: 80 }],
    },
    {
      metadata: { ...metadata, generation: 1 },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], conditions: {} }],
      ports: [{ name: '', protocol: 'TCP', port: 80 }],
    },
  ],
  [
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { minAvailable: 1, selector } },
    {
      metadata: { ...metadata, generation: 1 },
      spec: { minAvailable: 1, selector },
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    },
  ],
  [
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
    { metadata, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  ],
  [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: 'a' } },
    { metadata: { name: 'a' }, rules: null },
  ],
  [
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'default' },
      ],
    },
    {
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', apiGroup: rbac, name: 'u' },
        { kind: 'ServiceAccount', name: 's', namespace: 'default' },
      ],
    },
  ],
  [
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'a' }, roleRef: { kind: 'ClusterRole', name: 'r' } },
    { metadata: { name: 'a' }, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'r' } },
  ],
  [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: { name: '10.0.0.1' },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } },
    },
    { metadata: { name: '10.0.0.1' }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } } },
  ],
];

describe('the smallest manifest of each kind', () => {
  it.each(GOLDEN.map(([manifest, expected]) => [manifest.kind, manifest, expected] as const))(
    'becomes, of a %s, what upstream makes of it',
    (_kind, manifest, expected) => {
      expect(made(manifest)).toEqual({ apiVersion: manifest.apiVersion, kind: manifest.kind, ...expected });
    },
  );

  it.each(GOLDEN.map(([manifest]) => [manifest.kind, manifest] as const))('is not changed by defaulting a %s again', (_kind, manifest) => {
    const { strategy, model } = definitionFor(manifest);
    const once = strategy.defaults(decode(model, manifest, { strict: true }).object);
    expect(strategy.defaults(once)).toBe(once);
  });

  it.each(GOLDEN.map(([manifest]) => [manifest.kind, manifest] as const))('has, of a %s, no problems', (kind, manifest) => {
    const address = { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] };
    const object = made(manifest) as KubeObject & { readonly spec?: { readonly type?: string } };
    const allocated =
      kind === 'Service' && object.spec?.type !== 'ExternalName' ? { ...object, spec: { ...object.spec, ...address } } : object;
    const event = kind === 'Event' ? { ...object, involvedObject: { namespace: 'default' }, eventTime: undefined } : allocated;
    expect(definitionFor(manifest).strategy.validate(event)).toEqual([]);
  });
});

describe('the registry of kinds', () => {
  it('finds a definition by resource and by kind', () => {
    expect(definitionOf(PODS)?.kind).toBe('Pod');
    expect(definitionByKind('apps/v1', 'ReplicaSet')?.resource.resource).toBe('replicasets');
    expect(definitionByKind('apps/v1beta1', 'ReplicaSet')).toBeUndefined();
  });

  it('names each resource, kind and short name once in its group, and each model that is known', () => {
    const keys = DEFINITIONS.map(({ resource }) => `${resource.group}/${resource.version}/${resource.resource}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { model, kind } of DEFINITIONS) {
      const { object } = decode(model, { apiVersion: 'x', kind, metadata: {} }, { strict: false });
      expect(object).toBeDefined();
    }
  });

  it('stores Kubernetes Events of both groups as one', () => {
    const manifest = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata,
      eventTime: '2026-01-01T00:00:00.000000Z',
      regarding: { kind: 'Pod', name: 'a', namespace: 'default' },
      reason: 'Scheduled',
      action: 'Binding',
      note: 'on a node',
      type: 'Normal',
      reportingController: 'default-scheduler',
      reportingInstance: 'default-scheduler-1',
    };
    const definition = definitionFor(manifest);
    const object = made(manifest);
    expect(definition.strategy.validate(object)).toEqual([]);
    const stored = definition.storage?.toStored(object);
    expect(stored).toMatchObject({
      apiVersion: 'v1',
      involvedObject: { kind: 'Pod', name: 'a' },
      message: 'on a node',
      reportingComponent: 'default-scheduler',
    });
    expect(stored && definition.storage?.fromStored(stored)).toEqual(object);
  });
});
