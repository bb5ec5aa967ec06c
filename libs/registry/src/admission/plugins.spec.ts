import {
  INGRESSES,
  NODES,
  PERSISTENTVOLUMECLAIMS,
  PERSISTENTVOLUMES,
  PODS,
  PRIORITYCLASSES,
  type Ingress,
  type PersistentVolumeClaim,
  type Pod,
} from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { aNamespace, aPod, aServiceAccount, decidedIn, refusedIn } from '#libs/testing';

const made = (apiVersion: string, kind: string, name: string, members: object = {}, metadata: object = {}): KubeObject =>
  ({ apiVersion, kind, metadata: { name, ...metadata }, ...members }) as KubeObject;
const base = [aNamespace('default'), aServiceAccount('default')];
const podOf = (objects: readonly KubeObject[], object: KubeObject): Pod =>
  decidedIn([...base, ...objects], { resource: PODS, object }).answer as Pod;
const whyNot = (objects: readonly KubeObject[], object: KubeObject): string =>
  refusedIn([...base, ...objects], { resource: PODS, object }).message;
const POD = 'pods "a" is forbidden: ';

describe('Priority', () => {
  const pc = (name: string, value: number, more: object = {}): KubeObject =>
    made('scheduling.k8s.io/v1', 'PriorityClass', name, { value, ...more });

  it.each([
    [
      'the class that it names',
      [pc('high', 1000, { preemptionPolicy: 'Never' })],
      { priorityClassName: 'high' },
      { priority: 1000, preemptionPolicy: 'Never' },
    ],
    ['a class of the system', [], { priorityClassName: 'system-node-critical' }, { priority: 2_000_001_000 }],
    ['nothing where there is no default', [pc('high', 1000)], {}, { priority: 0, preemptionPolicy: 'PreemptLowerPriority' }],
    [
      'the lowest default',
      [pc('b', 7, { globalDefault: true }), pc('a', 5, { globalDefault: true })],
      {},
      { priorityClassName: 'a', priority: 5 },
    ],
  ])('gives a pod %s', (_title, classes, spec, wanted) => {
    expect(podOf(classes, aPod('a', spec)).spec).toMatchObject(wanted);
  });

  const computed = 'must not be provided in pod spec; priority admission controller computed';
  it.each([
    [{ priorityClassName: 'none' }, 'no PriorityClass with name none was found'],
    [{ priority: 3 }, `the integer value of priority (3) ${computed} 0 from the given PriorityClass name`],
    [
      { preemptionPolicy: 'Never' },
      `the string value of PreemptionPolicy (Never) ${computed} PreemptLowerPriority from the given PriorityClass name`,
    ],
  ])('refuses a pod with %j', (spec, why) => {
    expect(whyNot([], aPod('a', spec))).toBe(POD + why);
  });

  it('lets one class be the default', () => {
    const object = pc('second', 1, { globalDefault: true });
    expect(refusedIn([pc('first', 5, { globalDefault: true })], { resource: PRIORITYCLASSES, object }).message).toBe(
      'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
    );
  });

  it('keeps the classes of the system', () => {
    const name = 'system-node-critical';
    expect(refusedIn([pc(name, 2_000_001_000)], { resource: PRIORITYCLASSES, verb: 'delete', name }).message).toBe(
      `priorityclasses.scheduling.k8s.io "${name}" is forbidden: this is a system priority class and cannot be deleted`,
    );
  });
});

