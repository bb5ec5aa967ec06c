import { CONFIGMAPS, LEASES, PERSISTENTVOLUMECLAIMS, PODS, REPLICASETS, SERVICES, type ResourceQuota } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { aConfigMap, aNamespace, aPod, aService, aServiceAccount, decidedIn, refusedIn, type DecidedWish } from '#libs/testing';

type Amounts = Readonly<Record<string, string>>;

const quota = (hard: Amounts, used: Amounts, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard, ...spec },
    status: { hard, used },
  }) as KubeObject;
const world = (...more: readonly KubeObject[]): readonly KubeObject[] => [aNamespace('default'), aServiceAccount('default'), ...more];
const pod = (resources: object = {}, more: object = {}): KubeObject =>
  aPod('a', { containers: [{ name: 'main', image: 'echo:1.0', resources }], ...more });
const claim = (storageClassName: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'default' },
    spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
  }) as KubeObject;

/** What the quota has used after the write; undefined where it is not touched. */
function usedAfter(objects: readonly KubeObject[], wish: DecidedWish): Amounts | undefined {
  const write = decidedIn(objects, wish).writes.find(({ object }) => object.kind === 'ResourceQuota');
  return (write?.object as ResourceQuota | undefined)?.status?.used;
}

const zeros = (hard: Amounts): Amounts => Object.fromEntries(Object.keys(hard).map((name) => [name, '0']));

describe('what a creation takes of a quota', () => {
  const COMPUTE = {
    requests: { cpu: '100m', memory: '1Gi', 'example.com/dongle': '3' },
    limits: { cpu: '200m', memory: '1Gi', 'example.com/dongle': '3' },
  };
  const rows: readonly (readonly [string, Amounts, GroupVersionResource, KubeObject, Amounts | undefined])[] = [
    ['a pod', { pods: '5', 'count/pods': '5' }, PODS, pod(), { pods: '1', 'count/pods': '1' }],
    [
      'a pod’s requests and limits',
      { cpu: '1', 'requests.memory': '2Gi', 'limits.cpu': '1', 'requests.example.com/dongle': '3' },
      PODS,
      pod(COMPUTE),
      { cpu: '100m', 'requests.memory': '1Gi', 'limits.cpu': '200m', 'requests.example.com/dongle': '3' },
    ],
    ['a config map', { configmaps: '2', pods: '1' }, CONFIGMAPS, aConfigMap('m'), { configmaps: '1', pods: '0' }],
    ['nothing of what is not limited', { pods: '1' }, CONFIGMAPS, aConfigMap('m'), undefined],
    [
      'a service with node ports',
      { services: '2', 'services.nodeports': '2', 'services.loadbalancers': '1' },
      SERVICES,
      aService('s', { type: 'LoadBalancer' }),
      { services: '1', 'services.nodeports': '1', 'services.loadbalancers': '1' },
    ],
    [
      'a claim, of its storage class too',
      { persistentvolumeclaims: '1', 'requests.storage': '5Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '5Gi' },
      PERSISTENTVOLUMECLAIMS,
      claim('gold'),
      { persistentvolumeclaims: '1', 'requests.storage': '2Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '2Gi' },
    ],
    [
      'a claim of another storage class',
      { 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1' },
      PERSISTENTVOLUMECLAIMS,
      claim('silver'),
      undefined,
    ],
  ];
  it.each(rows)('is %s', (_title, hard, resource, object, used) => {
    expect(usedAfter(world(quota(hard, zeros(hard))), { resource, object })).toEqual(used);
  });

  it('is nothing in a dry run', () => {
    const objects = world(quota({ pods: '1' }, { pods: '0' }));
    expect(decidedIn(objects, { resource: PODS, object: pod(), options: { dryRun: true } }).writes).toEqual([]);
  });

  it('is checked, not written, where the object lives in another stream', () => {
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', namespace: 'default' } };
    const name = 'count/leases.coordination.k8s.io';
    expect(usedAfter(world(quota({ [name]: '1' }, { [name]: '0' })), { resource: LEASES, object: lease })).toBeUndefined();
    expect(refusedIn(world(quota({ [name]: '1' }, { [name]: '1' })), { resource: LEASES, object: lease })).toMatchObject({ code: 403 });
  });

  it('waits for no status: a quota that nobody has looked at yet limits nothing', () => {
    const fresh = { ...quota({ pods: '0' }, {}), status: {} } as KubeObject;
    expect(usedAfter(world(fresh), { resource: PODS, object: pod() })).toBeUndefined();
  });
});

describe('a write is refused', () => {
  const rows: readonly (readonly [string, KubeObject, GroupVersionResource, KubeObject, string])[] = [
    [
      'where it exceeds a quota',
      quota({ pods: '1', cpu: '1' }, { pods: '1', cpu: '950m' }),
      PODS,
      pod({ requests: { cpu: '100m' } }),
      'exceeded quota: q, requested: cpu=100m,pods=1, used: cpu=950m,pods=1, limited: cpu=1,pods=1',
    ],
    [
      'where a container does not say what it takes',
      quota({ 'limits.memory': '1Gi', cpu: '1' }, { 'limits.memory': '0', cpu: '0' }),
      PODS,
      pod({ requests: { memory: '1Mi' } }),
      'failed quota: q: must specify cpu for: main; limits.memory for: main',
    ],
    [
      'while what a quota has used is not known',
      quota({ pods: '1', cpu: '1' }, { pods: '0' }),
      PODS,
      pod({ requests: { cpu: '1m' } }),
      'status unknown for quota: q, resources: cpu',
    ],
  ];
  it.each(rows)('%s', (_title, limiting, resource, object, why) => {
    expect(refusedIn(world(limiting), { resource, object })).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `${resource.resource} "a" is forbidden: ${why}`,
    });
  });

  it('where a quota counts its kind by group', () => {
    const set = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', namespace: 'default' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'echo:1.0' }] } },
      },
    };
    const counted = 'count/replicasets.apps';
    const objects = world(quota({ [counted]: '0' }, { [counted]: '0' }));
    expect(refusedIn(objects, { resource: REPLICASETS, object: set }).message).toBe(
      `replicasets.apps "r" is forbidden: exceeded quota: q, requested: ${counted}=1, used: ${counted}=0, limited: ${counted}=0`,
    );
  });
});

