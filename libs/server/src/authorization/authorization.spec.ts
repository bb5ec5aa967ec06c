import { randomUUID } from 'node:crypto';
import type { ClusterRole } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { DEFAULT_POLICY } from '#libs/authorization';
import { startTestApiServer, type TestApiServer } from '#libs/testing';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const message = (answer: { json: <T>() => T }): string => answer.json<{ message: string }>().message;

describe('what each identity may do', () => {
  let api: TestApiServer;
  const as = (user: string, ...groups: readonly string[]): Record<string, string | string[]> => ({
    'impersonate-user': user,
    ...(groups.length > 0 ? { 'impersonate-group': [...groups] } : {}),
  });
  const post = async (
    path: string,
    body: object,
    headers: Record<string, string | string[]> = {},
  ): Promise<{ code: number; said: string }> => {
    const answer = await api.ask(path, { method: 'POST', body, headers: headers as Record<string, string> });
    return { code: answer.code, said: answer.code < 300 ? '' : message(answer) };
  };
  const bindView = (name: string, user: string, role: string): object => ({
    metadata: { name },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  });

  beforeAll(async () => {
    api = await startTestApiServer();
    for (const name of ['default', 'kube-system', 'kube-public', 'other']) await post('/api/v1/namespaces', { metadata: { name } });
    // What the aggregation controller would do.
    const roles = (DEFAULT_POLICY[0]?.objects ?? []) as readonly ClusterRole[];
    const rulesOf = (name: string): ClusterRole['rules'] => roles.find(({ metadata }) => metadata.name === name)?.rules ?? [];
    const view = rulesOf('system:aggregate-to-view') ?? [];
    const edit = [...(rulesOf('system:aggregate-to-edit') ?? []), ...view];
    const aggregated: Record<string, ClusterRole['rules']> = {
      view,
      edit,
      admin: [...(rulesOf('system:aggregate-to-admin') ?? []), ...edit],
    };
    for (const object of DEFAULT_POLICY.flatMap(({ objects }) => objects)) {
      const rules = object.kind === 'ClusterRole' ? aggregated[object.metadata.name ?? ''] : undefined;
      await api.put({ ...object, metadata: { ...object.metadata, uid: randomUUID() }, ...(rules ? { rules } : {}) } as KubeObject);
    }
    for (const role of ['view', 'edit', 'admin']) await post(`${RBAC}/namespaces/default/rolebindings`, bindView(role, role, role));
  });
  afterAll(() => api.close());

  const PODS = '/api/v1/namespaces/default/pods';
  const SECRETS = '/api/v1/namespaces/default/secrets';
  it.each<[string, string, string, number]>([
    ['view', 'GET', PODS, 200],
    ['view', 'GET', SECRETS, 403],
    ['view', 'DELETE', `${PODS}/a`, 403],
    ['view', 'GET', '/api/v1/namespaces/other/pods', 403],
    ['view', 'GET', '/api/v1/pods', 403],
    ['view', 'GET', '/api/v1/nodes', 403],
    ['edit', 'GET', SECRETS, 200],
    ['edit', 'DELETE', `${PODS}/a`, 404],
    ['edit', 'GET', `${RBAC}/namespaces/default/roles`, 403],
    ['admin', 'GET', `${RBAC}/namespaces/default/roles`, 200],
    ['admin', 'GET', `${RBAC}/clusterroles`, 403],
    ['nobody', 'GET', PODS, 403],
    ['nobody', 'GET', '/api', 200],
    ['nobody', 'GET', '/openapi/v3', 200],
    ['system:kube-scheduler', 'GET', '/api/v1/nodes', 200],
    ['system:kube-scheduler', 'GET', SECRETS, 403],
  ])('%s: %s %s is answered %s', async (user, method, path, code) => {
    expect((await api.ask(path, { method, headers: as(user) as Record<string, string> })).code).toBe(code);
  });

  it('is refused in upstream’s words', async () => {
    const answer = await api.ask(`${SECRETS}/a`, { headers: as('view') as Record<string, string> });
    expect(answer.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'secrets "a" is forbidden: User "view" cannot get resource "secrets" in API group "" in the namespace "default"',
      reason: 'Forbidden',
      details: { name: 'a', kind: 'secrets' },
      code: 403,
    });
  });

  it('acting as somebody else must be allowed itself', async () => {
    const { code, said } = await post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {}, as('view'));
    expect([code, said]).not.toEqual([403, expect.anything()]);
    await post(`${RBAC}/namespaces/default/rolebindings`, bindView('viewer', 'jane', 'view'));
    const token = await tokenOf('impostor');
    const refused = await api.ask(PODS, { anonymous: true, headers: { authorization: `Bearer ${token}`, 'impersonate-user': 'view' } });
    expect([refused.code, message(refused)]).toEqual([
      403,
      'users "view" is forbidden: User "system:serviceaccount:default:impostor" cannot impersonate resource "users" in API group "" at the cluster scope',
    ]);
  });

  async function tokenOf(name: string, audiences?: readonly string[]): Promise<string> {
    await post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name } });
    const answer = await api.ask(`/api/v1/namespaces/default/serviceaccounts/${name}/token`, {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { ...(audiences ? { audiences } : {}) } },
    });
    return answer.json<{ status: { token: string } }>().status.token;
  }

  it('a token is good for as long as its account is there, and for its audience alone', async () => {
    const headers = { authorization: `Bearer ${await tokenOf('brief')}` };
    expect((await api.ask('/api', { anonymous: true, headers })).code).toBe(200);
    await api.ask('/api/v1/namespaces/default/serviceaccounts/brief', { method: 'DELETE' });
    expect((await api.ask('/api', { anonymous: true, headers })).code).toBe(401);
    const elsewhere = { authorization: `Bearer ${await tokenOf('abroad', ['https://elsewhere.example.com'])}` };
    expect((await api.ask('/api', { anonymous: true, headers: elsewhere })).code).toBe(401);
  });

  it('nobody grants what he does not hold', async () => {
    const role = { metadata: { name: 'reader' }, rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] }] };
    expect(await post(`${RBAC}/namespaces/default/roles`, role, as('admin', 'dev'))).toEqual({
      code: 403,
      said:
        'roles.rbac.authorization.k8s.io "reader" is forbidden: user "admin" (groups=["dev" "system:authenticated"]) is attempting to grant ' +
        'RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}',
    });
    const own = { metadata: { name: 'own' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] };
    expect((await post(`${RBAC}/namespaces/default/roles`, own, as('admin'))).code).toBe(201);
  });

  it('nobody binds a role that holds more than he does, unless he may bind it', async () => {
    const bindAdmin = { ...bindView('more', 'jane', 'cluster-admin') };
    expect((await post(`${RBAC}/namespaces/default/rolebindings`, bindAdmin, as('admin'))).code).toBe(403);
    const mayBind = {
      metadata: { name: 'binder' },
      rules: [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['bind'], resourceNames: ['cluster-admin'] }],
    };
    await post(`${RBAC}/namespaces/default/roles`, mayBind);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'binder' };
    await post(`${RBAC}/namespaces/default/rolebindings`, { ...bindView('binder', 'admin', ''), roleRef });
    expect((await post(`${RBAC}/namespaces/default/rolebindings`, bindAdmin, as('admin'))).code).toBe(201);
  });

  it('tells who may do what, and by which rules', async () => {
    const asked = { spec: { resourceAttributes: { namespace: 'default', verb: 'list', resource: 'pods' }, user: 'view' } };
    const review = await api.ask('/apis/authorization.k8s.io/v1/subjectaccessreviews', { method: 'POST', body: asked });
    expect(review.json<{ status: unknown }>().status).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "view/default" of ClusterRole "view" to User "view"',
    });
    const rules = await api.ask('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      method: 'POST',
      body: { spec: { namespace: 'default' } },
      headers: as('view') as Record<string, string>,
    });
    const { status } = rules.json<{ status: { resourceRules: { resources: string[] }[]; incomplete: boolean } }>();
    expect(status.incomplete).toBe(false);
    expect(status.resourceRules.some(({ resources }) => resources.includes('pods/log'))).toBe(true);
  });
});
