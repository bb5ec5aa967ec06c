import { createPrivateKey, createPublicKey } from 'node:crypto';
import { jwtPayload, startTestApiServer, testTokenKey, type TestAnswer, type TestApiServer } from '#libs/testing';
import { allowAuthenticated } from '../authorization/authorizer.js';
import type { TokenClaims } from './token-claims.js';
import { TokenKeys } from './token-keys.js';

const claims: TokenClaims = {
  iss: 'https://issuer',
  sub: 'system:serviceaccount:a:bob',
  aud: ['https://issuer'],
  exp: 100,
  iat: 1,
  nbf: 0,
  jti: 'id',
  'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'bob', uid: 'u' } },
};

describe.each(['rsa', 'ec'] as const)('a token signed with an %s key', (kind) => {
  const pem = testTokenKey(kind);
  const keys = new TokenKeys(pem, []);
  const token = keys.sign(claims);
  const [head = '', payload = '', signature = ''] = token.split('.');
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('is recognised by that key, also by its public half alone', () => {
    const publicKey = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' }).toString();
    expect(keys.verified(token)).toEqual(claims);
    expect(new TokenKeys(testTokenKey(), [publicKey]).verified(token)).toEqual(claims);
  });

  it.each([
    ['another payload', `${head}.${encode({ ...claims, sub: 'x' })}.${signature}`],
    ['no signature', `${head}.${payload}.`],
    ['no algorithm', `${encode({ alg: 'none', kid: keys.jwks[0]?.['kid'] })}.${payload}.`],
    ['a symmetric algorithm', `${encode({ alg: 'HS256', kid: keys.jwks[0]?.['kid'] })}.${payload}.${signature}`],
    ['an unknown key', `${encode({ alg: keys.algorithms[0], kid: 'x' })}.${payload}.${signature}`],
    ['too many parts', `${token}.x`],
    ['nonsense', 'x.y.z'],
  ])('is not recognised with %s', (_, forged) => {
    expect(keys.verified(forged)).toBeUndefined();
  });
});

