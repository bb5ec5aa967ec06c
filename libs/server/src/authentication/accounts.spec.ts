import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import type { ServiceAccount } from '#libs/api';
import { startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const AUTHORIZATION = '/apis/authorization.k8s.io/v1';

describe('service accounts and what is asked about them', () => {
  let api: TestApiServer;
  const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<TestAnswer> =>
    api.ask(path, { method: 'POST', body, headers });
  beforeAll(async () => {
    api = await startTestApiServer();
    for (const name of ['default', 'other']) await post('/api/v1/namespaces', { metadata: { name } });
  });
  afterAll(() => api.close());

  it('an account is created, read, patched, found by its label, and deleted with others of it', async () => {
    const labels = { 'e2e-test': 'lifecycle' };
    expect((await post(ACCOUNTS, { metadata: { name: 'one', labels } })).code).toBe(201);
    const patch = { body: { automountServiceAccountToken: false }, headers: { 'content-type': 'application/strategic-merge-patch+json' } };
    const patched = await api.ask(`${ACCOUNTS}/one`, { method: 'PATCH', ...patch });
    expect(patched.json<ServiceAccount>().automountServiceAccountToken).toBe(false);
    const listed = await api.ask('/api/v1/serviceaccounts?labelSelector=e2e-test%3Dlifecycle');
    expect(listed.json<{ items: ServiceAccount[] }>().items.map(({ metadata }) => metadata.name)).toEqual(['one']);
    await api.ask(`${ACCOUNTS}?labelSelector=e2e-test%3Dlifecycle`, { method: 'DELETE' });
    expect((await api.ask(`${ACCOUNTS}/one`)).code).toBe(404);
  });

  it('an update changes what it says and nothing else', async () => {
    const created = (await post(ACCOUNTS, { metadata: { name: 'two' } })).json<ServiceAccount>();
    expect(created.automountServiceAccountToken).toBeUndefined();
    const updated = await api.ask(`${ACCOUNTS}/two`, { method: 'PUT', body: { ...created, automountServiceAccountToken: true } });
    expect(updated.json<ServiceAccount>()).toMatchObject({ automountServiceAccountToken: true, metadata: { uid: created.metadata.uid } });
  });

  it('a token made for an account is reviewed as that account’s', async () => {
    const { uid } = (await post(ACCOUNTS, { metadata: { name: 'three' } })).json<ServiceAccount>().metadata;
    const { status } = (await post(`${ACCOUNTS}/three/token`, { spec: {} })).json<{
      status: { token: string; expirationTimestamp: string };
    }>();
    expect(Date.parse(status.expirationTimestamp)).toBeGreaterThan(Date.now() + 3_500_000);
    const review = await post('/apis/authentication.k8s.io/v1/tokenreviews', { metadata: { name: 'r' }, spec: { token: status.token } });
    expect(review.json<{ status: unknown }>().status).toEqual({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:three',
        uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/) as string] },
      },
      audiences: ['https://kubernetes.default.svc.cluster.local'],
    });
  });

  it('the issuer is found by whoever knows its address, and a token verified by the keys that it names', async () => {
    const document = (await api.ask('/.well-known/openid-configuration')).json<{ issuer: string; jwks_uri: string }>();
    expect(document).toMatchObject({ response_types_supported: ['id_token'], subject_types_supported: ['public'] });
    expect(document.jwks_uri).toBe(`${document.issuer}/openid/v1/jwks`);
    const published = await api.ask(new URL(document.jwks_uri).pathname);
    expect(published.headers['content-type']).toBe('application/jwk-set+json');
    await post(ACCOUNTS, { metadata: { name: 'found' } });
    const { status } = (await post(`${ACCOUNTS}/found/token`, { spec: {} })).json<{ status: { token: string } }>();
    const [header = '', claims = '', signature = ''] = status.token.split('.');
    const read = (text: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    const { kid } = read(header);
    const key = published.json<{ keys: (JsonWebKey & { kid: string })[] }>().keys.find((one) => one.kid === kid);
    expect(read(claims)).toMatchObject({ iss: document.issuer, sub: 'system:serviceaccount:default:found' });
    const verifying = { key: createPublicKey({ key: key as JsonWebKey, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), verifying, Buffer.from(signature, 'base64url'))).toBe(true);
    expect(verify('sha256', Buffer.from(`${header}.x${claims}`), verifying, Buffer.from(signature, 'base64url'))).toBe(false);
  });

  it('access is reviewed for a user, for one in a namespace, and for oneself', async () => {
    const asked = { resourceAttributes: { verb: 'list', resource: 'configmaps', version: 'v1', namespace: 'default' } };
    const who = { user: 'e2e', groups: ['system:masters'], uid: 'x', extra: { 'a.b/c': ['d'] } };
    const allowed = async (path: string, spec: object, headers = {}): Promise<unknown> =>
      (await post(`${AUTHORIZATION}/${path}`, { spec }, headers)).json<{ status: { allowed: boolean } }>().status.allowed;
    expect(await allowed('subjectaccessreviews', { ...asked, ...who })).toBe(true);
    expect(await allowed('subjectaccessreviews', { ...asked, user: 'e2e' })).toBe(false);
    expect(await allowed('namespaces/default/localsubjectaccessreviews', { ...asked, ...who })).toBe(true);
    expect(await allowed('selfsubjectaccessreviews', asked)).toBe(true);
  });

  const GOOD = { verb: 'list', resource: 'pods' };
  it.each<[string, string, object, string]>([
    [
      'of two things at once',
      'subjectaccessreviews',
      { spec: { user: 'x', resourceAttributes: GOOD, nonResourceAttributes: { path: '/', verb: 'get' } } },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"path":"/","verb":"get"}: cannot be specified in combination with resourceAttributes',
    ],
    [
      'of nothing',
      'selfsubjectaccessreviews',
      { spec: {} },
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'of nobody',
      'subjectaccessreviews',
      { spec: { resourceAttributes: GOOD } },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'with a name of its own',
      'selfsubjectaccessreviews',
      { metadata: { name: 'x' }, spec: { resourceAttributes: GOOD } },
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: metadata: Invalid value: {"name":"x"}: must be empty',
    ],
    [
      'of another namespace than its own',
      'namespaces/default/localsubjectaccessreviews',
      { spec: { user: 'x', resourceAttributes: { ...GOOD, namespace: 'other' } } },
      'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    ],
    [
      'of a path in a namespace',
      'namespaces/default/localsubjectaccessreviews',
      { spec: { user: 'x', nonResourceAttributes: { path: '/', verb: 'get' } } },
      'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"path":"/","verb":"get"}: disallowed on this kind of request',
    ],
    [
      'with a field selector of two forms',
      'selfsubjectaccessreviews',
      {
        spec: { resourceAttributes: { ...GOOD, fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] } } },
      },
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements',
    ],
    [
      'with an empty label selector',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: { ...GOOD, labelSelector: {} } } },
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required',
    ],
  ])('a review %s is refused in upstream’s words', async (_, path, body, said) => {
    const answer = await post(`${AUTHORIZATION}/${path}`, body);
    expect([answer.code, answer.json()['message']]).toEqual([422, said]);
  });

  it('a review of the rules of no namespace is refused', async () => {
    const answer = await post(`${AUTHORIZATION}/selfsubjectrulesreviews`, { spec: {} });
    expect([answer.code, answer.json()['message']]).toEqual([400, 'no namespace on request']);
  });

  it('a node’s reviews see the field selector they ask with', async () => {
    const ask = async (fieldSelector?: object): Promise<unknown> => {
      const resourceAttributes = { verb: 'list', resource: 'pods', ...(fieldSelector ? { fieldSelector } : {}) };
      const spec = { user: 'system:node:n1', groups: ['system:nodes'], resourceAttributes };
      return (await post(`${AUTHORIZATION}/subjectaccessreviews`, { spec })).json<{ status: unknown }>().status;
    };
    expect(await ask()).toEqual({ allowed: false, reason: 'can only list/watch pods with spec.nodeName field selector' });
    expect(await ask({ rawSelector: 'spec.nodeName=n1' })).toEqual({ allowed: true });
    expect(await ask({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] })).toEqual({ allowed: true });
    expect(await ask({ requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n2'] }] })).toMatchObject({ allowed: false });
  });

  it('a node lists its own pods and no others', async () => {
    const node = await api.authority.issue('system:node:n1', { organizations: ['system:nodes'] });
    const list = async (query: string): Promise<number> => (await api.ask(`/api/v1/pods${query}`, { client: node })).code;
    expect([await list('?fieldSelector=spec.nodeName%3Dn1'), await list('?fieldSelector=spec.nodeName%3Dn2'), await list('')]).toEqual([
      200, 403, 403,
    ]);
  });
});

