import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

const GROUP = 'admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', labels: { tier: 'gold' } } };
  await api.ask('/api/v1/namespaces', { method: 'POST', body: namespace });
});
afterAll(() => api.close());

let made: string[] = [];
afterEach(async () => {
  for (const path of made.reverse()) await api.ask(path, { method: 'DELETE' });
  made = [];
});

async function make(
  path: string,
  body: { readonly metadata: { readonly name: string } } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const answer = await api.ask(path, { method: 'POST', body });
  if (answer.code !== 201) throw new Error(answer.text);
  made.push(`${path}/${body.metadata.name}`);
}

const RULE = { operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };

/** A policy and a binding of it, both with the name `p`. */
async function policy(kind: 'Mutating' | 'Validating', spec: object, binding: object = {}): Promise<void> {
  const path = `/apis/${GROUP}/${kind.toLowerCase()}admissionpolic`;
  const metadata = { name: 'p' };
  const whole = { matchConstraints: { resourceRules: [RULE] }, ...spec };
  await make(`${path}ies`, { apiVersion: GROUP, kind: `${kind}AdmissionPolicy`, metadata, spec: whole });
  const actions = kind === 'Validating' ? { validationActions: ['Deny'] } : {};
  await make(`${path}ybindings`, {
    apiVersion: GROUP,
    kind: `${kind}AdmissionPolicyBinding`,
    metadata,
    spec: { policyName: 'p', ...actions, ...binding },
  });
}

let count = 0;
const map = (members: object = {}, metadata: object = {}): { metadata: { name: string } } & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `m${count++}`, ...metadata },
  ...members,
});
const create = (body: object): Promise<TestAnswer> => api.ask(MAPS, { method: 'POST', body });
const refused = async (body: { metadata: { name: string } }): Promise<readonly [number, string, string] | 'admitted'> => {
  const answer = await create(body);
  const { message, reason } = answer.json<{ message: string; reason: string }>();
  return answer.code === 201 ? 'admitted' : [answer.code, reason, message.replace(body.metadata.name, 'NAME')];
};
const BY = `configmaps "NAME" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: `;
const RED = [{ expression: 'has(object.data) && object.data.color == "red"' }];