describe('service account tokens', () => {
  let api: TestApiServer;
  let now: number;
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'bob', namespace: 'a', uid: 'bob-uid' } };
  const pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'p', namespace: 'a', uid: 'pod-uid' },
    spec: { serviceAccountName: 'bob', containers: [] },
  };
  const request = (spec: object): Promise<TestAnswer> =>
    api.ask('/api/v1/namespaces/a/serviceaccounts/bob/token', { method: 'POST', body: { spec } });
  const tokenFor = async (spec: object): Promise<string> => (await request(spec)).json<{ status: { token: string } }>().status.token;
  const ask = (token: string): Promise<TestAnswer> =>
    api.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: {},
      anonymous: true,
      headers: { authorization: `Bearer ${token}` },
    });

  beforeEach(async () => {
    now = Date.parse('2026-01-01T00:00:00Z');
    api = await startTestApiServer({ now: () => now, options: { authorizer: allowAuthenticated } });
    await api.put(account);
    await api.put(pod);
  });
  afterEach(() => api.close());

  it('make their bearer the account, in its groups', async () => {
    expect((await ask(await tokenFor({}))).json()).toMatchObject({
      status: {
        userInfo: {
          username: 'system:serviceaccount:a:bob',
          uid: 'bob-uid',
          groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
        },
      },
    });
  });

  it('say until when they are good, and are not good after', async () => {
    const answer = await request({ expirationSeconds: 600 });
    expect(answer.json()).toMatchObject({ kind: 'TokenRequest', status: { expirationTimestamp: '2026-01-01T00:10:00Z' } });
    const { token } = answer.json<{ status: { token: string } }>().status;
    expect((await ask(token)).code).toBe(201);
    now += 700_000;
    expect((await ask(token)).code).toBe(401);
  });

  it('end with their account, their pod, or another of that name', async () => {
    const free = await tokenFor({});
    const bound = await tokenFor({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'pod-uid' } });
    expect((await ask(bound)).json()).toMatchObject({
      status: { userInfo: { extra: { 'authentication.kubernetes.io/pod-name': ['p'] } } },
    });
    await api.remove(pod, 2);
    await api.put({ ...pod, metadata: { ...pod.metadata, uid: 'other' } }, 3);
    expect([(await ask(bound)).code, (await ask(free)).code]).toEqual([401, 201]);
    await api.remove(account, 1);
    expect((await ask(free)).code).toBe(401);
  });

  it('for another audience are not for this server, but a review of that audience believes them', async () => {
    const token = await tokenFor({ audiences: ['vault'] });
    expect((await ask(token)).code).toBe(401);
    const review = async (audiences: readonly string[]): Promise<unknown> =>
      (await api.ask('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: { spec: { token, audiences } } })).json()[
        'status'
      ];
    expect(await review(['vault'])).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: { username: 'system:serviceaccount:a:bob' },
    });
    expect(await review([])).toMatchObject({ authenticated: false });
  });

  it('that kubelets ask for live a year, but are to be renewed within the hour', async () => {
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    const payload = jwtPayload(await tokenFor({ expirationSeconds: 3607, boundObjectRef }));
    expect(payload).toMatchObject({ exp: now / 1000 + 31_536_000, 'kubernetes.io': { warnafter: now / 1000 + 3607 } });
    expect(jwtPayload(await tokenFor({ expirationSeconds: 3607 }))).toMatchObject({ exp: now / 1000 + 3607 });
    const elsewhere = jwtPayload(await tokenFor({ expirationSeconds: 3607, boundObjectRef, audiences: ['vault'] }));
    expect(elsewhere).toMatchObject({ exp: now / 1000 + 3607 });
  });

  it.each([
    [{ expirationSeconds: 10 }, 422, 'spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes'],
    [
      { expirationSeconds: 2 ** 32 + 1 },
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds',
    ],
    [{ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'none' } }, 404, 'secrets "none" not found'],
    [{ boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'none' } }, 404, 'nodes "none" not found'],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } }, 404, 'pods "none" not found'],
    [
      { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'x' } },
      409,
      'the UID in the bound object reference (x) does not match the UID in record',
    ],
    [
      { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'p' } },
      400,
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
  ])('are refused for %j', async (spec, code, said) => {
    const answer = await request(spec);
    expect([answer.code, answer.json()['message']]).toEqual([code, expect.stringContaining(said)]);
  });

  it.each([
    [{ name: 'eve' }, 'metadata.name: Invalid value: "eve": must match the service account name if specified'],
    [{ namespace: 'b' }, 'metadata.namespace: Invalid value: "b": must match the service account namespace if specified'],
  ])('are not made where the body says %j of its place', async (metadata, said) => {
    const answer = await api.ask('/api/v1/namespaces/a/serviceaccounts/bob/token', { method: 'POST', body: { metadata, spec: {} } });
    expect([answer.code, answer.json()['message']]).toEqual([422, `TokenRequest.authentication.k8s.io "bob" is invalid: ${said}`]);
  });

  it('bound to a node or a Secret end with it, and say which node their pod is on', async () => {
    const node = { kind: 'Node', apiVersion: 'v1', metadata: { name: 'n1', uid: 'node-uid' } };
    const secret = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's', namespace: 'a', uid: 'secret-uid' } };
    const at = [await api.put(node), await api.put(secret)];
    await api.put({ ...pod, spec: { ...pod.spec, nodeName: 'n1' } } as typeof pod, 2);
    const [onNode, onSecret, onPod] = await Promise.all(
      [
        { kind: 'Node', name: 'n1' },
        { kind: 'Secret', name: 's' },
        { kind: 'Pod', name: 'p' },
      ].map((ref) => tokenFor({ boundObjectRef: { apiVersion: 'v1', ...ref } })),
    );
    expect((await ask(onPod ?? '')).json()).toMatchObject({
      status: {
        userInfo: {
          extra: {
            'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/) as string],
            'authentication.kubernetes.io/node-name': ['n1'],
            'authentication.kubernetes.io/node-uid': ['node-uid'],
            'authentication.kubernetes.io/pod-name': ['p'],
            'authentication.kubernetes.io/pod-uid': ['pod-uid'],
          },
        },
      },
    });
    const codes = async (): Promise<number[]> => Promise.all([onNode, onSecret, onPod].map(async (token) => (await ask(token ?? '')).code));
    expect(await codes()).toEqual([201, 201, 201]);
    await api.remove(node, at[0] ?? 0);
    await api.remove(secret, at[1] ?? 0);
    expect(await codes()).toEqual([401, 401, 201]);
  });

  it('can be recognised by whoever reads the keys', async () => {
    const configuration = (await api.ask('/.well-known/openid-configuration')).json();
    expect(configuration).toMatchObject({
      issuer: 'https://kubernetes.default.svc.cluster.local',
      id_token_signing_alg_values_supported: ['ES256'],
    });
    const { keys } = (await api.ask('/openid/v1/jwks')).json<{ keys: Record<string, string>[] }>();
    expect(keys).toEqual([
      expect.objectContaining({ use: 'sig', alg: 'ES256', kty: 'EC', crv: 'P-256', kid: expect.any(String) as string }),
    ]);
    expect(keys[0]?.['d']).toBeUndefined();
  });
});
