import type { KubeObject } from '#libs/apimachinery';
import type { Transaction, TransactionOperation } from '#libs/history';
import type { AuditEntry } from '#libs/log';
import { eventsOf, startTestApiServer, type TestApiServer, type TestPair } from '#libs/testing';

const PATH = '/apis/history.decklog.dev/v1/transactions';

interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

const configMap = (name: string, data: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
  data,
});
const about = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a' };

describe('transactions', () => {
  let api: TestApiServer;
  let writer: TestPair;
  const post = async (operations: readonly unknown[], query = '', client?: TestPair) => {
    const { code, text } = await api.ask(`${PATH}${query}`, { method: 'POST', body: { operations }, ...(client ? { client } : {}) });
    return { code, json: JSON.parse(text) as Transaction & Status };
  };
  const last = (): Promise<number> => api.log.last('state');

  beforeAll(async () => {
    api = await startTestApiServer();
    writer = await api.authority.issue('wanda');
    await api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' }, status: { phase: 'Active' } } as KubeObject);
    const rules = [
      { apiGroups: ['history.decklog.dev'], resources: ['transactions'], verbs: ['create'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'patch'] },
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['patch', 'update'] },
    ];
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'w' } };
    await api.put({ ...role, kind: 'ClusterRole', rules } as KubeObject);
    await api.put({
      ...role,
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'w' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'wanda' }],
    } as KubeObject);
  });
  afterAll(() => api.close());

  it('write, change and delete together, with one root', async () => {
    await post([
      { verb: 'create', object: configMap('old', { k: '1' }) },
      { verb: 'create', object: configMap('gone') },
    ]);
    const before = await last();
    const { code, json } = await post([
      { verb: 'create', object: configMap('new') },
      { verb: 'patch', ...about, name: 'old', patch: { data: { k: '2' } }, patchType: 'application/merge-patch+json' },
      { verb: 'apply', object: configMap('applied', { k: '1' }), fieldManager: 'tests' },
      { verb: 'delete', ...about, name: 'gone' },
    ]);
    expect(code).toBe(201);
    expect(json.status?.root).toBe(`state:${before + 1}`);
    expect(json.status?.results.map((result) => [result.code, result.sequence])).toEqual([
      [201, before + 1],
      [200, before + 2],
      [201, before + 3],
      [200, before + 4],
    ]);
    const events = (await eventsOf(api.log, 'state')).filter(({ sequence }) => sequence > before);
    expect(events.map(({ meta }) => [meta.verb, meta.root, meta.actor.user, meta.fieldManager])).toEqual([
      ['create', undefined, 'admin', 'unknown'],
      ['patch', `state:${before + 1}`, 'admin', 'unknown'],
      ['patch', `state:${before + 1}`, 'admin', 'tests'],
      ['delete', `state:${before + 1}`, 'admin', 'unknown'],
    ]);
  });

  it('of a hundred with one invalid are not written, and name it', async () => {
    const before = await last();
    const maps = Array.from({ length: 100 }, (_, i) => ({ verb: 'create', object: configMap(i === 42 ? 'NOT_A_NAME' : `m${i}`) }));
    const { code, json } = await post(maps);
    expect(code).toBe(422);
    expect(json.message).toMatch(/^operations\[42\] \(ConfigMap a\/NOT_A_NAME\): ConfigMap "NOT_A_NAME" is invalid: metadata\.name: /);
    expect(json.details?.causes?.map(({ field }) => field)).toEqual(['operations[42].metadata.name']);
    expect(await last()).toBe(before);
  });

  it('are tried without being written', async () => {
    const before = await last();
    const { code, json } = await post([{ verb: 'create', object: configMap('dry') }], '?dryRun=All');
    expect([code, json.status?.root, json.status?.results[0]?.code]).toEqual([201, undefined, 201]);
    expect(await last()).toBe(before);
  });

  it('need the right to each of their operations', async () => {
    const before = await last();
    const operations = [
      { verb: 'create', object: configMap('w') },
      { verb: 'delete', ...about, name: 'new' },
      { verb: 'create', object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'a' } } },
    ];
    const { code, json } = await post(operations, '', writer);
    expect(code).toBe(403);
    expect(json.message).toBe(
      'operations[1] (ConfigMap a/new): configmaps "new" is forbidden: User "wanda" cannot delete resource "configmaps" in API group "" in the namespace "a"; ' +
        'operations[2] (Secret a/s): secrets is forbidden: User "wanda" cannot create resource "secrets" in API group "" in the namespace "a"',
    );
    expect(await last()).toBe(before);
    expect((await post(operations.slice(0, 1), '', writer)).code).toBe(201);
  });

  it.each([
    ['an update', { verb: 'update' }],
    ['an apply', { verb: 'apply', fieldManager: 'tests' }],
  ])('need the right to create what %s does not find', async (_what, operation) => {
    const before = await last();
    const object = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r', namespace: 'a' }, rules: [] };
    const { code, json } = await post([{ ...operation, object }], '', writer);
    expect([code, json.message]).toEqual([
      403,
      'operations[0] (Role a/r): roles.rbac.authorization.k8s.io "r" is forbidden: ' +
        'User "wanda" cannot create resource "roles" in API group "rbac.authorization.k8s.io" in the namespace "a"',
    ]);
    expect(await last()).toBe(before);
  });

  it('hold only while their preconditions do', async () => {
    const { code, json } = await post([
      { verb: 'create', object: configMap('never') },
      { verb: 'delete', ...about, name: 'new', preconditions: { resourceVersion: '1' } },
    ]);
    expect(code).toBe(409);
    expect(json.message).toContain('operations[1] (ConfigMap a/new): ');
  });

  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l', namespace: 'a' } };
  it.each<[string, Partial<TransactionOperation>, number, string]>([
    [
      'a kind that is not served',
      { verb: 'create', object: { apiVersion: 'x.io/v1', kind: 'X', metadata: { name: 'x' } } },
      422,
      'x.io/v1 has no such kind',
    ],
    ['leases', { verb: 'create', object: lease }, 422, 'is kept in a stream of its own'],
    ['no namespace', { verb: 'delete', apiVersion: 'v1', kind: 'ConfigMap', name: 'x' }, 422, 'operations[0].namespace: Required value'],
    [
      'a namespace too many',
      { verb: 'delete', apiVersion: 'v1', kind: 'Node', name: 'x', namespace: 'a' },
      422,
      'a Node is in no namespace',
    ],
    [
      'no subresource of it',
      { verb: 'update', ...about, subresource: 'scale', object: configMap('x'), name: 'x' },
      422,
      'has no such subresource',
    ],
    ['another verb', { verb: 'get' as never, ...about, name: 'x' }, 422, 'operations[0].verb: Unsupported value: "get"'],
  ])('are refused for %s', async (_, operation, code, words) => {
    const answer = await post([operation]);
    expect([answer.code, answer.json.message]).toEqual([code, expect.stringContaining(words)]);
  });

  it('are recorded operation by operation where they are denied, or where admission has something to say', async () => {
    const labels = { 'pod-security.kubernetes.io/audit': 'restricted' };
    await api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b', labels }, status: { phase: 'Active' } } as KubeObject);
    await api.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'b' } } as KubeObject);
    const spec = { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] };
    const made = await post([{ verb: 'create', object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'b' }, spec } }]);
    await post([{ verb: 'delete', apiVersion: 'v1', kind: 'Secret', namespace: 'b', name: 'hidden' }], '', writer);
    await api.server.close();
    const entries: AuditEntry[] = [];
    for await (const batch of api.audit.read()) entries.push(...batch.entries.filter(({ namespace }) => namespace === 'b'));
    expect(entries).toMatchObject([
      {
        kind: 'annotated',
        user: 'admin',
        verb: 'create',
        resource: 'pods',
        name: 'p',
        event: made.json.status?.root,
        annotations: { 'pod-security.kubernetes.io/audit-violations': expect.stringContaining('privileged') },
      },
      { kind: 'denied', user: 'wanda', verb: 'delete', resource: 'secrets', name: 'hidden', code: 403, reason: 'Forbidden' },
    ]);
  });
});
