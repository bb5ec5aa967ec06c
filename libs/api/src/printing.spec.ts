import type { KubeObject } from '#libs/apimachinery';
import { definitionByKind } from './index.js';

const NOW = Date.parse('2026-01-02T12:00:00Z');
const created = { name: 'a', namespace: 'default', creationTimestamp: '2026-01-02T11:55:00Z' };

/** The cells of an object, by the names of their columns. */
function row(apiVersion: string, kind: string, object: object): Readonly<Record<string, unknown>> {
  const whole = { apiVersion, kind, metadata: created, ...object } as KubeObject;
  const columns = definitionByKind(apiVersion, kind)?.columns ?? [];
  return Object.fromEntries(columns.map(({ name, cell }) => [name, cell(whole, NOW)]));
}

const headers = (apiVersion: string, kind: string): string =>
  (definitionByKind(apiVersion, kind)?.columns ?? []).map(({ name, priority }) => (priority > 0 ? `(${name})` : name)).join(' | ');

describe('columns', () => {
  it.each([
    ['v1', 'Pod', 'Name | Ready | Status | Restarts | Age | (IP) | (Node) | (Nominated Node) | (Readiness Gates)'],
    ['v1', 'Service', 'Name | Type | Cluster-IP | External-IP | Port(s) | Age | (Selector)'],
    [
      'v1',
      'Node',
      'Name | Status | Roles | Age | Version | (Internal-IP) | (External-IP) | (OS-Image) | (Kernel-Version) | (Container-Runtime)',
    ],
    ['apps/v1', 'Deployment', 'Name | Ready | Up-to-date | Available | Age | (Containers) | (Images) | (Selector)'],
    ['apps/v1', 'ReplicaSet', 'Name | Desired | Current | Ready | Age | (Containers) | (Images) | (Selector)'],
    ['v1', 'Event', 'Last Seen | Type | Reason | Object | (Subobject) | (Source) | Message | (First Seen) | (Count) | (Name)'],
    [
      'v1',
      'PersistentVolumeClaim',
      'Name | Status | Volume | Capacity | Access Modes | StorageClass | VolumeAttributesClass | Age | (VolumeMode)',
    ],
    ['discovery.k8s.io/v1', 'EndpointSlice', 'Name | AddressType | Ports | Endpoints | Age'],
    ['policy/v1', 'PodDisruptionBudget', 'Name | Min Available | Max Unavailable | Allowed Disruptions | Age'],
    ['rbac.authorization.k8s.io/v1', 'Role', 'Name | Created At'],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding', 'Name | Role | Age | (Users) | (Groups) | (ServiceAccounts)'],
    ['networking.k8s.io/v1', 'IPAddress', 'Name | ParentRef | Age'],
  ])('of %s %s are upstream’s', (apiVersion, kind, expected) => {
    expect(headers(apiVersion, kind)).toBe(expected);
  });
});

const running = { state: { running: {} }, ready: true, restartCount: 0 };
const two = { containers: [{ name: 'a' }, { name: 'b' }] };
const waiting = (reason: string): object => ({ state: { waiting: { reason } }, ready: false, restartCount: 0 });
const ended = (terminated: object): object => ({ state: { terminated }, ready: false, restartCount: 0 });
const deleted = { ...created, deletionTimestamp: '2026-01-02T11:59:00Z' };