describe('ServiceAccount', () => {
  const account = (members: object, annotations: object = {}): KubeObject =>
    made('v1', 'ServiceAccount', 'build', members, { namespace: 'default', annotations });
  const strict = account({ secrets: [{ name: 'mine' }] }, { 'kubernetes.io/enforce-mountable-secrets': 'true' });
  const with_ = (spec: object): KubeObject => aPod('a', { serviceAccountName: 'build', ...spec });

  it('gives a pod its account’s pull secrets, unless it has some', () => {
    const lenient = account({ imagePullSecrets: [{ name: 'registry' }] });
    expect(podOf([lenient], with_({})).spec?.imagePullSecrets).toEqual([{ name: 'registry' }]);
    expect(podOf([lenient], with_({ imagePullSecrets: [{ name: 'own' }] })).spec?.imagePullSecrets).toEqual([{ name: 'own' }]);
  });

  it('mounts a token unless the pod, or else the account, says no', () => {
    const mounts = (spec: object, on?: boolean) =>
      podOf([account(on === undefined ? {} : { automountServiceAccountToken: on })], with_(spec)).spec?.volumes?.length ?? 0;
    expect([mounts({}), mounts({}, false), mounts({ automountServiceAccountToken: true }, false)]).toEqual([1, 0, 1]);
    expect(mounts({ automountServiceAccountToken: false }, true)).toBe(0);
  });

  const unlisted = 'is not allowed because service account build does not reference that';
  const container = (more: object) => ({ containers: [{ name: 'main', image: 'echo:1.0', ...more }] });
  it.each([
    [{ volumes: [{ name: 'v', secret: { secretName: 'other' } }] }, `volume with secret.secretName="other" ${unlisted} secret`],
    [
      container({ env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] }),
      `container main with envVar E referencing secret.secretName="other" ${unlisted} secret`,
    ],
    [
      container({ envFrom: [{ secretRef: { name: 'other' } }] }),
      `container main with envFrom referencing secret.secretName="other" ${unlisted} secret`,
    ],
    [{ imagePullSecrets: [{ name: 'other' }] }, `imagePullSecrets[0].name="other" ${unlisted} imagePullSecret`],
  ])('keeps a pod of a strict account from %j', (spec, why) => {
    expect(whyNot([strict], with_(spec))).toBe(POD + why);
  });

  it('lets a pod of a strict account use what it lists', () => {
    const volumes = [{ name: 'v', secret: { secretName: 'mine' } }];
    expect(podOf([strict], with_({ volumes })).spec?.volumes).toHaveLength(2);
  });

  const mirror = (spec: object): KubeObject => ({
    ...aPod('a', { nodeName: 'n1', ...spec }),
    metadata: { name: 'a', namespace: 'default', annotations: { 'kubernetes.io/config.mirror': 'x' } },
  });
  it.each([
    [{ serviceAccountName: 'default' }, 'a mirror pod may not reference service accounts'],
    [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'a mirror pod may not reference secrets'],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
  ])('keeps a mirror pod from %j', (spec, why) => {
    expect(whyNot([], mirror(spec))).toBe(POD + why);
  });
});

