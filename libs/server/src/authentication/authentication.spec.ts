import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import jwt from 'jsonwebtoken';
import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, testAuthority, type TestAnswer, type TestApiServer, type TestAuthority, type TestPair } from '#libs/testing';
import { allowAuthenticated } from '../authorization/authorizer.js';
import { valuesOf } from './request-header.js';
import { staticTokens } from './static-tokens.js';

interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const HOUR_S = 3600;

/** An issuer of OpenID Connect on loopback. */
interface Issuer {
  readonly url: string;
  readonly asked: string[];
  sign(claims: object, options?: { readonly algorithm?: 'RS256' | 'RS512'; readonly keyid?: string }): string;
  rotate(): void;
  close(): Promise<void>;
}

async function startIssuer(authority: TestAuthority): Promise<Issuer> {
  const serving = await authority.issue('issuer', { addresses: ['127.0.0.1'] });
  const asked: string[] = [];
  let pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let kid = 'one';
  const server: Server = createServer(serving, (request, response) => {
    asked.push(request.url ?? '');
    const jwks = {
      keys: [
        { kty: 'oct', kid: 'other' },
        { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
      ],
    };
    response.end(JSON.stringify(request.url === '/keys' ? jwks : { issuer: url, jwks_uri: `${url}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked,
    sign: (claims, { algorithm = 'RS256', keyid = kid } = {}) => jwt.sign(JSON.stringify(claims), pair.privateKey, { algorithm, keyid }),
    rotate: () => {
      pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      kid = 'two';
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe('who makes a request', () => {
  let api: TestApiServer;
  let authority: TestAuthority;
  let proxies: TestAuthority;
  let issuer: Issuer;
  let offsetMs = 0;
  const now = (): number => Date.now() + offsetMs;

  beforeAll(async () => {
    authority = await testAuthority();
    proxies = await testAuthority();
    issuer = await startIssuer(authority);
    const configuration = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AuthenticationConfiguration',
      jwt: [
        {
          issuer: { url: issuer.url, audiences: ['decklog', 'other'], certificateAuthority: authority.cert },
          signingAlgorithms: ['RS256'],
          claimValidationRules: [{ claim: 'hd', requiredValue: 'example.com' }],
          claimMappings: {
            username: { claim: 'email', prefix: 'oidc:' },
            groups: { claim: 'roles', prefix: 'oidc:' },
            uid: { claim: 'sub' },
          },
        },
      ],
    };
    const tokenFile = 'static-token,jane,jane-uid,"dev,ops"\nplain,joe,\n';
    api = await startTestApiServer({
      now,
      options: {
        authorizer: allowAuthenticated,
        authentication: {
          tokenFile,
          configuration: JSON.stringify(configuration),
          requestHeader: { clientCa: proxies.cert, allowedNames: ['front-proxy'] },
        },
      },
    });
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
  });
  afterEach(() => {
    offsetMs = 0;
  });

  const ask = (headers: Record<string, string>, client?: TestPair): Promise<TestAnswer> =>
    api.ask(WHOAMI, { method: 'POST', body: {}, anonymous: client === undefined, headers, ...(client ? { client } : {}) });
  const userOf = (answer: TestAnswer): UserInfo | number =>
    answer.code === 201 ? answer.json<{ status: { userInfo: UserInfo } }>().status.userInfo : answer.code;
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

  describe('by client certificate', () => {
    it('is its common name, in its organizations', async () => {
      const client = await api.authority.issue('jane', { organizations: ['dev', 'ops'], uid: 'u-1' });
      expect(userOf(await ask({}, client))).toEqual({
        username: 'jane',
        uid: 'u-1',
        groups: ['dev', 'ops', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/) as string] },
      });
    });

    it.each<[string, () => Promise<TestPair>]>([
      ['that has expired', () => api.authority.issue('jane', { validHours: [-3, -2] })],
      ['that is not valid yet', () => api.authority.issue('jane', { validHours: [2, 3] })],
      ['of another authority', () => authority.issue('jane')],
      ['meant for servers', () => api.authority.issue('jane', { addresses: ['127.0.0.1'] })],
      ['of the authority of proxies, which name no user', () => proxies.issue('front-proxy')],
    ])('is refused where it is one %s, but a right token beside it counts', async (_, issue) => {
      const client = await issue();
      const refused = await ask({}, client);
      expect([refused.code, refused.json()]).toEqual([
        401,
        { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 },
      ]);
      expect(userOf(await ask(bearer('plain'), client))).toMatchObject({ username: 'joe' });
    });

    it('ends with it, whatever the handshake has said', async () => {
      const client = await api.authority.issue('jane');
      expect((await ask({}, client)).code).toBe(201);
      offsetMs = 25 * HOUR_S * 1000;
      expect((await ask({}, client)).code).toBe(401);
    });
  });

  describe('by a proxy', () => {
    const headers = {
      'x-remote-user': 'jane',
      'x-remote-uid': 'u-2',
      'x-remote-group': 'dev',
      'x-remote-extra-acme.com%2Fproject': 'apollo',
    };
    it('is whom a believed one names', async () => {
      expect(userOf(await ask(headers, await proxies.issue('front-proxy')))).toEqual({
        username: 'jane',
        uid: 'u-2',
        groups: ['dev', 'system:authenticated'],
        extra: { 'acme.com/project': ['apollo'] },
      });
    });

    it('is refused of one that is not on the list, and is the client itself where the certificate is a client’s', async () => {
      expect(userOf(await ask(headers, await proxies.issue('somebody')))).toBe(401);
      expect(userOf(await ask(headers, await api.authority.issue('front-proxy')))).toMatchObject({ username: 'front-proxy' });
    });

    it('keeps values apart that were sent apart', () => {
      expect(valuesOf(['X-Remote-Group', 'a, b', 'x-remote-group', 'c'])).toEqual(new Map([['x-remote-group', ['a, b', 'c']]]));
    });
  });

  describe('by a static token', () => {
    it.each([
      ['Bearer static-token', { username: 'jane', uid: 'jane-uid', groups: ['dev', 'ops', 'system:authenticated'] }],
      ['bearer plain', { username: 'joe', groups: ['system:authenticated'] }],
      ['Bearer wrong', 401],
      ['Bearer static-token x', { username: 'jane', uid: 'jane-uid', groups: ['dev', 'ops', 'system:authenticated'] }],
    ])('with %j is what the file says', async (authorization, wanted) => {
      expect(userOf(await ask({ authorization }))).toEqual(wanted);
    });

    it('is nobody’s where it is longer than any token', async () => {
      expect(userOf(await ask(bearer('x'.repeat(33_000))))).toBe(401);
    });

    it('with a space too many is nobody, and is told so', async () => {
      const answer = await api.ask('/version', { anonymous: true, headers: { authorization: 'Bearer  static-token' } });
      expect([answer.code, answer.headers['warning']]).toEqual([
        200,
        '299 - "the provided Authorization header contains extra space before the bearer token, and is ignored"',
      ]);
    });

    it('may come as a WebSocket protocol, with another one beside it', async () => {
      const encoded = `base64url.bearer.authorization.k8s.io.${Buffer.from('plain').toString('base64url')}`;
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'eA==' };
      const codes = await Promise.all(
        [`${encoded}, v5.channel.k8s.io`, encoded, `${encoded}, ${encoded}, x`, 'base64url.bearer.authorization.k8s.io.!!, x'].map(
          async (protocols) => (await ask({ ...upgrade, 'sec-websocket-protocol': protocols })).code,
        ),
      );
      // Who he is has been found out where the endpoint says that it changes no protocols.
      expect(codes).toEqual([400, 401, 401, 401]);
    });

    it('is of no file that has too few columns or a quote out of place, and no message holds a token', () => {
      expect(() => staticTokens('secret,jane')).toThrow(/^the token file must have at least 3 columns .*; line 1 has fewer$/);
      expect(() => staticTokens('a,b,c\nsec"ret,jane,u')).toThrow(/^the token file has a quote out of place in line 2$/);
    });
  });

  describe('by a bootstrap token', () => {
    const secret = (data: Record<string, string>, more: Partial<KubeObject> & { type?: string } = {}): KubeObject => {
      const whole = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...data };
      const encoded = Object.fromEntries(Object.entries(whole).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
      const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system', uid: 'b' };
      return { kind: 'Secret', apiVersion: 'v1', metadata, type: 'bootstrap.kubernetes.io/token', data: encoded, ...more } as KubeObject;
    };
    let last = 0;
    it.each<[string, KubeObject, readonly string[] | number]>([
      ['is in the group of all', secret({}), ['system:bootstrappers', 'system:authenticated']],
      [
        'is in the groups it names',
        secret({ 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' }),
        ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
      ],
      ['is in no other groups', secret({ 'auth-extra-groups': 'system:masters' }), 401],
      ['is good until its end', secret({ expiration: '2999-01-01T00:00:00Z' }), ['system:bootstrappers', 'system:authenticated']],
      ['is over after its end', secret({ expiration: '2020-01-01T00:00:00Z' }), 401],
      ['is over where its end can not be read', secret({ expiration: 'soon' }), 401],
      ['must be for authentication', secret({ 'usage-bootstrap-authentication': 'false' }), 401],
      ['must be of its id', secret({ 'token-id': 'fedcba' }), 401],
      ['must have its secret', secret({ 'token-secret': 'ffffffffffffffff' }), 401],
      ['must be of its type', secret({}, { type: 'Opaque' }), 401],
    ])('%s', async (_, object, wanted) => {
      last = await api.put(object, last);
      const found = userOf(await ask(bearer('abcdef.0123456789abcdef')));
      if (typeof wanted === 'number') expect(found).toBe(wanted);
      else expect(found).toMatchObject({ username: 'system:bootstrap:abcdef', groups: wanted });
    });
  });

  describe('by a token of OpenID Connect', () => {
    const claims = (more: object = {}): object => ({
      iss: issuer.url,
      aud: 'decklog',
      exp: Math.floor(now() / 1000) + 60,
      sub: 'id-1',
      email: 'jane@example.com',
      email_verified: true,
      hd: 'example.com',
      roles: ['dev'],
      jti: 'j1',
      ...more,
    });

    it('is what its claims say', async () => {
      expect(userOf(await ask(bearer(issuer.sign(claims()))))).toEqual({
        username: 'oidc:jane@example.com',
        uid: 'id-1',
        groups: ['oidc:dev', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=j1'] },
      });
    });

    it.each<[string, () => string, RegExp]>([
      ['an end that has passed', () => issuer.sign(claims({ exp: 1 })), /oidc: token is expired/],
      ['no end', () => issuer.sign(claims({ exp: undefined })), /oidc: token is expired/],
      ['another audience', () => issuer.sign(claims({ aud: ['vault'] })), /expected audience in \["decklog" "other"\] got \["vault"\]/],
      ['a claim of another value', () => issuer.sign(claims({ hd: 'evil.com' })), /required claim hd value does not match$/],
      ['no such claim', () => issuer.sign(claims({ hd: undefined })), /required claim hd not present in ID token/],
      ['an address that is not verified', () => issuer.sign(claims({ email_verified: false })), /oidc: email not verified/],
      ['no user', () => issuer.sign(claims({ email: undefined })), /parse username claims "email": claim not present/],
      ['an algorithm that is not allowed', () => issuer.sign(claims(), { algorithm: 'RS512' }), /unexpected signature algorithm "RS512"/],
      ['a key nobody knows', () => issuer.sign(claims(), { keyid: 'none' }), /failed to verify id token signature/],
      [
        'a signature of somebody else',
        () =>
          jwt.sign(claims(), generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, {
            algorithm: 'RS256',
            keyid: 'one',
            noTimestamp: true,
          }),
        /failed to verify id token signature/,
      ],
      ['an issuer nobody knows', () => issuer.sign(claims({ iss: 'https://elsewhere' })), /^invalid bearer token$/],
    ])('is refused with %s', async (_, sign, why) => {
      const token = sign();
      expect(userOf(await ask(bearer(token)))).toBe(401);
      const review = await api.ask('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: { spec: { token } } });
      const { status } = review.json<{ status: { authenticated: boolean; error: string } }>();
      expect([status.authenticated, status.error]).toEqual([false, expect.stringMatching(why)]);
    });

    it('asks for keys again where one is missing, but not at once and not for each', async () => {
      offsetMs = 60_000;
      issuer.rotate();
      const before = issuer.asked.length;
      expect(userOf(await ask(bearer(issuer.sign(claims()))))).toMatchObject({ username: 'oidc:jane@example.com' });
      for (const keyid of ['a', 'b', 'c']) expect(userOf(await ask(bearer(issuer.sign(claims(), { keyid }))))).toBe(401);
      expect(issuer.asked.slice(before)).toEqual(['/.well-known/openid-configuration', '/keys']);
    });
  });

  it('is nobody in particular without credentials, in his own group alone', async () => {
    expect(userOf(await ask({ authorization: 'Basic x' }))).toBe(403);
    expect((await ask({})).json()).toMatchObject({
      message:
        'selfsubjectreviews.authentication.k8s.io is forbidden: User "system:anonymous" cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope',
    });
  });

  it('a review of a token tells whom it makes, for the server’s own audiences alone where it names none', async () => {
    const review = async (spec: object): Promise<unknown> =>
      (await api.ask('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: { spec } })).json<{ status: unknown }>().status;
    const own = 'https://kubernetes.default.svc.cluster.local';
    expect(await review({ token: 'plain' })).toEqual({
      authenticated: true,
      user: { username: 'joe', groups: ['system:authenticated'] },
      audiences: [own],
    });
    expect(await review({ token: 'plain', audiences: ['vault', own] })).toMatchObject({ authenticated: true, audiences: [own] });
    expect(await review({ token: 'plain', audiences: ['vault'] })).toEqual({
      authenticated: false,
      user: {},
      error: 'invalid bearer token',
    });
  });
});
