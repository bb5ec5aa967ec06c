import type { EndpointSlice, Node, Pod, Service } from '#libs/api';
import type { Change } from '#libs/apimachinery';
import { reconcileEndpoints } from '../endpoints/reconcile.js';
import { reconcileEndpointSlices } from './reconcile.js';

const service = (spec: Service['spec'] = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', uid: 's', labels: { app: 'web' } },
  spec: { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
});

interface Wish {
  readonly ready?: boolean;
  readonly deleted?: boolean;
  readonly phase?: string;
  readonly port?: number;
}

const pod = (i: number, { ready = true, deleted, phase = 'Running', port = 8080 }: Wish = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${i}`, namespace: 'default', uid: `u${i}`, ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
  spec: { nodeName: 'n', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
  status: { phase, podIP: `10.64.${Math.floor(i / 250)}.${i % 250}`, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const NODES = new Map<string, Node>([
  ['n', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z' } } }],
]);

const slices = (pods: readonly Pod[], existing: readonly EndpointSlice[] = [], of: Service = service()): readonly Change[] =>
  reconcileEndpointSlices({ service: of, pods, slices: existing, nodes: NODES }, 0).changes;

const written = (changes: readonly Change[]): readonly EndpointSlice[] =>
  changes.flatMap((change, i) =>
    change.verb === 'delete'
      ? []
      : [{ ...(change.object as EndpointSlice), metadata: { name: `s${i}`, uid: `s${i}`, ...change.object.metadata } }],
  );

describe('EndpointSlices', () => {
  it('say of a ready pod where it is and how it serves', () => {
    expect(slices([pod(1)])).toMatchObject([
      {
        verb: 'create',
        object: {
          metadata: {
            generateName: 'web-',
            labels: {
              app: 'web',
              'kubernetes.io/service-name': 'web',
              'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            },
            ownerReferences: [{ kind: 'Service', uid: 's', controller: true }],
          },
          addressType: 'IPv4',
          ports: [{ name: '', port: 8080, protocol: 'TCP' }],
          endpoints: [
            {
              addresses: ['10.64.0.1'],
              conditions: { ready: true, serving: true, terminating: false },
              nodeName: 'n',
              zone: 'z',
              targetRef: { kind: 'Pod', namespace: 'default', name: 'p1', uid: 'u1' },
            },
          ],
        },
      },
    ]);
  });

  it.each<[string, Wish, Service['spec'], object]>([
    ['is not ready', { ready: false }, {}, { ready: false, serving: false, terminating: false }],
    ['is being deleted', { deleted: true }, {}, { ready: false, serving: true, terminating: true }],
    ['is published unready', { ready: false }, { publishNotReadyAddresses: true }, { ready: true, serving: false, terminating: false }],
  ])('say of a pod that %s so', (_what, wish, spec, conditions) => {
    expect(written(slices([pod(1, wish)], [], service(spec)))[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  it('leave out pods that have ended', () => {
    expect(written(slices([pod(1, { phase: 'Succeeded' })]))[0]?.endpoints).toEqual([]);
  });

  it('hold no more than a hundred endpoints each', () => {
    const pods = Array.from({ length: 250 }, (_, i) => pod(i + 1));
    expect(written(slices(pods)).map(({ endpoints }) => endpoints?.length)).toEqual([100, 100, 50]);
  });

  it('stay as they are where nothing changed, and change alone where something did', () => {
    const pods = Array.from({ length: 250 }, (_, i) => pod(i + 1));
    const existing = written(slices(pods));
    expect(slices(pods, existing)).toEqual([]);
    expect(slices([...pods.slice(1), pod(300)], existing)).toHaveLength(1);
  });

  it('are separate for pods that serve a named port at different numbers', () => {
    expect(written(slices([pod(1), pod(2, { port: 9090 })])).map(({ ports }) => ports?.[0]?.port)).toEqual([8080, 9090]);
  });

  it('that hold nothing take over what would need a new slice', () => {
    const empty = written(slices([]));
    expect(slices([pod(1)], empty)).toMatchObject([{ verb: 'update', object: { metadata: { name: 's0' }, ports: [{ port: 8080 }] } }]);
    const changed = slices([pod(1, { port: 9090 })], written(slices([pod(1)])));
    expect(changed).toMatchObject([{ verb: 'update', object: { metadata: { name: 's0' }, ports: [{ port: 9090 }] } }]);
    const old = { ...written(slices([pod(1)]))[0], addressType: 'IPv6' } as EndpointSlice;
    expect(slices([pod(1)], [old]).map(({ verb }) => verb)).toEqual(['create', 'delete']);
  });

  it('that hold nothing are deleted, but for one', () => {
    const existing = written(slices(Array.from({ length: 150 }, (_, i) => pod(i + 1))));
    expect(slices([], existing).map(({ verb }) => verb)).toEqual(['update', 'delete']);
  });
});

describe('Endpoints', () => {
  const endpoints = (pods: readonly Pod[], of: Service | undefined = service()) =>
    reconcileEndpoints({ service: of, pods, endpoints: undefined }, 0).changes;

  it('hold ready and unready addresses of the same ports in one subset', () => {
    expect(endpoints([pod(1), pod(2, { ready: false }), pod(3, { deleted: true })])).toMatchObject([
      {
        verb: 'create',
        object: {
          metadata: { labels: { app: 'web', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' } },
          subsets: [
            { addresses: [{ ip: '10.64.0.1' }], notReadyAddresses: [{ ip: '10.64.0.2' }], ports: [{ port: 8080, protocol: 'TCP' }] },
          ],
        },
      },
    ]);
  });

  it('are cut at a thousand addresses, and say so', () => {
    const [change] = endpoints(Array.from({ length: 1100 }, (_, i) => pod(i + 1)));
    expect(change).toMatchObject({ object: { metadata: { annotations: { 'endpoints.kubernetes.io/over-capacity': 'truncated' } } } });
    expect((change as unknown as { object: { subsets: { addresses: unknown[] }[] } }).object.subsets[0]?.addresses).toHaveLength(1000);
  });
});
