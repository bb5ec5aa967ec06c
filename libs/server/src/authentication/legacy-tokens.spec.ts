import { startTestApiServer, testTokenKey, type TestAnswer, type TestApiServer } from '#libs/testing';
import { allowAuthenticated } from '../authorization/authorizer.js';
import { legacyTokenSigner, readLegacyClaims, writtenLegacyClaims } from './legacy-claims.js';

const claims = { namespace: 'a', secret: 's', account: 'bob', accountUid: 'bob-uid' };

describe('the token in a Secret', () => {
  let api: TestApiServer;
  const signingKey = testTokenKey('rsa');
  const token = legacyTokenSigner(signingKey)(claims);
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'bob', namespace: 'a', uid: 'bob-uid' } };
  const secret = (text: string, metadata: object = {}): Parameters<TestApiServer['put']>[0] =>
    ({
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { name: 's', namespace: 'a', uid: 's-uid', ...metadata },
      type: 'kubernetes.io/service-account-token',
      data: { token: Buffer.from(text).toString('base64') },
    }) as Parameters<TestApiServer['put']>[0];
  const ask = (): Promise<TestAnswer> =>
    api.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: {},
      anonymous: true,
      headers: { authorization: `Bearer ${token}` },
    });
  const error = async (): Promise<unknown> => {
    const review = await api.ask('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: { spec: { token } } });
    return review.json<{ status: { error?: string } }>().status.error;
  };

  beforeAll(async () => {
    const tokens = { signingKey, verifyingKeys: [], issuer: 'https://kubernetes.default.svc.cluster.local' };
    api = await startTestApiServer({ options: { authorizer: allowAuthenticated, tokens } });
  });
  afterAll(() => api.close());

  it('is the same each time it is signed, and names no end', () => {
    expect(legacyTokenSigner(signingKey)(claims)).toBe(token);
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toEqual({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'a',
      'kubernetes.io/serviceaccount/secret.name': 's',
      'kubernetes.io/serviceaccount/service-account.name': 'bob',
      'kubernetes.io/serviceaccount/service-account.uid': 'bob-uid',
      sub: 'system:serviceaccount:a:bob',
    });
  });

  it('is its account for as long as both are there, as they were', async () => {
    const refused = async (why: string): Promise<void> => expect([(await ask()).code, await error()]).toEqual([401, why]);
    await refused('service account token has been invalidated');
    let at = await api.put(secret('another'));
    await refused("service account token does not match server's copy");
    at = await api.put(secret(token), at);
    await refused('serviceaccounts "bob" not found');
    const accountAt = await api.put(account);
    expect((await ask()).json()).toMatchObject({
      status: {
        userInfo: {
          username: 'system:serviceaccount:a:bob',
          uid: 'bob-uid',
          groups: expect.arrayContaining(['system:authenticated']) as string[],
        },
      },
    });
    at = await api.put(secret(token, { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } }), at);
    expect(await error()).toMatch(/has been marked invalid/);
    at = await api.put(secret(token), at);
    await api.put({ ...account, metadata: { ...account.metadata, uid: 'other' } }, accountAt);
    await refused('service account UID (other) does not match claim (bob-uid)');
    await api.remove(secret(token), at);
    await refused('service account token has been invalidated');
  });

  it.each([
    [{ sub: '' }, 'sub claim is missing'],
    [{ 'kubernetes.io/serviceaccount/namespace': 1 }, 'namespace claim is missing'],
    [{ 'kubernetes.io/serviceaccount/secret.name': undefined }, 'secretName claim is missing'],
    [{ 'kubernetes.io/serviceaccount/service-account.name': '' }, 'serviceAccountName claim is missing'],
    [{ 'kubernetes.io/serviceaccount/service-account.uid': '' }, 'serviceAccountUID claim is missing'],
    [{ sub: 'system:serviceaccount:a:eve' }, 'sub claim is invalid'],
    [{}, claims],
  ])('with claims %j is %j', (more, read) => {
    expect(readLegacyClaims({ ...writtenLegacyClaims(claims), ...more })).toEqual(read);
  });
});