describe('a pod’s line', () => {
  it.each([
    ['a pod that waits', { status: { phase: 'Pending' } }, '0/2', 'Pending', '0'],
    ['a pod that runs', { status: { phase: 'Running', containerStatuses: [running, running] } }, '2/2', 'Running', '0'],
    [
      'the first container that waits',
      { status: { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff'), running] } },
      '1/2',
      'ImagePullBackOff',
      '0',
    ],
    [
      'a container that ended without a reason',
      { status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 3 })] } },
      '0/2',
      'ExitCode:3',
      '0',
    ],
    [
      'a container that a signal ended',
      { status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] } },
      '0/2',
      'Signal:9',
      '0',
    ],
    [
      'a pod that is done',
      { status: { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] } },
      '0/2',
      'Completed',
      '0',
    ],
    [
      'one done, one running and ready',
      {
        status: {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), running],
        },
      },
      '1/2',
      'Running',
      '0',
    ],
    [
      'one done, the pod not ready',
      { status: { phase: 'Running', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), running] } },
      '1/2',
      'NotReady',
      '0',
    ],
    ['a reason of the pod as a whole', { status: { phase: 'Failed', reason: 'Evicted' } }, '0/2', 'Evicted', '0'],
    ['a pod being deleted', { metadata: deleted, status: { phase: 'Running', containerStatuses: [running] } }, '1/2', 'Terminating', '0'],
    ['a pod being deleted that has ended', { metadata: deleted, status: { phase: 'Succeeded' } }, '0/2', 'Succeeded', '0'],
    ['a pod being deleted on a lost node', { metadata: deleted, status: { phase: 'Running', reason: 'NodeLost' } }, '0/2', 'Unknown', '0'],
    [
      'gates',
      { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } },
      '0/2',
      'SchedulingGated',
      '0',
    ],
    [
      'restarts, and when the last was',
      {
        status: {
          phase: 'Running',
          containerStatuses: [
            { ...running, restartCount: 2, lastState: { terminated: { finishedAt: '2026-01-02T11:30:00Z' } } },
            { ...running, restartCount: 3, lastState: { terminated: { finishedAt: '2026-01-02T11:59:30Z' } } },
          ],
        },
      },
      '2/2',
      'Running',
      '5 (30s ago)',
    ],
    [
      'initialization under way',
      {
        spec: { ...two, initContainers: [{ name: 'x' }, { name: 'y' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'x', ...ended({ exitCode: 0 }) },
            { name: 'y', ...running, ready: false },
          ],
        },
      },
      '0/2',
      'Init:1/2',
      '0',
    ],
    [
      'initialization that fails',
      {
        spec: { ...two, initContainers: [{ name: 'x' }] },
        status: { phase: 'Pending', initContainerStatuses: [{ name: 'x', ...waiting('CrashLoopBackOff'), restartCount: 4 }] },
      },
      '0/2',
      'Init:CrashLoopBackOff',
      '4',
    ],
    [
      'a sidecar counted among the containers',
      {
        spec: { ...two, initContainers: [{ name: 'x', restartPolicy: 'Always' }] },
        status: {
          phase: 'Running',
          initContainerStatuses: [{ name: 'x', ...running, started: true, restartCount: 1 }],
          containerStatuses: [running, running],
        },
      },
      '3/3',
      'Running',
      '1',
    ],
  ])('tells of %s', (_what, object, ready, status, restarts) => {
    expect(row('v1', 'Pod', { spec: two, ...object })).toMatchObject({ Ready: ready, Status: status, Restarts: restarts, Age: '5m' });
  });

  it('shows more when asked for more', () => {
    const spec = { ...two, nodeName: 'n', readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] };
    const status = { podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'x', status: 'True' }] };
    expect(row('v1', 'Pod', { spec, status })).toMatchObject({
      IP: '10.0.0.1',
      Node: 'n',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/2',
    });
  });
});

