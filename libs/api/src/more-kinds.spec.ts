import { invalid } from '#libs/apimachinery';
import { definitionFor, made, told, type Manifest } from '#libs/testing';
import {} from './index.js';

const problemsOf = (manifest: Manifest): readonly string[] => told(definitionFor(manifest).strategy.validate(made(manifest)));

const problemsOfUpdate = (next: Manifest, old: Manifest): readonly string[] =>
  told(definitionFor(next).strategy.validateUpdate(made(next), made(old)));

const metadata = { name: 'a', namespace: 'default' };
const cluster = { name: 'a' };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };
const backend = { service: { name: 'web', port: { number: 80 } } };
const STORAGE = 'storage.k8s.io/v1';
const NETWORKING = 'networking.k8s.io/v1';

const GOOD: Readonly<Record<string, Manifest>> = {
  pv: {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: cluster,
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
  },
  rc: { apiVersion: 'v1', kind: 'ReplicationController', metadata, spec: { template } },
  limits: {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata,
    spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '100m' } }] },
  },
  quota: { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '2', 'requests.cpu': '1', 'count/jobs.batch': '3' } } },
  podTemplate: { apiVersion: 'v1', kind: 'PodTemplate', metadata, template },
  revision: { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, data: { a: 1 }, revision: 1 },
  ingress: {
    apiVersion: NETWORKING,
    kind: 'Ingress',
    metadata,
    spec: { rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
  },
  ingressClass: { apiVersion: NETWORKING, kind: 'IngressClass', metadata: cluster, spec: { controller: 'example.com/ingress' } },
  policy: {
    apiVersion: NETWORKING,
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }], from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }] },
  },
  runtimeClass: { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: cluster, handler: 'runc' },
  priority: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: cluster, value: 100 },
  storageClass: { apiVersion: STORAGE, kind: 'StorageClass', metadata: cluster, provisioner: 'example.com/disk' },
  attributes: {
    apiVersion: STORAGE,
    kind: 'VolumeAttributesClass',
    metadata: cluster,
    driverName: 'disk.example.com',
    parameters: { iops: '1' },
  },
  driver: { apiVersion: STORAGE, kind: 'CSIDriver', metadata: { name: 'disk.example.com' }, spec: {} },
  csiNode: { apiVersion: STORAGE, kind: 'CSINode', metadata: cluster, spec: { drivers: [{ name: 'disk.example.com', nodeID: 'n' }] } },
  capacity: { apiVersion: STORAGE, kind: 'CSIStorageCapacity', metadata, storageClassName: 'fast', capacity: '1Gi' },
  attachment: {
    apiVersion: STORAGE,
    kind: 'VolumeAttachment',
    metadata: cluster,
    spec: { attacher: 'disk.example.com', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  },
};

describe('further kinds', () => {
  test.each(Object.entries(GOOD))('a plain %s has no problems, and none after an update that changes nothing', (_, manifest) => {
    expect(problemsOf(manifest)).toEqual([]);
    expect(problemsOfUpdate(manifest, manifest)).toEqual([]);
  });

  test.each<[string, Manifest, object]>([
    [
      'a volume',
      GOOD['pv'] as Manifest,
      { spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
    ],
    [
      'a replication controller',
      GOOD['rc'] as Manifest,
      { metadata: { labels: { app: 'a' }, generation: 1 }, spec: { replicas: 1, selector: { app: 'a' } } },
    ],
    ['a limit range', GOOD['limits'] as Manifest, { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2' } }] } }],
    [
      'a network policy',
      GOOD['policy'] as Manifest,
      { spec: { policyTypes: ['Ingress'], ingress: [{ ports: [{ protocol: 'TCP', port: 80 }] }] } },
    ],
    ['a priority class', GOOD['priority'] as Manifest, { preemptionPolicy: 'PreemptLowerPriority' }],
    ['a storage class', GOOD['storageClass'] as Manifest, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }],
    [
      'a driver',
      GOOD['driver'] as Manifest,
      { spec: { attachRequired: true, volumeLifecycleModes: ['Persistent'], fsGroupPolicy: 'ReadWriteOnceWithFSType' } },
    ],
  ])('%s is given what it leaves out', (_, manifest, wanted) => {
    expect(made(manifest)).toMatchObject(wanted);
  });

  test.each<[string, Manifest, readonly string[]]>([
    [
      'a volume that is nowhere',
      { ...GOOD['pv'], spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } } as Manifest,
      ['spec: Required value: must specify a volume type'],
    ],
    [
      'a local volume without a node',
      { ...GOOD['pv'], spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], local: { path: '/x' } } } as Manifest,
      ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
    ],
    [
      'a quota of nothing known',
      { ...GOOD['quota'], spec: { hard: { apples: '1' } } } as Manifest,
      ['spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota'],
    ],
    [
      'a quota of conflicting scopes',
      { ...GOOD['quota'], spec: { hard: { pods: '1' }, scopes: ['Terminating', 'NotTerminating'] } } as Manifest,
      ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
    ],
    [
      'a minimum above the maximum',
      { ...GOOD['limits'], spec: { limits: [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }] } } as Manifest,
      ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
    ],
    [
      'an ingress without a rule',
      { ...GOOD['ingress'], spec: {} } as Manifest,
      ['spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    ],
    [
      'an ingress without a type of path',
      { ...GOOD['ingress'], spec: { rules: [{ http: { paths: [{ path: '/', backend }] } }] } } as Manifest,
      ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
    ],
    [
      'a policy whose exception is outside',
      {
        ...GOOD['policy'],
        spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] },
      } as Manifest,
      ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
    ],
    [
      'a priority of the system',
      { ...GOOD['priority'], value: 2_000_000_000 } as Manifest,
      ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    ],
    [
      'a class of attributes without any',
      { ...GOOD['attributes'], parameters: {} } as Manifest,
      ['parameters: Required value: must contain at least one key/value pair'],
    ],
    [
      'an attachment of two volumes',
      { ...GOOD['attachment'], spec: { attacher: 'd.example.com', nodeName: 'n', source: {} } } as Manifest,
      ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    ],
  ])('%s is refused, with the field named', (_, manifest, problems) => {
    expect(problemsOf(manifest)).toEqual(problems);
  });

  test.each<[string, Manifest, Manifest, readonly string[]]>([
    [
      'the value of a priority class',
      { ...GOOD['priority'], value: 5 } as Manifest,
      GOOD['priority'] as Manifest,
      ['value: Forbidden: may not be changed in an update.'],
    ],
    [
      'the data of a revision',
      { ...GOOD['revision'], data: { a: 2 } } as Manifest,
      GOOD['revision'] as Manifest,
      ['data: Invalid value: {"a":2}: field is immutable'],
    ],
    [
      'the provisioner of a storage class',
      { ...GOOD['storageClass'], provisioner: 'example.com/other' } as Manifest,
      GOOD['storageClass'] as Manifest,
      ['provisioner: Invalid value: "example.com/other": field is immutable'],
    ],
    [
      'where a volume is',
      { ...GOOD['pv'], spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/other' } } } as Manifest,
      GOOD['pv'] as Manifest,
      ['spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation'],
    ],
  ])('%s does not move', (_, next, old, problems) => {
    expect(problemsOfUpdate(next, old)).toEqual(problems);
  });

  test('the words of an Invalid status name the kind', () => {
    expect(
      invalid('storage.k8s.io', 'StorageClass', 'a', [{ reason: 'FieldValueRequired', field: 'provisioner', message: 'Required value' }])
        .message,
    ).toBe('StorageClass.storage.k8s.io "a" is invalid: provisioner: Required value');
  });
});
