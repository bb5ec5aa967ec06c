import {
  CONFIGMAPS,
  DEPLOYMENTS,
  IPADDRESSES,
  NAMESPACES,
  NODEPORTS,
  PODDISRUPTIONBUDGETS,
  PODS,
  SERVICEACCOUNTS,
  SERVICES,
} from '#libs/api';
import { StatusError, toStatus, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import { MemoryCluster, type Wish } from '#libs/testing';

type Loose = KubeObject & { readonly spec: Record<string, never>; readonly status: Record<string, never>; readonly details: unknown };

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const configMap = (name: string, data?: Record<string, string>): KubeObject & { data?: unknown } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  ...(data ? { data } : {}),
});
const pod = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'echo:1.0' }], ...spec },
  }) as KubeObject;
const service = (name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  }) as KubeObject;
const deployment = (name: string): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'echo:1.0' }] } },
    },
  }) as KubeObject;

let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, namespace('default'));
  await cluster.create(SERVICEACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } });
});
afterEach(() => cluster.stop());

const refused = async (write: Promise<unknown>): Promise<{ code: number; reason: string; message: string; details: unknown }> => {
  const error = await write.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StatusError)) throw error ?? new Error('the write was not refused');
  const { code, reason, message, details } = toStatus(error);
  return { code, reason, message, details };
};
const types = async (): Promise<string[]> => {
  const seen: string[] = [];
  const until = await cluster.log.last('state');
  for await (const { events } of cluster.log.read('state', 0, { until })) {
    for (const { meta, subject } of events) seen.push(`${meta.type} ${subject.split('.').slice(4).join('.')}`);
  }
  return seen.slice(2);
};
const target = { namespace: 'default', name: 'a' };
const write = (verb: 'create' | 'update' | 'patch' | 'delete', resource: GroupVersionResource, wish: Wish) =>
  cluster.write(verb, resource, wish);
const update = async (resource: GroupVersionResource, change: (old: Loose) => object, wish: Wish = target) => {
  const old = (await cluster.get(resource, wish.namespace ?? '', wish.name ?? '')) as Loose;
  return cluster.write('update', resource, { ...wish, object: change(old) });
};

