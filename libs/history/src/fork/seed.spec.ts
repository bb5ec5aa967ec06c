import type { KubeObject } from '#libs/apimachinery';
import { decodeObject, encodeObject, type EventMeta } from '#libs/log';
import { batchesOf, bySeedOrder, isSilent, seedOf, simulatedOf, type SeedRow } from './seed.js';

const META: EventMeta = {
  type: 'Updated',
  verb: 'patch',
  subresource: 'scale',
  actor: { user: 'alice', groups: ['team'] },
  agent: 'kubectl',
  sourceAddress: '10.0.0.9',
  fieldManager: 'kubectl-edit',
  requestId: 'r-1',
  root: 'state:3',
  cause: 'state:4',
  decision: { controller: 'c', build: 'b', key: 'k', seen: { state: 4, lease: 0, event: 0 }, decidedAt: 1, index: 0 },
  id: 'old',
  previous: 4,
  schema: 1,
  batch: { id: 'x', size: 2 },
  encoding: 'aes256gcm',
};
const OPTIONS = { cluster: 'fork01', of: 'aaaaaa', now: Date.parse('2026-05-01T10:00:00Z'), id: () => 'new' };

const row = (group: string, resource: string, object: KubeObject, sequence = 12): SeedRow => ({
  group,
  resource,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name ?? '',
  sequence,
  meta: META,
  body: encodeObject(object),
});
const object = (kind: string, name: string, more: object = {}, namespace?: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid: `uid-${name}` },
    ...more,
  }) as KubeObject;

describe('the seed of an object', () => {
  const deployment = row('apps', 'deployments', object('Deployment', 'web', { spec: { replicas: 3 } }, 'default'));

  it('is its first event in the fork, with its body as it was', () => {
    expect(seedOf(deployment, OPTIONS)).toEqual({
      write: expect.objectContaining({
        subject: 'decklog.fork01.state.apps.deployments.default.web',
        expected: 0,
        body: deployment.body,
      }) as unknown,
    });
  });

  it('says who wrote the object and where it was taken from, and points to no event of another log', () => {
    expect(seedOf(deployment, OPTIONS)).toHaveProperty('write.meta', {
      type: 'Created',
      verb: 'patch',
      subresource: 'scale',
      actor: { user: 'alice', groups: ['team'] },
      agent: 'kubectl',
      sourceAddress: '10.0.0.9',
      fieldManager: 'kubectl-edit',
      requestId: 'fork:aaaaaa:state:12',
      id: 'new',
      previous: 0,
      schema: 1,
      encoding: 'json',
    });
  });

  it.each<[string, string, SeedRow]>([
    [
      'a webhook, which nothing runs behind',
      'webhook',
      row('admissionregistration.k8s.io', 'validatingwebhookconfigurations', object('X', 'w')),
    ],
    [
      'an API that a Service answers for',
      'aggregated',
      row('apiregistration.k8s.io', 'apiservices', object('APIService', 'v1.x', { spec: { service: { name: 's', namespace: 'n' } } })),
    ],
    ["the API server's own Endpoints", 'remade', row('', 'endpoints', object('Endpoints', 'kubernetes', {}, 'default'))],
    [
      "the API server's own EndpointSlice",
      'remade',
      row('discovery.k8s.io', 'endpointslices', {
        ...object('EndpointSlice', 'k-1', {}, 'default'),
        metadata: { name: 'k-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      }),
    ],
  ])('is none for %s', (_what, why, one) => {
    expect(seedOf(one, OPTIONS)).toEqual({ leftOut: why });
  });

  it.each<[string, SeedRow]>([
    ['an API that this server answers for', row('apiregistration.k8s.io', 'apiservices', object('APIService', 'v1.apps', { spec: {} }))],
    ['Endpoints of that name elsewhere', row('', 'endpoints', object('Endpoints', 'kubernetes', {}, 'other'))],
    ['an admission policy, which is data', row('admissionregistration.k8s.io', 'validatingadmissionpolicies', object('X', 'p'))],
  ])('is there for %s', (_what, one) => {
    expect(seedOf(one, OPTIONS)).toHaveProperty('write');
  });
});

describe('a node in a fork', () => {
  const node = (ready: string): KubeObject =>
    object('Node', 'n', {
      spec: { podCIDR: '10.64.1.0/24', taints: [{ key: 'a', effect: 'NoSchedule' }] },
      status: {
        capacity: { cpu: '8' },
        conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: '2026-05-01T09:55:00Z' }],
        addresses: [
          { type: 'InternalIP', address: '10.64.1.1' },
          { type: 'Hostname', address: 'n' },
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    });

  it('keeps what it has, and says nothing of where the real one is reached', () => {
    const seed = seedOf(row('', 'nodes', node('True')), OPTIONS);
    expect('write' in seed && decodeObject(seed.write.body, 1)).toMatchObject({
      metadata: { labels: { 'decklog.dev/runtime': 'simulated' }, uid: 'uid-n' },
      spec: { podCIDR: '10.64.1.0/24', taints: [{ key: 'a' }] },
      status: { capacity: { cpu: '8' }, addresses: [{ type: 'Hostname', address: 'n' }] },
    });
    expect(JSON.stringify(simulatedOf(node('True'), OPTIONS.now))).not.toMatch(/10250|10\.64\.1\.1"/);
  });

  it.each([
    ['True', false, '2026-05-01T10:00:00Z'],
    ['False', false, '2026-05-01T10:00:00Z'],
    ['Unknown', true, '2026-05-01T09:55:00Z'],
  ])('that was Ready=%s is silent: %s; last heard of at %s', (ready, silent, heard) => {
    expect(isSilent(node(ready))).toBe(silent);
    expect(simulatedOf(node(ready), OPTIONS.now).status?.conditions?.[0]?.lastHeartbeatTime).toBe(heard);
  });
});

describe('the seeds of a fork', () => {
  it('come kinds first, then namespaces, then everything else as it was written', () => {
    const rows = [
      row('apps', 'deployments', object('D', 'late'), 9),
      row('apps', 'deployments', object('D', 'early'), 2),
      row('', 'namespaces', object('N', 'ns'), 5),
      row('apiextensions.k8s.io', 'customresourcedefinitions', object('C', 'crd'), 8),
    ];
    expect([...rows].sort(bySeedOrder).map(({ name }) => name)).toEqual(['crd', 'ns', 'early', 'late']);
  });

  it.each([
    [2, 100, [[1, 1], [1]]],
    [10, 2, [[1, 1], [1]]],
    [10, 3, [[1, 1, 1]]],
  ])('go in batches of at most %i writes and %i bytes', (writes, bytes, wanted) => {
    const seeds = [1, 2, 3].map((n) => ({ subject: `s${n}`, expected: 0, meta: META, body: new Uint8Array(1) }));
    expect(batchesOf(seeds, { writes, bytes }).map((batch) => batch.map(({ body }) => body.length))).toEqual(wanted);
  });

  it('one that is larger than a batch goes alone', () => {
    const seeds = [5, 1].map((length) => ({ subject: `s${length}`, expected: 0, meta: META, body: new Uint8Array(length) }));
    expect(batchesOf(seeds, { writes: 10, bytes: 3 }).map((batch) => batch.length)).toEqual([1, 1]);
  });
});