describe('lines of other kinds', () => {
  const service = (spec: object, status = {}): Readonly<Record<string, unknown>> => row('v1', 'Service', { spec, status });
  const ports = [
    { port: 80, protocol: 'TCP', nodePort: 30080 },
    { port: 53, protocol: 'UDP' },
  ];

  it.each([
    ['ClusterIP', service({ type: 'ClusterIP', clusterIPs: ['10.96.0.1'], ports }), '10.96.0.1', '<none>', '80:30080/TCP,53/UDP'],
    ['headless', service({ type: 'ClusterIP', clusterIPs: ['None'] }), 'None', '<none>', '<none>'],
    ['pending', service({ type: 'LoadBalancer', clusterIPs: ['10.96.0.1'] }), '10.96.0.1', '<pending>', '<none>'],
    [
      'balanced',
      service({ type: 'LoadBalancer', externalIPs: ['1.1.1.1'] }, { loadBalancer: { ingress: [{ ip: '9.9.9.9' }] } }),
      '<none>',
      '9.9.9.9,1.1.1.1',
      '<none>',
    ],
    ['external', service({ type: 'ExternalName', externalName: 'x.org' }), '<none>', 'x.org', '<none>'],
  ])('tell of a service: %s', (_what, cells, clusterIp, externalIp, portsCell) => {
    expect(cells).toMatchObject({ 'Cluster-IP': clusterIp, 'External-IP': externalIp, 'Port(s)': portsCell });
  });

  it('tell a node’s readiness, roles and addresses', () => {
    const metadata = { ...created, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' } };
    const status = {
      conditions: [{ type: 'Ready', status: 'Unknown' }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.2' }],
      nodeInfo: { kubeletVersion: 'v1.36.0' },
    };
    expect(row('v1', 'Node', { metadata, spec: { unschedulable: true }, status })).toMatchObject({
      Status: 'NotReady,SchedulingDisabled',
      Roles: 'edge,worker',
      Version: 'v1.36.0',
      'Internal-IP': '10.0.0.2',
      'External-IP': '<none>',
      'OS-Image': '<unknown>',
    });
    expect(row('v1', 'Node', {})).toMatchObject({ Status: 'Unknown', Roles: '<none>' });
  });

  it('count a deployment’s replicas and name its images', () => {
    const template = {
      spec: {
        containers: [
          { name: 'a', image: 'x:1' },
          { name: 'b', image: 'y:2' },
        ],
      },
    };
    const spec = {
      replicas: 3,
      template,
      selector: { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['d', 'c'] }] },
    };
    expect(row('apps/v1', 'Deployment', { spec, status: { readyReplicas: 2, updatedReplicas: 3 } })).toMatchObject({
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 0,
      Containers: 'a,b',
      Images: 'x:1,y:2',
      Selector: 'app=a,b in (c,d)',
    });
  });

  it('show three endpoints and count the rest', () => {
    const addresses = ['10.0.0.1', '10.0.0.2'].map((ip) => ({ ip }));
    expect(row('v1', 'Endpoints', { subsets: [{ addresses, ports: [{ port: 80 }, { port: 81 }] }] })).toMatchObject({
      Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...',
    });
    expect(row('v1', 'Endpoints', {})).toMatchObject({ Endpoints: '<none>' });
    const slice = { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }, { name: 'x' }, {}] };
    expect(row('discovery.k8s.io/v1', 'EndpointSlice', slice)).toMatchObject({ Ports: '80,x,*', Endpoints: '10.0.0.1' });
    const empty = { addressType: 'IPv4', endpoints: null, ports: null };
    expect(row('discovery.k8s.io/v1', 'EndpointSlice', empty)).toMatchObject({ Ports: '<unset>', Endpoints: '<unset>' });
  });

  it('tell a Kubernetes Event alike in both groups', () => {
    const common = { reason: 'Pulled', type: 'Normal', eventTime: null, reportingInstance: '' };
    const object = { kind: 'Pod', name: 'web', fieldPath: 'spec.containers{c}' };
    const core = {
      ...common,
      involvedObject: object,
      message: ' done\n',
      source: { component: 'kubelet', host: 'n' },
      firstTimestamp: '2026-01-02T11:50:00Z',
      lastTimestamp: '2026-01-02T11:59:00Z',
      count: 3,
    };
    const newer = {
      ...common,
      regarding: object,
      note: ' done\n',
      deprecatedSource: core.source,
      deprecatedFirstTimestamp: core.firstTimestamp,
      deprecatedLastTimestamp: core.lastTimestamp,
      deprecatedCount: 3,
    };
    const expected = { 'Last Seen': '60s', Object: 'pod/web', Source: 'kubelet, n', Message: 'done', 'First Seen': '10m', Count: 3 };
    expect(row('v1', 'Event', core)).toMatchObject(expected);
    expect(row('events.k8s.io/v1', 'Event', newer)).toMatchObject(expected);
  });

  it('list whom a binding binds', () => {
    const subjects = [
      { kind: 'User', name: 'u' },
      { kind: 'Group', name: 'g' },
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
    ];
    expect(row('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects })).toMatchObject({
      Role: 'Role/r',
      Users: 'u',
      Groups: 'g',
      ServiceAccounts: 'n/s',
    });
  });

  it('count data and secrets, and name holders and parents', () => {
    expect(row('v1', 'ConfigMap', { data: { a: '' }, binaryData: { b: '' } })).toMatchObject({ Data: 2 });
    expect(row('v1', 'Secret', { type: 'Opaque', data: { a: '' } })).toMatchObject({ Type: 'Opaque', Data: 1 });
    expect(row('v1', 'ServiceAccount', {})).toMatchObject({ Secrets: 0 });
    expect(row('coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'n' } })).toMatchObject({ Holder: 'n' });
    expect(row('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: '50%' } })).toMatchObject({
      'Min Available': '50%',
      'Max Unavailable': 'N/A',
    });
    const parentRef = { resource: 'services', namespace: 'default', name: 'a' };
    expect(row('networking.k8s.io/v1', 'IPAddress', { spec: { parentRef } })).toMatchObject({ ParentRef: 'services/default/a' });
  });

  it('show a claim’s volume only once it has one', () => {
    const status = { phase: 'Bound', accessModes: ['ReadWriteMany', 'ReadWriteOnce'], capacity: { storage: '1Gi' } };
    expect(row('v1', 'PersistentVolumeClaim', { spec: { volumeName: 'v', storageClassName: 's' }, status })).toMatchObject({
      Status: 'Bound',
      Capacity: '1Gi',
      'Access Modes': 'RWO,RWX',
      StorageClass: 's',
    });
    expect(row('v1', 'PersistentVolumeClaim', { spec: {}, status })).toMatchObject({ Capacity: '', 'Access Modes': '' });
  });
});