describe('the scopes of a quota', () => {
  const across = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'x', namespaces: ['other'] }] } };
  const requested = { requests: { cpu: '1m', memory: '1Mi' } };
  const rows: readonly (readonly [object, object, object, boolean])[] = [
    [{ scopes: ['Terminating'] }, {}, { activeDeadlineSeconds: 5 }, true],
    [{ scopes: ['Terminating'] }, {}, {}, false],
    [{ scopes: ['NotTerminating'] }, {}, {}, true],
    [{ scopes: ['BestEffort'] }, {}, {}, true],
    [{ scopes: ['BestEffort'] }, requested, {}, false],
    [{ scopes: ['NotBestEffort', 'NotTerminating'] }, requested, {}, true],
    [{ scopes: ['CrossNamespacePodAffinity'] }, {}, { affinity: across }, true],
    [{ scopes: ['CrossNamespacePodAffinity'] }, {}, {}, false],
    [selecting('In', ['high']), {}, { priorityClassName: 'high' }, true],
    [selecting('In', ['high']), {}, {}, false],
    [selecting('NotIn', ['high']), {}, {}, true],
    [selecting('Exists'), {}, { priorityClassName: 'high' }, true],
    [selecting('DoesNotExist'), {}, { priorityClassName: 'high' }, false],
  ];
  function selecting(operator: string, values?: readonly string[]): object {
    return { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values ? { values } : {}) }] } };
  }
  const high = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 } as KubeObject;
  it.each(rows)('%j: a pod with %j %j is counted: %j', (scopes, resources, spec, counted) => {
    const objects = world(high, quota({ pods: '5' }, { pods: '0' }, scopes));
    expect(usedAfter(objects, { resource: PODS, object: pod(resources, spec) }) !== undefined).toBe(counted);
  });

  it('keep a quota from everything that has none', () => {
    const objects = world(quota({ configmaps: '1' }, { configmaps: '0' }, { scopes: ['NotTerminating'] }));
    expect(usedAfter(objects, { resource: CONFIGMAPS, object: aConfigMap('m') })).toBeUndefined();
  });
});

describe('an update', () => {
  const hard = { services: '2', 'services.nodeports': '2' };
  const service = (type: string, ports = 1): KubeObject => ({
    ...aService('s', {
      type,
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      ports: [80, 81, 82].slice(0, ports).map((port) => ({ port, name: `p${port}` })),
    }),
  });
  const changed = (from: KubeObject, to: KubeObject, used: Amounts) =>
    [world(quota(hard, used), from), { resource: SERVICES, verb: 'update', namespace: 'default', name: 's', object: to }] as const;

  it('is charged what it takes more, and given back what it takes less', () => {
    expect(usedAfter(...changed(service('ClusterIP'), service('NodePort', 2), { services: '1', 'services.nodeports': '0' }))).toEqual({
      services: '1',
      'services.nodeports': '2',
    });
    const ported = service('NodePort') as KubeObject & { spec: { ports: readonly object[] } };
    const held = { ...ported, spec: { ...ported.spec, ports: [{ name: 'p80', port: 80, nodePort: 30001 }] } } as KubeObject;
    expect(usedAfter(...changed(held, service('ClusterIP'), { services: '1', 'services.nodeports': '1' }))).toEqual({
      services: '1',
      'services.nodeports': '0',
    });
  });

  it('that exceeds a quota is refused', () => {
    expect(refusedIn(...changed(service('ClusterIP'), service('NodePort', 3), { services: '1', 'services.nodeports': '0' })).message).toBe(
      'services "s" is forbidden: exceeded quota: q, requested: services.nodeports=3, used: services.nodeports=0, limited: services.nodeports=2',
    );
  });
});

describe('resizing a pod', () => {
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '1' } };
  const resized = (cpu: string): DecidedWish => ({
    resource: PODS,
    verb: 'patch',
    namespace: 'default',
    name: 'a',
    subresource: 'resize',
    patch: { type: 'strategic', body: { spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] } } },
  });
  const objects = world(quota({ pods: '1', 'requests.cpu': '500m' }, { pods: '1', 'requests.cpu': '100m' }), pod(resources));

  it('is charged what it takes more, and refused where that is too much', () => {
    expect(usedAfter(objects, resized('400m'))).toEqual({ pods: '1', 'requests.cpu': '400m' });
    expect(refusedIn(objects, resized('600m')).message).toBe(
      'pods "a" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=100m, limited: requests.cpu=500m',
    );
  });
});
