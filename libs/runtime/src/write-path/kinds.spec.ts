import {
  CONFIGMAPS,
  DEPLOYMENTS,
  EVENTS,
  EVENTS_V1,
  IPADDRESSES,
  NAMESPACES,
  NODEPORTS,
  PODDISRUPTIONBUDGETS,
  PODS,
  SERVICEACCOUNTS,
  SERVICES,
} from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import {
  aBudget,
  aConfigMap,
  aDeployment,
  aNamespace,
  aPod,
  aService,
  aServiceAccount,
  refusalOf,
  MemoryCluster,
  type ChangedObject,
  type Wish,
} from '#libs/testing';

type WithSpec = KubeObject & { readonly spec: { readonly clusterIP?: string; readonly ports: readonly { readonly nodePort?: number }[] } };

let cluster: MemoryCluster;

beforeEach(async () => {
  cluster = await MemoryCluster.start();
  await cluster.create(NAMESPACES, aNamespace('default'));
  await cluster.create(SERVICEACCOUNTS, aServiceAccount('default'));
});
afterEach(() => cluster.stop());

const target = { namespace: 'default', name: 'a' };
const write = (verb: 'create' | 'update' | 'patch' | 'delete', resource: GroupVersionResource, wish: Wish) =>
  cluster.write(verb, resource, wish);
const update = (resource: GroupVersionResource, change: (old: ChangedObject) => object, wish: Wish = target) =>
  cluster.update(resource, wish, change);