describe('RuntimeClass', () => {
  const rc = (members: object): KubeObject => made('node.k8s.io/v1', 'RuntimeClass', 'vm', { handler: 'vm', ...members });
  const pod = (spec: object = {}): KubeObject => aPod('a', { runtimeClassName: 'vm', ...spec });

  it('adds what the runtime takes, and where it runs', () => {
    const toleration = { key: 'vm', operator: 'Exists' };
    const found = rc({ overhead: { podFixed: { cpu: '250m' } }, scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [toleration] } });
    const { spec } = podOf([found], pod({ nodeSelector: { disk: 'ssd' } }));
    expect(spec).toMatchObject({ overhead: { cpu: '250m' }, nodeSelector: { disk: 'ssd', vm: 'yes' } });
    expect(spec?.tolerations).toContainEqual(toleration);
  });

  it.each([
    [[], pod(), 'pod rejected: RuntimeClass "vm" not found'],
    [
      [rc({ overhead: { podFixed: { cpu: '250m' } } })],
      pod({ overhead: { cpu: '1' } }),
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [[rc({})], pod({ overhead: { cpu: '1' } }), 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [
      [rc({ scheduling: { nodeSelector: { vm: 'yes' } } })],
      pod({ nodeSelector: { vm: 'no' } }),
      'conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
    ],
  ])('refuses, given %j, %j', (objects, object, why) => {
    expect(whyNot(objects, object)).toBe(POD + why);
  });
});

describe('storage', () => {
  const sc = (name: string, isDefault: boolean, created = '2025-01-01T00:00:00Z', more: object = {}): KubeObject =>
    made(
      'storage.k8s.io/v1',
      'StorageClass',
      name,
      { provisioner: 'p', ...more },
      {
        creationTimestamp: created,
        annotations: isDefault ? { 'storageclass.kubernetes.io/is-default-class': 'true' } : {},
      },
    );
  const claim = (spec: object = {}, members: object = {}): KubeObject =>
    made(
      'v1',
      'PersistentVolumeClaim',
      'c',
      { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec }, ...members },
      { namespace: 'default' },
    );
  const claimed = (objects: readonly KubeObject[], object: KubeObject): PersistentVolumeClaim =>
    decidedIn([...base, ...objects], { resource: PERSISTENTVOLUMECLAIMS, object }).answer as PersistentVolumeClaim;

  it('gives a claim that names no class the newest default one', () => {
    const classes = [sc('old', true), sc('new', true, '2025-06-01T00:00:00Z'), sc('newest', false, '2025-07-01T00:00:00Z')];
    expect(claimed(classes, claim()).spec?.storageClassName).toBe('new');
    expect(claimed(classes, claim({ storageClassName: '' })).spec?.storageClassName).toBe('');
    expect(claimed([sc('old', false)], claim()).spec?.storageClassName).toBeUndefined();
  });

  it('protects claims and volumes from the first', () => {
    expect(claimed([], claim()).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    const volume = made('v1', 'PersistentVolume', 'v', {
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
    });
    expect(decidedIn([], { resource: PERSISTENTVOLUMES, object: volume }).answer.metadata.finalizers).toEqual([
      'kubernetes.io/pv-protection',
    ]);
  });

  const bigger = { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } };
  const grown = (objects: readonly KubeObject[], status: object) =>
    [
      [...base, ...objects, claim({ storageClassName: 'fast' }, { status })],
      { resource: PERSISTENTVOLUMECLAIMS, verb: 'update', namespace: 'default', name: 'c', object: claim(bigger) },
    ] as const;
  it('lets a bound claim grow where its class allows it', () => {
    const bound = { phase: 'Bound' };
    expect(decidedIn(...grown([sc('fast', false, undefined, { allowVolumeExpansion: true })], bound)).writes).toHaveLength(1);
    const why = 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    expect(refusedIn(...grown([sc('fast', false)], bound)).message).toBe(`persistentvolumeclaims "c" is forbidden: ${why}`);
  });
});

describe('DefaultIngressClass', () => {
  const ic = made(
    'networking.k8s.io/v1',
    'IngressClass',
    'nginx',
    { spec: { controller: 'example.com/n' } },
    {
      annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' },
    },
  );
  const ingress = (spec: object, annotations: object = {}): KubeObject =>
    made(
      'networking.k8s.io/v1',
      'Ingress',
      'i',
      { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...spec } },
      { namespace: 'default', annotations },
    );
  it.each([
    [{}, {}, 'nginx'],
    [{ ingressClassName: 'other' }, {}, 'other'],
    [{}, { 'kubernetes.io/ingress.class': 'old' }, undefined],
  ])('of an ingress with %j and %j', (spec, annotations, wanted) => {
    const { answer } = decidedIn([...base, ic], { resource: INGRESSES, object: ingress(spec, annotations) });
    expect((answer as Ingress).spec?.ingressClassName).toBe(wanted);
  });
});

describe('TaintNodesByCondition', () => {
  it('keeps pods from a node that nobody has seen ready', () => {
    expect(decidedIn([], { resource: NODES, object: made('v1', 'Node', 'n1') }).answer).toMatchObject({
      spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
    });
  });
});