describe('whom somebody may act as', () => {
  let api: TestApiServer;
  beforeAll(async () => {
    api = await startTestApiServer();
  });
  afterAll(() => api.close());
  const whoami = async (headers: Record<string, string>): Promise<unknown> => {
    const answer = await api.ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      method: 'POST',
      body: { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } },
      headers,
    });
    return [answer.code, answer.code === 201 ? '' : answer.json()['message']];
  };
  const self = async (headers: Record<string, string>): Promise<unknown> => {
    const masters = { 'impersonate-group': 'system:masters', ...headers };
    const answer = await api.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', { method: 'POST', body: {}, headers: masters });
    return answer.json<{ status: { userInfo: unknown } }>().status.userInfo;
  };

  it('as a user with uid, groups and extra', async () => {
    expect(await self({ 'impersonate-user': 'jane', 'impersonate-uid': 'u', 'impersonate-extra-acme.com%2Fscope': 'x' })).toEqual({
      username: 'jane',
      uid: 'u',
      groups: ['system:masters', 'system:authenticated'],
      extra: { 'acme.com/scope': ['x'] },
    });
  });

  it('as nobody in particular is in the group of nobody', async () => {
    expect(await whoami({ 'impersonate-user': 'system:anonymous' })).toEqual([
      403,
      'selfsubjectaccessreviews.authorization.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope',
    ]);
  });

  it('groups, uid or extra without a user are an error', async () => {
    expect(await whoami({ 'impersonate-group': 'x' })).toEqual([
      500,
      'Internal error occurred: requested impersonation without impersonating a user',
    ]);
  });
});