describe('validating policies', () => {
  test('refuse what a validation finds wrong, in its words', async () => {
    await policy('Validating', { validations: RED });
    expect(await refused(map())).toEqual([422, 'Invalid', `${BY}failed expression: has(object.data) && object.data.color == "red"`]);
    expect(await refused(map({ data: { color: 'red' } }))).toBe('admitted');
  });

  const WORDS: readonly (readonly [rule: string, validation: object, code: number, reason: string, message: string])[] = [
    ['the message', { message: ' be red ' }, 422, 'Invalid', 'be red'],
    ['the message that an expression makes', { messageExpression: '"not " + object.metadata.labels.a' }, 422, 'Invalid', 'not x'],
    ['the message where the expression fails', { message: 'be red', messageExpression: 'string(object.nope)' }, 422, 'Invalid', 'be red'],
    ['the reason', { message: 'm', reason: 'Forbidden' }, 403, 'Forbidden', 'm'],
    ['another reason', { message: 'm', reason: 'Unauthorized' }, 401, 'Unauthorized', 'm'],
  ];
  test.each(WORDS)('say why by %s', async (_, more, code, reason, message) => {
    await policy('Validating', { validations: [{ expression: 'false', ...more }] });
    expect(await refused(map({}, { labels: { a: 'x' } }))).toEqual([code, reason, `${BY}${message}`]);
  });

  test('see updates and deletions: the object, the old one, the request, its namespace', async () => {
    const one = map({ data: { a: '1' } });
    await create(one);
    await policy('Validating', {
      validations: [
        { expression: 'request.operation != "UPDATE" || object.data.a == oldObject.data.a', message: 'a stays' },
        { expression: 'request.operation != "DELETE" || (object == null && oldObject.data.a != "1")', message: 'not this one' },
        { expression: 'namespaceObject.metadata.labels.tier == "gold" && request.namespace == "default"', message: 'where' },
        { expression: 'request.userInfo.username == "admin" && request.resource.resource == "configmaps"', message: 'who' },
        { expression: 'authorizer.group("").resource("secrets").namespace("default").check("get").allowed()', message: 'may' },
        { expression: 'authorizer.requestResource.check("delete").allowed()', message: 'may this' },
      ],
    });
    const path = `${MAPS}/${one.metadata.name}`;
    const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } };
    expect((await api.ask(path, { ...patch, body: { data: { a: '2' } } })).text).toContain('a stays');
    expect((await api.ask(path, { ...patch, body: { data: { b: '2' } } })).code).toBe(200);
    expect((await api.ask(path, { method: 'DELETE' })).text).toContain('not this one');
  });

  test('evaluate variables when they are first named, each from those before it', async () => {
    await policy('Validating', {
      variables: [
        { name: 'color', expression: 'object.data.color' },
        { name: 'loud', expression: 'variables.color.upperAscii()' },
      ],
      validations: [{ expression: '!has(object.data) || variables.loud == "RED"', messageExpression: '"found " + variables.loud' }],
    });
    expect(await refused(map())).toBe('admitted');
    expect(await refused(map({ data: { color: 'blue' } }))).toEqual([422, 'Invalid', `${BY}found BLUE`]);
    expect(await refused(map({ data: { color: 'red' } }))).toBe('admitted');
  });

  test('that fail refuse, or not where failures are ignored', async () => {
    const validations = [{ expression: 'object.data.color == "red"' }];
    await policy('Validating', { validations });
    expect(await refused(map())).toEqual([
      422,
      'Invalid',
      `${BY}expression 'object.data.color == "red"' resulted in error: no such key: data`,
    ]);
    await api.ask(made[0] ?? '', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { failurePolicy: 'Ignore' } },
    });
    expect(await refused(map())).toBe('admitted');
  });

  test('end at their budget', async () => {
    const expression = 'object.data.a.split("").all(a, object.data.a.split("").all(b, object.data.a.split("").all(c, a + b + c != "")))';
    await policy('Validating', { validations: [{ expression }] });
    expect(await refused(map({ data: { a: 'x'.repeat(1000) } }))).toEqual([
      422,
      'Invalid',
      `${BY}expression '${expression}' resulted in error: operation cancelled: actual cost limit exceeded`,
    ]);
  });

  const NOT_ASKED: readonly (readonly [string, object, object])[] = [
    ['match conditions that do not hold', { matchConditions: [{ name: 'c', expression: 'object.metadata.name == "other"' }] }, {}],
    ['rules that do not match', { matchConstraints: { resourceRules: [{ ...RULE, resources: ['secrets'] }] } }, {}],
    ['rules that are excluded', { matchConstraints: { resourceRules: [RULE], excludeResourceRules: [RULE] } }, {}],
    ['names that are not listed', { matchConstraints: { resourceRules: [{ ...RULE, resourceNames: ['other'] }] } }, {}],
    ['a binding for other namespaces', {}, { matchResources: { namespaceSelector: { matchLabels: { tier: 'iron' } } } }],
    ['a binding for other objects', {}, { matchResources: { objectSelector: { matchLabels: { a: 'b' } } } }],
    ['a binding for other resources', {}, { matchResources: { resourceRules: [{ ...RULE, operations: ['DELETE'] }] } }],
  ];
  test.each(NOT_ASKED)('let pass for %s', async (_, spec, binding) => {
    await policy('Validating', { validations: [{ expression: 'false' }], ...spec }, binding);
    expect(await refused(map())).toBe('admitted');
  });

  test("warn, and don't refuse, where their binding says so", async () => {
    await policy('Validating', { validations: [{ expression: 'false', message: 'hm' }] }, { validationActions: ['Warn'] });
    const answer = await create(map());
    expect([answer.code, answer.headers['warning']]).toEqual([
      201,
      `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': hm"`,
    ]);
  });

  test('are not asked about policies', async () => {
    await policy('Validating', {
      validations: [{ expression: 'false' }],
      matchConstraints: { resourceRules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] },
    });
    await api.ask(made.pop() ?? '', { method: 'DELETE' });
    expect(await refused(map())).toBe('admitted');
  });
});

