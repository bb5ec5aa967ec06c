import type { KubeObject } from '#libs/apimachinery';
import { defaulted, definitionFor, told } from '#libs/testing';

const metadata = { name: 'a', namespace: 'default' };

const objectOf = (apiVersion: string, kind: string, members: object): KubeObject => defaulted({ apiVersion, kind, metadata, ...members });

const problems = (apiVersion: string, kind: string, members: object): readonly string[] =>
  told(definitionFor({ apiVersion, kind }).strategy.validate(objectOf(apiVersion, kind, members)));

const changeProblems = (apiVersion: string, kind: string, next: object, old: object): readonly string[] =>
  told(definitionFor({ apiVersion, kind }).strategy.validateUpdate(objectOf(apiVersion, kind, next), objectOf(apiVersion, kind, old)));

const c = { name: 'c', image: 'i' };
const selector = { matchLabels: { app: 'a' } };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [c] } };
const deployment = (spec: object): readonly string[] => problems('apps/v1', 'Deployment', { spec: { selector, template, ...spec } });

describe('a deployment is refused', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    [
      'without a selector',
      problems('apps/v1', 'Deployment', { spec: { template } }),
      [
        'spec.selector: Required value',
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'with a selector of everything',
      deployment({ selector: {} }),
      ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    ],
    [
      'with a selector that misses its pods',
      deployment({ selector: { matchLabels: { app: 'b' } } }),
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    ['with fewer than no replicas', deployment({ replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    [
      'with pods that do not restart',
      deployment({ template: { ...template, spec: { containers: [c], restartPolicy: 'Never' } } }),
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      'with an update that can’t move',
      deployment({ strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      'with more than all unavailable',
      deployment({ strategy: { rollingUpdate: { maxUnavailable: '101%' } } }),
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      'with settings of another strategy',
      deployment({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      'with a deadline before readiness',
      deployment({ minReadySeconds: 600 }),
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
    ],
    [
      'with an image left out',
      deployment({ template: { ...template, spec: { containers: [{ name: 'c' }] } } }),
      ['spec.template.spec.containers[0].image: Required value'],
    ],
    [
      'when its selector moves',
      changeProblems(
        'apps/v1',
        'Deployment',
        {
          spec: { selector: { matchLabels: { app: 'a', b: 'c' } }, template: { ...template, metadata: { labels: { app: 'a', b: 'c' } } } },
        },
        { spec: { selector, template } },
      ),
      ['spec.selector: Invalid value: {"matchLabels":{"app":"a","b":"c"}}: field is immutable'],
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });
});

const ip = { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] };
const service = (spec: object): readonly string[] => problems('v1', 'Service', { spec: { ...ip, ports: [{ port: 80 }], ...spec } });

describe('a service is refused', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['without ports', service({ ports: [] }), ['spec.ports: Required value']],
    [
      'with several ports of which one has no name',
      service({ ports: [{ name: 'a', port: 1 }, { port: 2 }] }),
      ['spec.ports[1].name: Required value'],
    ],
    [
      'with a port out of range',
      service({ ports: [{ port: 0, targetPort: 80 }] }),
      ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
    [
      'with a port twice',
      service({
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      }),
      ['spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}'],
    ],
    [
      'with a node port in the cluster alone',
      service({ ports: [{ port: 1, nodePort: 30000 }] }),
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'of an unknown type',
      service({ type: 'x' }),
      ['spec.type: Unsupported value: "x": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      'headless with a node port',
      service({ type: 'NodePort', clusterIP: 'None', clusterIPs: ['None'] }),
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    [
      'with addresses that disagree',
      service({ clusterIPs: ['10.96.0.10'] }),
      ['spec.clusterIPs: Invalid value: ["10.96.0.10"]: first value must match `clusterIP`'],
    ],
    [
      'with an address that is none',
      service({ clusterIP: 'x', clusterIPs: ['x'] }),
      ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      'with a name that leads nowhere',
      problems('v1', 'Service', { spec: { type: 'ExternalName' } }),
      ['spec.externalName: Required value'],
    ],
    [
      'with an external address that is this machine',
      service({ externalIPs: ['127.0.0.1'] }),
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      'with a policy for traffic it does not get',
      service({ externalTrafficPolicy: 'Local' }),
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      'when its address moves',
      changeProblems(
        'v1',
        'Service',
        { spec: { ports: [{ port: 80 }], clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] } },
        { spec: { ports: [{ port: 80 }], ...ip } },
      ),
      ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('other kinds are refused', () => {
  const rbac = 'rbac.authorization.k8s.io/v1';
  const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const slice = (members: object): readonly string[] =>
    problems('discovery.k8s.io/v1', 'EndpointSlice', { addressType: 'IPv4', endpoints: [], ports: [], ...members });

  it.each<[string, readonly string[], readonly string[]]>([
    [
      'a config map with a key that is no file',
      problems('v1', 'ConfigMap', { data: { 'a/b': '' } }),
      [
        "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ],
    ],
    [
      'a config map of more than a mebibyte',
      problems('v1', 'ConfigMap', { data: { a: 'x'.repeat(1048577) } }),
      [': Too long: may not be more than 1048576 bytes'],
    ],
    [
      'a config map with a key twice',
      problems('v1', 'ConfigMap', { data: { a: '' }, binaryData: { a: '' } }),
      ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ],
    [
      'a change of an immutable config map',
      changeProblems('v1', 'ConfigMap', { data: { a: 'c' } }, { data: { a: 'b' }, immutable: true }),
      ['immutable: Forbidden: field is immutable when `immutable` is set', 'data: Forbidden: field is immutable when `immutable` is set'],
    ],
    ['another type of a secret', changeProblems('v1', 'Secret', { type: 'x' }, {}), ['type: Invalid value: "x": field is immutable']],
    [
      'a TLS secret without its key',
      problems('v1', 'Secret', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
      ['data[tls.key]: Required value'],
    ],
    [
      'a claim of nothing',
      problems('v1', 'PersistentVolumeClaim', {}),
      ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
    ],
    [
      'a claim that moves',
      changeProblems('v1', 'PersistentVolumeClaim', { spec: { ...claim, accessModes: ['ReadWriteMany'] } }, { spec: claim }).map(
        (line) => line.split('\n')[0] ?? '',
      ),
      ['spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'],
    ],
    [
      'a taint without an effect',
      problems('v1', 'Node', { metadata: { name: 'n' }, spec: { taints: [{ key: 'a' }] } }),
      ['metadata.taints[0].effect: Required value'],
    ],
    [
      'a node whose pod range moves',
      changeProblems('v1', 'Node', { spec: { podCIDR: '10.1.0.0/24' } }, { spec: { podCIDR: '10.0.0.0/24' } }),
      ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
    ],
    [
      'endpoints without addresses',
      problems('v1', 'Endpoints', { subsets: [{}] }),
      ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ],
    [
      'a slice of addresses of another family',
      slice({ endpoints: [{ addresses: ['::2'] }] }),
      ['endpoints[0].addresses[0]: Invalid value: "::2": must be a valid IPv4 address'],
    ],
    [
      'a slice’s endpoint without addresses',
      slice({ endpoints: [{ addresses: [] }] }),
      ['endpoints[0].addresses: Required value: must contain at least 1 address'],
    ],
    ['a slice with two ports of one name', slice({ ports: [{ port: 1 }, { port: 2 }] }), ['ports[1].name: Duplicate value: ""']],
    [
      'a lease of no time',
      problems('coordination.k8s.io/v1', 'Lease', { spec: { leaseDurationSeconds: 0 } }),
      ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
    ],
    [
      'a budget of both kinds',
      problems('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, maxUnavailable: 1 } }),
      ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
    ],
    [
      'a rule without verbs',
      problems(rbac, 'Role', { rules: [{ apiGroups: [''], resources: ['pods'] }] }),
      ['rules[0].verbs: Required value: verbs must contain at least one value'],
    ],
    [
      'a namespaced rule for a URL',
      problems(rbac, 'Role', { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }),
      ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
    ],
    [
      'a binding of an unknown kind of subject',
      problems(rbac, 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'x', name: 'n' }] }),
      ['subjects[0].kind: Unsupported value: "x": supported values: "ServiceAccount", "User", "Group"'],
    ],
    [
      'a binding that takes another role',
      changeProblems(rbac, 'RoleBinding', { roleRef: { kind: 'Role', name: 's' } }, { roleRef: { kind: 'Role', name: 'r' } }),
      ['roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: cannot change roleRef'],
    ],
    [
      'a Kubernetes Event about another namespace',
      problems('v1', 'Event', { involvedObject: { namespace: 'other' } }).slice(0, 1),
      ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ],
    ['an address that nobody holds', problems('networking.k8s.io/v1', 'IPAddress', {}), ['spec.parentRef: Required value']],
    [
      'a finalizer of nobody',
      problems('v1', 'Namespace', { spec: { finalizers: ['x'] } }),
      ['spec.finalizers: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified'],
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });

  it('allow a bound claim to grow', () => {
    const bound = (storage: string): object => ({
      spec: { ...claim, volumeName: 'v', resources: { requests: { storage } } },
      status: { phase: 'Bound' },
    });
    expect(changeProblems('v1', 'PersistentVolumeClaim', bound('2Gi'), bound('1Gi'))).toEqual([]);
  });
});
