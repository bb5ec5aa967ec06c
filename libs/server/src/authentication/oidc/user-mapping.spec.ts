import { authenticationConfigurationOf } from './configuration.js';
import { userMapping } from './user-mapping.js';

const ISSUER = { url: 'https://issuer.example.com', audiences: ['decklog'] };
const USERNAME = { username: { expression: 'claims.sub' } };
const configured = (jwt: object): ReturnType<typeof userMapping> => {
  const text = JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    jwt: [{ issuer: ISSUER, ...jwt }],
  });
  const [settings] = authenticationConfigurationOf(text).jwt;
  if (settings === undefined) throw new Error('nothing configured');
  return userMapping(settings, 'jwt[0]');
};
const CLAIMS = {
  sub: 'jane',
  roles: 'dev,ops',
  teams: ['a', '', 'b'],
  email: 'jane@example.com',
  email_verified: true,
  n: 5,
  nested: { id: 'x' },
};

describe('a user made of claims by expressions', () => {
  it.each<[string, object, unknown]>([
    ['a name', { claimMappings: USERNAME }, { name: 'jane', groups: [] }],
    [
      'groups of a string, of a list, and of none',
      { claimMappings: { ...USERNAME, groups: { expression: 'claims.roles.split(",")' } } },
      { name: 'jane', groups: ['dev', 'ops'] },
    ],
    [
      'groups that are not empty',
      { claimMappings: { ...USERNAME, groups: { expression: 'claims.teams' } } },
      { name: 'jane', groups: ['a', 'b'] },
    ],
    [
      'no groups of null',
      { claimMappings: { ...USERNAME, groups: { expression: 'claims.?absent.orValue(null)' } } },
      { name: 'jane', groups: [] },
    ],
    [
      'a uid and extra',
      {
        claimMappings: {
          ...USERNAME,
          uid: { expression: 'claims.nested.id' },
          extra: [
            { key: 'example.com/team', valueExpression: 'claims.teams' },
            { key: 'example.com/none', valueExpression: '""' },
          ],
        },
      },
      { name: 'jane', uid: 'x', groups: [], extra: { 'example.com/team': ['a', 'b'] } },
    ],
    [
      'an address that is verified',
      { claimMappings: { username: { expression: 'claims.email_verified ? claims.email : ""' } } },
      { name: 'jane@example.com', groups: [] },
    ],
    [
      'nobody of an empty name',
      { claimMappings: { username: { expression: '""' } } },
      'oidc: empty username via CEL expression is not allowed',
    ],
    [
      'nobody of a name that is no string',
      { claimMappings: { username: { expression: 'claims.n' } } },
      'oidc: error evaluating username claim expression: username claim expression must return a string',
    ],
    [
      'nobody of groups that are numbers',
      { claimMappings: { ...USERNAME, groups: { expression: 'claims.n' } } },
      'oidc: error evaluating group claim expression: expression must return a string or a list of strings',
    ],
    [
      'nobody whose claims break a rule',
      { claimMappings: USERNAME, claimValidationRules: [{ expression: 'claims.n > 5', message: 'too few' }] },
      "oidc: error evaluating claim validation expression: validation expression 'claims.n > 5' failed: too few",
    ],
    [
      'nobody who breaks a rule of users',
      {
        claimMappings: { username: { claim: 'sub', prefix: 'system:' } },
        userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }],
      },
      "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('system:')' failed: reserved",
    ],
  ])('has %s', (_, jwt, wanted) => {
    expect(configured(jwt)(CLAIMS)).toEqual(wanted);
  });

  it('is nobody where an expression costs more than it may', () => {
    const expression = 'claims.big.all(a, claims.big.all(b, claims.big.all(c, a + b + c != "x")))';
    const map = configured({ claimMappings: USERNAME, claimValidationRules: [{ expression }] });
    expect(map({ ...CLAIMS, big: Array.from({ length: 1_000 }, (_, i) => String(i)) })).toMatch(
      /^oidc: error evaluating claim validation expression/,
    );
  });
});

describe('an authentication configuration', () => {
  it.each<[string, object, RegExp]>([
    [
      'that does not compile',
      { claimMappings: { username: { expression: 'claims.' } } },
      /jwt\[0\]\.claimMappings\.username\.expression: compilation failed: ERROR/,
    ],
    ['of another variable', { claimMappings: { username: { expression: 'user.name' } } }, /undeclared reference to 'user'/],
    [
      'of another type',
      { claimMappings: USERNAME, userValidationRules: [{ expression: 'user.username' }] },
      /jwt\[0\]\.userValidationRules\[0\]\.expression: must evaluate to bool/,
    ],
    [
      'of an address without a look at whose it is',
      { claimMappings: { username: { expression: 'claims.email' } } },
      /claims\.email_verified must be used/,
    ],
    [
      'over plain HTTP',
      { issuer: { ...ISSUER, url: 'http://issuer' }, claimMappings: USERNAME },
      /jwt\.0\.issuer\.url: URL scheme must be https/,
    ],
    ['without audiences', { issuer: { ...ISSUER, audiences: [] }, claimMappings: USERNAME }, /jwt\.0\.issuer\.audiences: at least one/],
    [
      'with what nobody knows',
      { issuer: { ...ISSUER, egressSelectorType: 'cluster' }, claimMappings: USERNAME },
      /jwt\.0\.issuer: Unrecognized key/,
    ],
    [
      'with extra in a reserved place',
      { claimMappings: { ...USERNAME, extra: [{ key: 'authentication.kubernetes.io/x', valueExpression: '"x"' }] } },
      /reserved for Kubernetes use/,
    ],
    ['with an algorithm that is symmetric', { claimMappings: USERNAME, signingAlgorithms: ['HS256'] }, /jwt\.0\.signingAlgorithms\.0/],
  ])('%s is refused', (_, jwt, why) => {
    expect(() => configured(jwt)).toThrow(why);
  });

  it('says who may be anonymous', () => {
    const text = (anonymous: object): string =>
      JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', anonymous });
    expect(authenticationConfigurationOf(text({ enabled: true, conditions: [{ path: '/livez' }] })).anonymous).toEqual({
      enabled: true,
      paths: ['/livez'],
    });
    expect(() => authenticationConfigurationOf(text({ enabled: false, conditions: [{ path: '/livez' }] }))).toThrow(
      'enabled must be set to true when conditions are defined',
    );
  });
});
