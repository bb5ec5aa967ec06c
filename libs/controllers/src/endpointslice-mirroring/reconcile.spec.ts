import type { EndpointAddress, Endpoints, EndpointSlice, EndpointSubset, Service } from '#libs/api';
import type { Change } from '#libs/apimachinery';
import { reconcileMirroring } from './reconcile.js';

const service = (spec: Service['spec'] = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'outside', namespace: 'default', uid: 's' },
  spec: { ports: [{ port: 80 }], ...spec },
});

const endpoints = (subsets: readonly EndpointSubset[], metadata: Endpoints['metadata'] = {}): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'outside', namespace: 'default', uid: 'e', ...metadata },
  subsets,
});

const ips = (count: number, prefix = '10.1.0.'): readonly EndpointAddress[] =>
  Array.from({ length: count }, (_, i) => ({ ip: `${prefix}${i}` }));
const ONE: EndpointSubset = { addresses: ips(1), ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] };

const changes = (
  of: Endpoints | undefined,
  slices: readonly EndpointSlice[] = [],
  for_: Service | undefined = service(),
): readonly Change[] => reconcileMirroring({ service: for_, endpoints: of, slices }, 0).changes;

const written = (all: readonly Change[]): readonly EndpointSlice[] =>
  all.flatMap((change, i) =>
    change.verb === 'delete'
      ? []
      : [{ ...(change.object as EndpointSlice), metadata: { name: `s${i}`, uid: `s${i}`, ...change.object.metadata } }],
  );

describe('the Endpoints of a Service without a selector', () => {
  it('are mirrored, with what they say of their addresses and ports', () => {
    const subset: EndpointSubset = {
      addresses: [{ ip: '10.1.0.1', hostname: 'a', nodeName: 'n', targetRef: { kind: 'Pod', name: 'p', uid: 'u' } }],
      notReadyAddresses: [{ ip: '10.1.0.2' }],
      ports: [{ port: 8080, protocol: 'TCP', appProtocol: 'http' }],
    };
    const metadata = {
      labels: { app: 'x' },
      annotations: {
        note: 'y',
        'endpoints.kubernetes.io/last-change-trigger-time': 't',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
    };
    expect(changes(endpoints([subset], metadata))).toEqual([
      {
        verb: 'create',
        resource: expect.objectContaining({ resource: 'endpointslices' }),
        object: {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            generateName: 'outside-',
            namespace: 'default',
            labels: {
              app: 'x',
              'kubernetes.io/service-name': 'outside',
              'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
            },
            annotations: { note: 'y' },
            ownerReferences: [
              { apiVersion: 'v1', kind: 'Endpoints', name: 'outside', uid: 'e', controller: true, blockOwnerDeletion: true },
            ],
          },
          addressType: 'IPv4',
          endpoints: [
            {
              addresses: ['10.1.0.1'],
              conditions: { ready: true },
              hostname: 'a',
              nodeName: 'n',
              targetRef: { kind: 'Pod', name: 'p', uid: 'u' },
            },
            { addresses: ['10.1.0.2'], conditions: { ready: false } },
          ],
          ports: [{ name: '', port: 8080, protocol: 'TCP', appProtocol: 'http' }],
        },
      },
    ]);
  });

  it.each<[string, readonly EndpointSubset[], readonly string[]]>([
    ['kinds of addresses', [{ addresses: [...ips(2), { ip: 'fd00::1' }] }], ['IPv4 2', 'IPv6 1']],
    ['sets of ports', [ONE, { addresses: ips(3), ports: [{ port: 9090 }] }], ['IPv4 1', 'IPv4 3']],
    ['a thousand addresses of a subset at most', [{ addresses: ips(1100) }], ['IPv4 1000']],
    ['no subsets', [], []],
    ['subsets without addresses', [{ ports: [{ port: 1 }] }], []],
  ])('become slices: %s', (_what, subsets, wanted) => {
    const slices = written(changes(endpoints(subsets)));
    expect(slices.map((slice) => `${slice.addressType} ${slice.endpoints?.length}`)).toEqual(wanted);
  });

  it('leave their slices as they are where nothing changed', () => {
    const of = endpoints([ONE, { addresses: ips(2, 'fd00::') }]);
    expect(changes(of, written(changes(of)))).toEqual([]);
  });

  it.each<[string, Endpoints, object]>([
    ['an address', endpoints([{ ...ONE, addresses: ips(2) }]), { endpoints: [{}, { addresses: ['10.1.0.1'] }] }],
    ['a port, for which a slice is used again', endpoints([{ ...ONE, ports: [{ port: 9090 }] }]), { ports: [{ port: 9090 }] }],
    ['a label', endpoints([ONE], { labels: { app: 'x' } }), { metadata: { labels: { app: 'x' } } }],
  ])('change their slice with %s', (_what, of, object) => {
    const existing = written(changes(endpoints([ONE])));
    expect(changes(of, existing)).toMatchObject([{ verb: 'update', object: { ...object, metadata: { name: 's0' } } }]);
  });

  it.each<[string, Endpoints | undefined, Service | undefined]>([
    ['they are gone', undefined, service()],
    ['their Service is', endpoints([ONE]), undefined],
    ['their Service has a selector', endpoints([ONE]), service({ selector: { app: 'x' } })],
    ['they say so', endpoints([ONE], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service()],
    ['they elect a leader', endpoints([ONE], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service()],
    ['they have no addresses', endpoints([]), service()],
  ])('are mirrored no longer where %s', (_what, of, for_) => {
    const existing = written(changes(endpoints([ONE])));
    const { changes: found } = reconcileMirroring({ service: for_, endpoints: of, slices: existing }, 0);
    expect(found).toMatchObject([{ verb: 'delete', name: 's0', preconditions: { uid: 's0' } }]);
  });

  it('that are being deleted get no new slices', () => {
    expect(changes(endpoints([ONE], { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toEqual([]);
  });
});