describe('params', () => {
  const CHECK = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    validations: [{ expression: 'params == null || object.metadata.name.startsWith(params.data.prefix)', message: 'prefix' }],
  };
  const other = { resourceRules: [{ ...RULE, resources: ['secrets'] }] };
  const secret = (name: string): Promise<TestAnswer> =>
    api.ask('/api/v1/namespaces/default/secrets', { method: 'POST', body: { apiVersion: 'v1', kind: 'Secret', metadata: { name } } });
  const param = (name: string, prefix: string, labels: object = {}): Promise<void> =>
    make(MAPS, { ...map({ data: { prefix } }), metadata: { name, labels } as never });

  test('are found by name, and by labels all of them', async () => {
    await param('one', 'a', { set: 'x' });
    await param('two', 'ab', { set: 'x' });
    await policy('Validating', { ...CHECK, matchConstraints: other }, { paramRef: { name: 'one', parameterNotFoundAction: 'Deny' } });
    expect([(await secret('a1')).code, (await secret('b1')).code]).toEqual([201, 422]);
    await api.ask(made[3] ?? '', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { paramRef: { name: null, selector: { matchLabels: { set: 'x' } } } } },
    });
    expect([(await secret('a2')).code, (await secret('ab2')).code]).toEqual([422, 201]);
  });

  test('that are missing refuse, or not, as the binding says', async () => {
    await policy('Validating', { ...CHECK, matchConstraints: other }, { paramRef: { name: 'gone', parameterNotFoundAction: 'Deny' } });
    expect((await secret('a3')).text).toContain(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
    await api.ask(made[1] ?? '', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { paramRef: { parameterNotFoundAction: 'Allow' } } },
    });
    expect((await secret('b3')).code).toBe(201);
  });

  test('of a kind that nobody knows refuse', async () => {
    await policy(
      'Validating',
      { ...CHECK, paramKind: { apiVersion: 'x.example.com/v1', kind: 'Nope' }, matchConstraints: other },
      { paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } },
    );
    expect((await secret('a4')).text).toContain(
      "failed to configure policy: failed to find resource referenced by paramKind: 'x.example.com/v1, Kind=Nope'",
    );
  });
});