describe('creating', () => {
  it('answers with the resourceVersion that is the sequence in the log, a uid and a time', async () => {
    const { code, object, sequence } = await cluster.create(CONFIGMAPS, configMap('a', { k: 'v' }));
    expect(code).toBe(201);
    expect(object).toMatchObject({
      data: { k: 'v' },
      metadata: { resourceVersion: String(sequence), creationTimestamp: '2026-01-01T00:00:00Z' },
    });
    expect(object.metadata.uid).toBeTruthy();
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toEqual(object);
  });

  it('refuses a second object of the same name', async () => {
    await cluster.create(CONFIGMAPS, configMap('a'));
    expect(await refused(cluster.create(CONFIGMAPS, configMap('a')))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
  });

  it('lets one of many that race for a name win', async () => {
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => cluster.create(CONFIGMAPS, configMap('a'))));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('takes the name of a deleted object, after a restart too', async () => {
    await cluster.create(CONFIGMAPS, configMap('a'));
    await write('delete', CONFIGMAPS, target);
    await cluster.create(CONFIGMAPS, configMap('a'));
    await write('delete', CONFIGMAPS, target);
    const other = await MemoryCluster.start({}, cluster.log);
    await other.create(CONFIGMAPS, configMap('a'));
    expect(await types()).toEqual([
      'Created configmaps.default.a',
      'Deleted configmaps.default.a',
      'Created configmaps.default.a',
      'Deleted configmaps.default.a',
      'Created configmaps.default.a',
    ]);
  });

  it('generates names', async () => {
    const { object } = await cluster.create(CONFIGMAPS, { ...configMap('x'), metadata: { generateName: 'a-', namespace: 'default' } });
    expect(object.metadata.name).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('writes nothing in a dry run', async () => {
    const { object, sequence } = await cluster.create(CONFIGMAPS, configMap('a'), { options: { dryRun: true } });
    expect([object.metadata.name, sequence]).toEqual(['a', undefined]);
    expect(await types()).toEqual([]);
  });

  it('refuses objects for namespaces that do not exist', async () => {
    const lost = { ...configMap('a'), metadata: { name: 'a', namespace: 'nowhere' } };
    expect(await refused(cluster.create(CONFIGMAPS, lost))).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it('refuses unknown fields where asked to, and else warns', async () => {
    const odd = { ...configMap('a'), spec: { foo: 1 } };
    expect(await refused(cluster.create(CONFIGMAPS, odd, { options: { fieldValidation: 'Strict' } }))).toMatchObject({
      code: 400,
      message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spec"',
    });
    expect((await cluster.create(CONFIGMAPS, odd)).warnings).toEqual(['unknown field "spec"']);
  });

  it.each([
    [{ ...configMap('a'), apiVersion: 'v2' }, 'the API version in the data (v2) does not match the expected API version (v1)'],
    [
      { ...configMap('a'), metadata: { name: 'a', namespace: 'other' } },
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
  ])('refuses a body that is not what the URL says (%#)', async (object, message) => {
    expect(await refused(write('create', CONFIGMAPS, { namespace: 'default', object }))).toMatchObject({ code: 400, message });
  });
});

describe('updating', () => {
  beforeEach(() => cluster.create(CONFIGMAPS, configMap('a', { k: 'v' })));

  it('changes the object', async () => {
    const { code, object, sequence } = await update(CONFIGMAPS, (old) => ({ ...old, data: { k: 'w' } }));
    expect([code, object.metadata.resourceVersion]).toEqual([200, String(sequence)]);
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toEqual(object);
  });

  it('appends nothing where nothing changes', async () => {
    const before = await cluster.get(CONFIGMAPS, 'default', 'a');
    const { object, sequence } = await update(CONFIGMAPS, (old) => old);
    expect([object, sequence]).toEqual([before, undefined]);
  });

  it('refuses one made from an older resourceVersion', async () => {
    const old = await cluster.get(CONFIGMAPS, 'default', 'a');
    await update(CONFIGMAPS, (now) => ({ ...now, data: { k: 'w' } }));
    expect(await refused(write('update', CONFIGMAPS, { ...target, object: { ...old, data: {} } }))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('needs no resourceVersion', async () => {
    const { object } = await write('update', CONFIGMAPS, { ...target, object: configMap('a', { k: 'w' }) });
    expect(object).toMatchObject({ data: { k: 'w' } });
    expect(object.metadata.uid).toBe((await cluster.get(CONFIGMAPS, 'default', 'a'))?.metadata.uid);
  });

  it('refuses one meant for a predecessor', async () => {
    const object = { ...configMap('a'), metadata: { name: 'a', uid: 'other' } };
    expect((await refused(write('update', CONFIGMAPS, { ...target, object }))).message).toContain(
      'Precondition failed: UID in precondition: other, UID in object meta: ',
    );
  });

  it('refuses another name than the URL has', async () => {
    expect(await refused(write('update', CONFIGMAPS, { ...target, object: configMap('b') }))).toMatchObject({
      code: 400,
      message: 'the name of the object (b) does not match the name on the URL (a)',
    });
  });

  it('does not create', async () => {
    expect(await refused(write('update', CONFIGMAPS, { namespace: 'default', name: 'b', object: configMap('b') }))).toMatchObject({
      code: 404,
      message: 'configmaps "b" not found',
    });
  });

  it('loses none of many patches at once', async () => {
    const patches = Array.from({ length: 12 }, (_, i) =>
      write('patch', CONFIGMAPS, { ...target, patch: { type: 'merge', body: { data: { [`k${i}`]: 'v' } } } }),
    );
    await Promise.all(patches);
    const { data } = (await cluster.get(CONFIGMAPS, 'default', 'a')) as unknown as { data: object };
    expect(Object.keys(data)).toHaveLength(13);
  });

  it('patches in three ways', async () => {
    await write('patch', CONFIGMAPS, {
      ...target,
      patch: { type: 'json', operations: [{ op: 'replace', path: '/data/k', value: 'json' }] },
    });
    await write('patch', CONFIGMAPS, { ...target, patch: { type: 'merge', body: { data: { merge: 'yes' } } } });
    const { object } = await write('patch', CONFIGMAPS, {
      ...target,
      patch: { type: 'strategic', body: { metadata: { labels: { a: 'b' } } } },
    });
    expect(object).toMatchObject({ data: { k: 'json', merge: 'yes' }, metadata: { labels: { a: 'b' } } });
  });
});

describe('deleting', () => {
  beforeEach(() => cluster.create(CONFIGMAPS, configMap('a')));

  it('answers with what was deleted', async () => {
    const uid = (await cluster.get(CONFIGMAPS, 'default', 'a'))?.metadata.uid;
    const { object } = await write('delete', CONFIGMAPS, target);
    expect(object).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'a', kind: 'configmaps', uid },
    });
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toBeUndefined();
  });

  it('waits for finalizers, and ends with the update that removes the last', async () => {
    await update(CONFIGMAPS, (old) => ({ ...old, metadata: { ...old.metadata, finalizers: ['example.com/hold'] } }));
    const { object } = await write('delete', CONFIGMAPS, target);
    expect(object.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
      finalizers: ['example.com/hold'],
    });
    expect((await refused(cluster.create(CONFIGMAPS, configMap('a')))).message).toBe(
      'object is being deleted: configmaps "a" already exists',
    );
    await update(CONFIGMAPS, (old) => ({ ...old, metadata: { ...old.metadata, finalizers: [] } }));
    expect(await cluster.get(CONFIGMAPS, 'default', 'a')).toBeUndefined();
  });

  it.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const)('leaves a finalizer for the garbage collector with %s', async (propagationPolicy, finalizer) => {
    const { object } = await write('delete', CONFIGMAPS, { ...target, options: { propagationPolicy } });
    expect(object.metadata.finalizers).toEqual([finalizer]);
  });

  it('honours preconditions', async () => {
    const { message } = await refused(write('delete', CONFIGMAPS, { ...target, options: { preconditions: { uid: 'other' } } }));
    expect(message).toMatch(
      /^Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition \(other\) does not match the UID in record/,
    );
  });
});

describe('pods', () => {
  it('get an account, its token and tolerations', async () => {
    const { object } = await cluster.create(PODS, pod('a'));
    expect(object).toMatchObject({
      spec: {
        serviceAccountName: 'default',
        serviceAccount: 'default',
        priority: 0,
        preemptionPolicy: 'PreemptLowerPriority',
        tolerations: [
          { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
          { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        ],
        volumes: [{ name: expect.stringMatching(/^kube-api-access-.{5}$/) as string, projected: { defaultMode: 420 } }],
        containers: [{ volumeMounts: [{ readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }],
      },
    });
  });

  it('are refused without their account', async () => {
    expect(await refused(cluster.create(PODS, pod('a', { serviceAccountName: 'build' })))).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: error looking up service account default/build: serviceaccount "build" not found',
    });
  });

  const bind = (node = 'n1') =>
    write('create', PODS, {
      ...target,
      subresource: 'binding',
      object: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'a' }, target: { kind: 'Node', name: node } },
    });

  it('are bound once', async () => {
    await cluster.create(PODS, pod('a'));
    expect((await bind()).object).toMatchObject({ kind: 'Status', status: 'Success' });
    expect(await cluster.get(PODS, 'default', 'a')).toMatchObject({
      spec: { nodeName: 'n1' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    expect(await refused(bind('n2'))).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
    });
  });

  it('go at once where no node has them, and gracefully where one has', async () => {
    await cluster.create(PODS, pod('b'));
    await write('delete', PODS, { namespace: 'default', name: 'b' });
    expect(await cluster.get(PODS, 'default', 'b')).toBeUndefined();
    await cluster.create(PODS, pod('a'));
    await bind();
    const { object } = await write('delete', PODS, target);
    expect(object.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 });
    expect((await write('delete', PODS, target)).sequence).toBeUndefined();
    const shorter = await write('delete', PODS, { ...target, options: { gracePeriodSeconds: 5 } });
    expect(shorter.object.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 });
    await write('delete', PODS, { ...target, options: { gracePeriodSeconds: 0 } });
    expect(await cluster.get(PODS, 'default', 'a')).toBeUndefined();
  });

  describe('under a disruption budget', () => {
    const evict = () =>
      write('create', PODS, {
        ...target,
        subresource: 'eviction',
        object: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } },
      });
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'pdb', namespace: 'default' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    };

    beforeEach(async () => {
      await cluster.create(PODS, pod('a'));
      await bind();
      await update(
        PODS,
        (old) => ({ ...old, status: { ...old.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }),
        { ...target, subresource: 'status' },
      );
      await cluster.create(PODDISRUPTIONBUDGETS, budget as KubeObject);
    });

    const allow = (disruptionsAllowed: number) =>
      update(
        PODDISRUPTIONBUDGETS,
        (old) => ({ ...old, status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 } }),
        {
          namespace: 'default',
          name: 'pdb',
          subresource: 'status',
        },
      );

    it('are not evicted where it allows none', async () => {
      await allow(0);
      expect(await refused(evict())).toMatchObject({
        code: 429,
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: {
          causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget pdb needs 1 healthy pods and has 1 currently' }],
        },
      });
    });

    it('are counted in the same append where it allows one', async () => {
      await allow(1);
      expect((await evict()).code).toBe(201);
      expect(await cluster.get(PODDISRUPTIONBUDGETS, 'default', 'pdb')).toMatchObject({
        status: { disruptionsAllowed: 0, disruptedPods: { a: '2026-01-01T00:00:00Z' } },
      });
      expect((await cluster.get(PODS, 'default', 'a'))?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:30Z');
    });
  });
});

describe('services', () => {
  const specOf = async (name: string) =>
    ((await cluster.get(SERVICES, 'default', name)) as Loose).spec as unknown as { clusterIP?: string; ports: { nodePort?: number }[] };

  it('hold an address and their node ports in objects of the same append', async () => {
    const { object } = await cluster.create(SERVICES, service('a', { type: 'NodePort' }));
    const { clusterIP = '', ports } = (object as Loose).spec as unknown as { clusterIP: string; ports: { nodePort: number }[] };
    expect(clusterIP).toMatch(/^10\.96\./);
    expect(object).toMatchObject({
      spec: { clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', internalTrafficPolicy: 'Cluster' },
    });
    expect(await cluster.get(IPADDRESSES, '', clusterIP)).toMatchObject({
      metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } },
    });
    expect(await cluster.get(NODEPORTS, '', String(ports[0]?.nodePort))).toBeDefined();
    await write('delete', SERVICES, target);
    await cluster.settled();
    expect([cluster.view.entries(IPADDRESSES), cluster.view.entries(NODEPORTS)]).toEqual([[], []]);
  });

  it('never get what another has, not even when created together', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => cluster.create(SERVICES, service(`s${i}`, { type: 'NodePort' }))));
    await cluster.settled();
    expect([cluster.view.entries(IPADDRESSES).length, cluster.view.entries(NODEPORTS).length]).toEqual([20, 20]);
  });

  it.each([
    [
      { clusterIP: '10.96.7.7' },
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.7.7"]: failed to allocate IP 10.96.7.7: provided IP is already allocated',
    ],
    [
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] },
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    ],
    [
      { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
  ])('are refused what is taken or out of range (%#)', async (spec, message) => {
    await cluster.create(SERVICES, service('a', { type: 'NodePort', clusterIP: '10.96.7.7', ports: [{ port: 80, nodePort: 30080 }] }));
    expect(await refused(cluster.create(SERVICES, service('b', spec)))).toMatchObject({ code: 422, message });
  });

  it('keep what an update leaves out, and release what a new type does not need', async () => {
    await cluster.create(SERVICES, service('a', { type: 'NodePort' }));
    const before = await specOf('a');
    await write('update', SERVICES, { ...target, object: service('a', { type: 'NodePort' }) });
    expect(await specOf('a')).toEqual(before);
    await update(SERVICES, (old) => ({ ...old, spec: { ...old.spec, type: 'ClusterIP' } }));
    expect((await specOf('a')).ports[0]?.nodePort).toBeUndefined();
    expect(cluster.view.entries(NODEPORTS)).toEqual([]);
    await update(SERVICES, (old) => ({ ...old, spec: { ...old.spec, type: 'ExternalName', externalName: 'example.com' } }));
    expect((await specOf('a')).clusterIP).toBeUndefined();
    expect(cluster.view.entries(IPADDRESSES)).toEqual([]);
  });

  it('have no address where they are headless', async () => {
    const { object } = await cluster.create(SERVICES, service('a', { clusterIP: 'None' }));
    expect(object).toMatchObject({ spec: { clusterIP: 'None', clusterIPs: ['None'] } });
    expect(cluster.view.entries(IPADDRESSES)).toEqual([]);
  });
});