describe('pods', () => {
  it('get an account, its token and tolerations', async () => {
    const { object } = await cluster.create(PODS, aPod('a'));
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
    expect(await refusalOf(cluster.create(PODS, aPod('a', { serviceAccountName: 'build' })))).toMatchObject({
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
    await cluster.create(PODS, aPod('a'));
    expect((await bind()).object).toMatchObject({ kind: 'Status', status: 'Success' });
    expect(await cluster.get(PODS, 'default', 'a')).toMatchObject({
      spec: { nodeName: 'n1' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    expect(await refusalOf(bind('n2'))).toMatchObject({
      code: 409,
      message: 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n1"',
    });
  });

  it('go at once where no node has them, and gracefully where one has', async () => {
    await cluster.create(PODS, aPod('b'));
    await write('delete', PODS, { namespace: 'default', name: 'b' });
    expect(await cluster.get(PODS, 'default', 'b')).toBeUndefined();
    await cluster.create(PODS, aPod('a'));
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
    beforeEach(async () => {
      await cluster.create(PODS, aPod('a'));
      await bind();
      await update(
        PODS,
        (old) => ({ ...old, status: { ...old.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }),
        { ...target, subresource: 'status' },
      );
      await cluster.create(PODDISRUPTIONBUDGETS, aBudget('pdb'));
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
      expect(await refusalOf(evict())).toMatchObject({
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
  const specOf = async (name: string) => ((await cluster.get(SERVICES, 'default', name)) as WithSpec).spec;

  it('hold an address and their node ports in objects of the same append', async () => {
    const { object } = await cluster.create(SERVICES, aService('a', { type: 'NodePort' }));
    const { clusterIP = '', ports } = (object as WithSpec).spec;
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
    await Promise.all(Array.from({ length: 20 }, (_, i) => cluster.create(SERVICES, aService(`s${i}`, { type: 'NodePort' }))));
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
    await cluster.create(SERVICES, aService('a', { type: 'NodePort', clusterIP: '10.96.7.7', ports: [{ port: 80, nodePort: 30080 }] }));
    expect(await refusalOf(cluster.create(SERVICES, aService('b', spec)))).toMatchObject({ code: 422, message });
  });

  it('keep what an update leaves out, and release what a new type does not need', async () => {
    await cluster.create(SERVICES, aService('a', { type: 'NodePort' }));
    const before = await specOf('a');
    await write('update', SERVICES, { ...target, object: aService('a', { type: 'NodePort' }) });
    expect(await specOf('a')).toEqual(before);
    await update(SERVICES, (old) => ({ ...old, spec: { ...old.spec, type: 'ClusterIP' } }));
    expect((await specOf('a')).ports[0]?.nodePort).toBeUndefined();
    expect(cluster.view.entries(NODEPORTS)).toEqual([]);
    await update(SERVICES, (old) => ({ ...old, spec: { ...old.spec, type: 'ExternalName', externalName: 'example.com' } }));
    expect((await specOf('a')).clusterIP).toBeUndefined();
    expect(cluster.view.entries(IPADDRESSES)).toEqual([]);
  });

  it('get what a new type needs, and may move to another node port', async () => {
    await cluster.create(SERVICES, aService('a', { type: 'ExternalName', externalName: 'example.com' }));
    await update(SERVICES, (old) => ({
      ...old,
      spec: { selector: { app: 'web' }, ports: [{ port: 80, nodePort: 30123 }], type: 'NodePort' },
    }));
    const { clusterIP, ports } = await specOf('a');
    expect([clusterIP, ports[0]?.nodePort]).toEqual([expect.stringMatching(/^10\.96\./), 30123]);
    await update(SERVICES, (old) => ({ ...old, spec: { ...old.spec, ports: [{ port: 80, nodePort: 30124 }] } }));
    expect([(await specOf('a')).clusterIP, cluster.view.entries(NODEPORTS).map(({ name }) => name)]).toEqual([clusterIP, ['30124']]);
  });

  it('share one node port between the protocols of a port', async () => {
    const ports = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ];
    const { object } = await cluster.create(SERVICES, aService('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports }));
    const [tcp, udp] = (object as WithSpec).spec.ports;
    expect(tcp?.nodePort).toBe(udp?.nodePort);
    await cluster.settled();
    expect(cluster.view.entries(NODEPORTS)).toHaveLength(2);
  });

  it('have no address where they are headless', async () => {
    const { object } = await cluster.create(SERVICES, aService('a', { clusterIP: 'None' }));
    expect(object).toMatchObject({ spec: { clusterIP: 'None', clusterIPs: ['None'] } });
    expect(cluster.view.entries(IPADDRESSES)).toEqual([]);
  });
});

describe('namespaces', () => {
  const finalize = () => update(NAMESPACES, (old) => ({ ...old, spec: { finalizers: [] } }), { name: 'blue', subresource: 'finalize' });

  it('are marked first and go when they are finalized', async () => {
    await cluster.create(NAMESPACES, aNamespace('blue'));
    const { object } = await write('delete', NAMESPACES, { name: 'blue' });
    expect(object).toMatchObject({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Terminating' },
    });
    const inside = { ...aConfigMap('a'), metadata: { name: 'a', namespace: 'blue' } };
    expect(await refusalOf(cluster.create(CONFIGMAPS, inside))).toMatchObject({
      code: 403,
      message: 'configmaps "a" is forbidden: unable to create new content in namespace blue because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating', message: 'namespace blue is being terminated', field: 'metadata.namespace' }] },
    });
    await finalize();
    expect(await cluster.get(NAMESPACES, '', 'blue')).toBeUndefined();
  });

  it('are kept where the cluster needs them', async () => {
    expect(await refusalOf(write('delete', NAMESPACES, { name: 'default' }))).toMatchObject({
      code: 403,
      message: 'namespaces "default" is forbidden: this namespace may not be deleted',
    });
  });
});

describe('scale', () => {
  it('moves the replicas of a deployment, and its generation', async () => {
    await cluster.create(DEPLOYMENTS, aDeployment('a'));
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

describe('Kubernetes Events', () => {
  it('are the same objects in both groups', async () => {
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.com/c',
      reportingInstance: 'c-1',
      action: 'Test',
      reason: 'Testing',
      type: 'Normal',
      regarding: { kind: 'ConfigMap', namespace: 'default', name: 'a' },
      note: 'hello',
    } as KubeObject;
    const { object } = await cluster.create(EVENTS_V1, event);
    expect(object).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello' });
    expect(await cluster.get(EVENTS, 'default', 'e')).toMatchObject({ apiVersion: 'v1', message: 'hello', involvedObject: { name: 'a' } });
  });
});