describe('mutating policies', () => {
  const mutation = (expression: string): object => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patch = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
  const mutating = (mutations: readonly object[], more: object = {}, binding: object = {}): Promise<void> =>
    policy('Mutating', { reinvocationPolicy: 'Never', mutations, ...more }, binding);
  const created = async (body: object): Promise<KubeObject & Record<string, unknown>> => (await create(body)).json();

  test('apply configurations', async () => {
    await mutating([mutation('Object{metadata: Object.metadata{labels: {"added": object.metadata.name}}, data: {"n": "1"}}')]);
    const one = map({ data: { a: 'b' } }, { labels: { kept: 'yes' } });
    expect(await created(one)).toMatchObject({ metadata: { labels: { kept: 'yes', added: one.metadata.name } }, data: { a: 'b', n: '1' } });
  });

  test('apply JSON patches, one after the other', async () => {
    await mutating([
      patch('has(object.data) ? [] : [JSONPatch{op: "add", path: "/data", value: {"k": "v"}}]'),
      patch(
        '[JSONPatch{op: "test", path: "/metadata/name", value: object.metadata.name}, JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("x.y"), value: "z"}]',
      ),
    ]);
    expect(await created(map())).toMatchObject({ data: { k: 'v', 'x.y': 'z' } });
  });

  test("leave an object alone for which a patch's test does not hold", async () => {
    await mutating([
      patch('[JSONPatch{op: "test", path: "/metadata/name", value: "x"}, JSONPatch{op: "add", path: "/data", value: {"k": "v"}}]'),
    ]);
    expect((await created(map()))['data']).toBeUndefined();
  });

  test('see their params and variables, and only what their conditions hold for', async () => {
    await make(MAPS, { ...map({ data: { color: 'blue' } }), metadata: { name: 'colors' } as never });
    await mutating(
      [mutation('Object{data: {"color": variables.color}}')],
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        variables: [{ name: 'color', expression: 'params.data.color' }],
        matchConditions: [{ name: 'c', expression: '!has(object.data)' }],
      },
      { paramRef: { name: 'colors', parameterNotFoundAction: 'Deny' } },
    );
    expect(await created(map())).toMatchObject({ data: { color: 'blue' } });
    expect(await created(map({ data: { a: 'b' } }))).toMatchObject({ data: { a: 'b' } });
  });

  test('merge lists by their keys', async () => {
    await mutating([mutation('Object{spec: Object.spec{containers: [Object.spec.containers{name: "b", image: "added:1"}]}}')], {
      matchConstraints: { resourceRules: [{ ...RULE, resources: ['pods'] }] },
    });
    await api.ask('/api/v1/namespaces/default/serviceaccounts', {
      method: 'POST',
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } },
    });
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } };
    const answer = await api.ask('/api/v1/namespaces/default/pods', { method: 'POST', body: pod });
    expect(
      answer
        .json<{ spec: { containers: { name: string; image: string; imagePullPolicy: string }[] } }>()
        .spec.containers.map(({ name, image, imagePullPolicy }) => [name, image, imagePullPolicy]),
    ).toEqual([
      ['a', 'a:1', 'IfNotPresent'],
      ['b', 'added:1', 'IfNotPresent'],
    ]);
  });

  test('that fail refuse, or not where failures are ignored', async () => {
    await mutating([mutation('Object{data: {"a": object.data.b}}')]);
    const answer = await create(map());
    expect([answer.code, answer.json<{ message: string }>().message]).toEqual([
      422,
      `policy 'p' with binding 'p' denied request: expression 'Object{data: {"a": object.data.b}}' resulted in error: no such key: data`,
    ]);
    await api.ask(made[0] ?? '', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { failurePolicy: 'Ignore' } },
    });
    expect((await create(map())).code).toBe(201);
  });

  test("don't replace what is atomic, and name structs for where they are", async () => {
    await mutating([mutation('Object{spec: Object.spec{selector: Object.spec.wrong{}}}')], {
      matchConstraints: { resourceRules: [{ ...RULE, apiGroups: ['*'], resources: ['services'] }] },
    });
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }], selector: { a: 'b' } } };
    const ask = (): Promise<TestAnswer> => api.ask('/api/v1/namespaces/default/services', { method: 'POST', body: service });
    expect((await ask()).json<{ message: string }>().message).toContain(
      'unexpected type name "Object.spec.wrong", expected "Object.spec.selector", which matches field name path from root Object type',
    );
    await api.ask(made[0] ?? '', {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { mutations: [mutation('Object{spec: Object.spec{selector: {"c": "d"}}}')] } },
    });
    expect((await ask()).json<{ message: string }>().message).toContain('may not mutate atomic arrays, maps or structs: .spec.selector');
  });

  test.each([
    ['apply configurations', mutation('Object{spec: Object.spec{replicas: 3}}'), [200, 3]],
    ['JSON patches', patch('[JSONPatch{op: "replace", path: "/spec/replicas", value: 4}]'), [200, 4]],
    ['no text for a number', patch('[JSONPatch{op: "replace", path: "/spec/replicas", value: "many"}]'), [500, undefined]],
    ['no member that a scale has not', mutation('Object{spec: Object.spec{paused: true}}'), [422, undefined]],
  ])('change a scale as a scale: by %s', async (_, change, [code, replicas]) => {
    await mutating([change], {
      matchConstraints: {
        resourceRules: [{ operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments/scale'] }],
      },
    });
    const path = '/apis/apps/v1/namespaces/default/deployments';
    const spec = {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    };
    await make(path, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd', namespace: 'default' }, spec: { replicas: 2 } };
    const answer = await api.ask(`${path}/d/scale`, { method: 'PUT', body: scale });
    expect([answer.code, answer.json<{ spec?: { replicas: number } }>().spec?.replicas]).toEqual([code, replicas]);
  });

  test('change a binding as a binding', async () => {
    await mutating([mutation('Object{metadata: Object.metadata{annotations: {"why": "policy"}}}')], {
      matchConstraints: { resourceRules: [{ ...RULE, resources: ['pods/binding'] }] },
    });
    const pods = '/api/v1/namespaces/default/pods';
    await make(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' }, spec: { containers: [{ name: 'a', image: 'a:1' }] } });
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'b' }, target: { kind: 'Node', name: 'one' } };
    const answer = await api.ask(`${pods}/b/binding`, { method: 'POST', body: binding });
    expect([answer.code, answer.text]).toEqual([201, expect.any(String)]);
    expect((await api.ask(`${pods}/b`)).json()).toMatchObject({
      metadata: { annotations: { why: 'policy' } },
      spec: { nodeName: 'one' },
    });
  });
});