describe('namespaces', () => {
  const finalize = () => update(NAMESPACES, (old) => ({ ...old, spec: { finalizers: [] } }), { name: 'blue', subresource: 'finalize' });

  it('are marked first and go when they are finalized', async () => {
    await cluster.create(NAMESPACES, namespace('blue'));
    const { object } = await write('delete', NAMESPACES, { name: 'blue' });
    expect(object).toMatchObject({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Terminating' },
    });
    const inside = { ...configMap('a'), metadata: { name: 'a', namespace: 'blue' } };
    expect(await refused(cluster.create(CONFIGMAPS, inside))).toMatchObject({
      code: 403,
      message: 'configmaps "a" is forbidden: unable to create new content in namespace blue because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating', message: 'namespace blue is being terminated', field: 'metadata.namespace' }] },
    });
    await finalize();
    expect(await cluster.get(NAMESPACES, '', 'blue')).toBeUndefined();
  });

  it('are kept where the cluster needs them', async () => {
    expect(await refused(write('delete', NAMESPACES, { name: 'default' }))).toMatchObject({
      code: 403,
      message: 'namespaces "default" is forbidden: this namespace may not be deleted',
    });
  });
});

describe('scale', () => {
  it('moves the replicas of a deployment, and its generation', async () => {
    await cluster.create(DEPLOYMENTS, deployment('a'));
    const object = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' }, spec: { replicas: 5 } };
    const scaled = await write('update', DEPLOYMENTS, { ...target, subresource: 'scale', object });
    expect(scaled.object).toMatchObject({
      kind: 'Scale',
      metadata: { resourceVersion: String(scaled.sequence) },
      spec: { replicas: 5 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const patched = await write('patch', DEPLOYMENTS, {
      ...target,
      subresource: 'scale',
      patch: { type: 'merge', body: { spec: { replicas: 1 } } },
    });
    expect(patched.object).toMatchObject({ spec: { replicas: 1 } });
    expect(await cluster.get(DEPLOYMENTS, 'default', 'a')).toMatchObject({ metadata: { generation: 3 }, spec: { replicas: 1 } });
  });
});
