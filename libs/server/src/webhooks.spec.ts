import type { KubeObject } from '#libs/apimachinery';
import { patchOf, startTestApiServer, startTestWebhook, type TestApiServer, type TestReview, type TestWebhook } from '#libs/testing';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';

let api: TestApiServer;
let hook: TestWebhook;

beforeAll(async () => {
  api = await startTestApiServer();
  hook = await startTestWebhook(api.authority, ['hook.default.svc']);
  await api.ask('/api/v1/namespaces', { method: 'POST', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } } });
});
afterAll(async () => {
  await hook.close();
  await api.close();
});

let configurations: string[] = [];
afterEach(async () => {
  for (const path of configurations) await api.ask(path, { method: 'DELETE' });
  configurations = [];
  hook.answers.clear();
  hook.asked.length = 0;
});

const RULE = { operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };

const webhook = (path: string, more: object = {}): object => ({
  name: `${path.slice(1)}.example.com`,
  clientConfig: { url: `https://127.0.0.1:${hook.port}${path}`, caBundle: hook.caBundle },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  timeoutSeconds: 5,
  ...more,
});

async function configure(kind: 'Mutating' | 'Validating', name: string, webhooks: readonly object[]): Promise<void> {
  const path = `${GROUP}/${kind.toLowerCase()}webhookconfigurations`;
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name }, webhooks };
  const answer = await api.ask(path, { method: 'POST', body });
  if (answer.code !== 201) throw new Error(answer.text);
  configurations.push(`${path}/${name}`);
}

let count = 0;
const map = (more: object = {}): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `m${count++}`, ...more },
});
const create = (body: object, query = ''): ReturnType<TestApiServer['ask']> => api.ask(`${MAPS}${query}`, { method: 'POST', body });
const patching =
  (...operations: object[]) =>
  (): { response: Record<string, unknown> } => ({ response: { allowed: true, ...patchOf(operations) } });
const messageOf = async (body: object, query = ''): Promise<[number, string]> => {
  const answer = await create(body, query);
  return [answer.code, answer.json<{ message: string }>().message];
};

test('a mutating webhook sees the object, and what it patches is stored', async () => {
  await configure('Mutating', 'm', [webhook('/add')]);
  hook.answers.set('/add', patching({ op: 'add', path: '/data', value: { added: 'yes' } }));
  const answer = await create(map());
  expect([answer.code, answer.json<KubeObject & { data: unknown }>().data]).toEqual([201, { added: 'yes' }]);
  expect(hook.asked[0]?.review.request).toMatchObject({
    operation: 'CREATE',
    namespace: 'default',
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    oldObject: null,
    object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default' } },
  });
});

test('mutating webhooks are asked in the order of their configurations, each sees what those before it did', async () => {
  await configure('Mutating', 'b', [webhook('/second')]);
  await configure('Mutating', 'a', [webhook('/first')]);
  hook.answers.set('/first', patching({ op: 'add', path: '/data', value: { one: '1' } }));
  hook.answers.set('/second', ({ request }) =>
    request.object?.data?.['one'] === '1' ? patching({ op: 'add', path: '/data/two', value: '2' })() : { response: { allowed: false } },
  );
  const answer = await create(map());
  expect(answer.json<{ data: unknown }>().data).toEqual({ one: '1', two: '2' });
});

test('a webhook that asks for it is asked again where one after it changed the object', async () => {
  await configure('Mutating', 'a', [webhook('/first', { reinvocationPolicy: 'IfNeeded' })]);
  await configure('Mutating', 'b', [webhook('/second')]);
  hook.answers.set('/first', ({ request }) =>
    request.object?.data?.['two'] ? patching({ op: 'add', path: '/data/again', value: 'yes' })() : { response: { allowed: true } },
  );
  hook.answers.set('/second', patching({ op: 'add', path: '/data', value: { two: '2' } }));
  const answer = await create(map());
  expect(answer.json<{ data: unknown }>().data).toEqual({ two: '2', again: 'yes' });
  expect(hook.asked.map(({ path }) => path)).toEqual(['/first', '/second', '/first']);
});

test('a validating webhook refuses a create, an update and a deletion, with its words', async () => {
  const stored = map();
  await create(stored);
  await configure('Validating', 'v', [webhook('/deny')]);
  hook.answers.set('/deny', () => ({ response: { allowed: false, status: { message: 'no such thing', code: 403, reason: 'Forbidden' } } }));
  expect(await messageOf(map())).toEqual([403, 'admission webhook "deny.example.com" denied the request: no such thing']);
  const name = (stored['metadata'] as { name: string }).name;
  const update = await api.ask(`${MAPS}/${name}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { data: { a: 'b' } },
  });
  const deletion = await api.ask(`${MAPS}/${name}`, { method: 'DELETE' });
  expect([update.code, deletion.code]).toEqual([403, 403]);
  expect(deletion.json<{ reason: string }>().reason).toBe('Forbidden');
  expect(
    hook.asked.map(({ review }) => [review.request.operation, review.request.object === null, review.request.oldObject === null]),
  ).toEqual([
    ['CREATE', false, true],
    ['UPDATE', false, false],
    ['DELETE', true, false],
  ]);
});

test('a refusal without a word is said to be one, with code 400', async () => {
  await configure('Validating', 'v', [webhook('/deny')]);
  hook.answers.set('/deny', () => ({ response: { allowed: false } }));
  const answer = await create(map());
  expect(answer.json()).toMatchObject({
    code: 400,
    message: 'admission webhook "deny.example.com" denied the request without explanation',
  });
  expect(answer.code).toBe(400);
});

test('warnings of webhooks reach the client', async () => {
  await configure('Validating', 'v', [webhook('/warn')]);
  hook.answers.set('/warn', () => ({ response: { allowed: true, warnings: ['look out'] } }));
  expect((await create(map())).headers['warning']).toBe('299 - "look out"');
});

const NOT_CALLED: readonly (readonly [why: string, more: () => object, body: object])[] = [
  ['an operation that no rule names', () => ({ rules: [{ ...RULE, operations: ['UPDATE'] }] }), {}],
  ['a resource that no rule names', () => ({ rules: [{ ...RULE, resources: ['secrets'] }] }), {}],
  ['a scope that no rule has', () => ({ rules: [{ ...RULE, scope: 'Cluster' }] }), {}],
  ['a namespace that is not selected', () => ({ namespaceSelector: { matchLabels: { hooked: 'yes' } } }), {}],
  ['an object that is not selected', () => ({ objectSelector: { matchLabels: { hooked: 'yes' } } }), {}],
  [
    'a condition that does not hold',
    () => ({ matchConditions: [{ name: 'c', expression: 'has(object.metadata.labels) && object.metadata.labels.x == "y"' }] }),
    {},
  ],
];

test.each(NOT_CALLED)('a webhook does not hear of %s', async (_, more, body) => {
  await configure('Validating', 'v', [webhook('/deny', more())]);
  hook.answers.set('/deny', () => ({ response: { allowed: false } }));
  expect((await create(map(body))).code).toBe(201);
  expect(hook.asked).toEqual([]);
});

test('conditions and selectors that hold let a webhook hear of the request', async () => {
  await configure('Validating', 'v', [
    webhook('/deny', {
      objectSelector: { matchLabels: { x: 'y' } },
      matchConditions: [
        {
          name: 'c',
          expression:
            'object.metadata.labels.x == "y" && request.operation == "CREATE" && authorizer.group("").resource("pods").check("get").allowed()',
        },
      ],
    }),
  ]);
  hook.answers.set('/deny', () => ({ response: { allowed: false } }));
  expect((await create(map({ labels: { x: 'y' } }))).code).toBe(400);
});

test('a condition that fails refuses the request, or skips the webhook where failures are ignored', async () => {
  const matchConditions = [{ name: 'c', expression: 'object.data.missing == "x"' }];
  await configure('Validating', 'v', [webhook('/allow', { matchConditions })]);
  const [code, message] = await messageOf(map());
  expect([code, message]).toEqual([
    403,
    expect.stringContaining('expression \'object.data.missing == "x"\' resulted in error: no such key: data'),
  ]);
  await api.ask(configurations.pop() ?? '', { method: 'DELETE' });
  await configure('Validating', 'v', [webhook('/allow', { matchConditions, failurePolicy: 'Ignore' })]);
  expect((await create(map())).code).toBe(201);
  expect(hook.asked).toEqual([]);
});

test('an equivalent resource is told in the form that the rule names', async () => {
  await configure('Validating', 'v', [webhook('/see', { rules: [{ ...RULE, apiGroups: ['events.k8s.io'], resources: ['events'] }] })]);
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default' },
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    type: 'Normal',
    reason: 'Seen',
  };
  const answer = await api.ask('/api/v1/namespaces/default/events', { method: 'POST', body: event });
  expect(answer.code).toBe(201);
  expect(hook.asked[0]?.review.request).toMatchObject({
    resource: { group: 'events.k8s.io', version: 'v1', resource: 'events' },
    requestResource: { group: '', version: 'v1', resource: 'events' },
    object: { apiVersion: 'events.k8s.io/v1', regarding: { name: 'p' } },
  });
});

test('a scale is told as a scale, and not as an update of what is scaled', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };
  const body = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template },
  };
  await api.ask('/apis/apps/v1/namespaces/default/deployments', { method: 'POST', body });
  const rule = { operations: ['UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'] };
  await configure('Validating', 'v', [webhook('/whole', { rules: [{ ...rule, resources: ['deployments'] }] })]);
  await configure('Mutating', 'm', [webhook('/scale', { rules: [{ ...rule, resources: ['deployments/scale'] }] })]);
  hook.answers.set('/scale', patching({ op: 'replace', path: '/spec/replicas', value: 3 }));
  const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { replicas: 9 } } };
  const answer = await api.ask('/apis/apps/v1/namespaces/default/deployments/d/scale', patch);
  expect([answer.code, answer.json<{ spec: unknown }>().spec]).toEqual([200, { replicas: 3 }]);
  expect(hook.asked.map(({ path, review: { request } }) => [path, request.kind.kind, request.resource.resource])).toEqual([
    ['/scale', 'Scale', 'deployments'],
  ]);
});

test('a dry run is refused where a webhook has side effects, and told to one that has none', async () => {
  await configure('Validating', 'v', [webhook('/see', { sideEffects: 'NoneOnDryRun' })]);
  expect((await create(map(), '?dryRun=All')).code).toBe(201);
  expect(hook.asked[0]?.review.request.dryRun).toBe(true);
});

test('webhooks are not asked about webhooks and policies', async () => {
  await configure('Validating', 'v', [
    webhook('/deny', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] }),
  ]);
  hook.answers.set('/deny', () => ({ response: { allowed: false } }));
  await configure('Mutating', 'm', [webhook('/add')]);
  expect(hook.asked).toEqual([]);
});

const failed = 'Internal error occurred: failed calling webhook "bad.example.com": ';
const BROKEN: readonly (readonly [
  what: string,
  answer: (review: TestReview) => { body: string; code?: number } | { response: Record<string, unknown> },
  message: string,
])[] = [
  [
    'answers with an error',
    () => ({ body: 'oh no', code: 500 }),
    `${failed}failed to call webhook: an error on the server ("oh no") has prevented the request from succeeding`,
  ],
  ['is not there', () => ({ body: '', code: 404 }), `${failed}failed to call webhook: the server could not find the requested resource`],
  ['answers something else', () => ({ body: '{}' }), `${failed}received invalid webhook response: webhook response was absent`],
  [
    'answers another question',
    () => ({ response: { uid: 'other', allowed: true } }),
    `${failed}received invalid webhook response: expected response.uid=`,
  ],
  [
    'speaks another version',
    () => ({
      body: JSON.stringify({ kind: 'X', apiVersion: 'v9', response: { uid: hook.asked.at(-1)?.review.request.uid, allowed: true } }),
    }),
    `${failed}received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got v9, Kind=X`,
  ],
  [
    'patches without saying how',
    () => ({ response: { allowed: true, patch: 'W10=' } }),
    `${failed}received invalid webhook response: webhook returned response.patch but not response.patchType`,
  ],
];

test.each(BROKEN)('a webhook that %s fails the request, or not where failures are ignored', async (_, answer, message) => {
  hook.answers.set('/bad', answer);
  await configure('Mutating', 'm', [webhook('/bad')]);
  const [code, text] = await messageOf(map());
  expect(code).toBe(500);
  expect(text.startsWith(message)).toBe(true);
  await api.ask(configurations.pop() ?? '', { method: 'DELETE' });
  await configure('Mutating', 'm', [webhook('/bad', { failurePolicy: 'Ignore' })]);
  expect((await create(map())).code).toBe(201);
});

test('a patch that does not apply fails the request, whatever the failure policy', async () => {
  hook.answers.set('/bad', patching({ op: 'remove', path: '/nothing' }));
  await configure('Mutating', 'm', [webhook('/bad', { failurePolicy: 'Ignore' })]);
  expect((await create(map())).code).toBe(500);
});

test('a validating webhook must not patch', async () => {
  hook.answers.set('/bad', patching({ op: 'add', path: '/data', value: {} }));
  await configure('Validating', 'v', [webhook('/bad')]);
  expect(await messageOf(map())).toEqual([
    500,
    `${failed}received invalid webhook response: validating webhook may not return response.patch`,
  ]);
});

test('a webhook that does not answer in time is given up, or not waited for any longer where failures are ignored', async () => {
  hook.answers.set('/bad', () => 'never');
  await configure('Validating', 'v', [webhook('/bad', { timeoutSeconds: 1 })]);
  const [code, message] = await messageOf(map());
  expect([code, message]).toEqual([
    500,
    `${failed}failed to call webhook: Post "https://127.0.0.1:${hook.port}/bad?timeout=1s": context deadline exceeded`,
  ]);
  await api.ask(configurations.pop() ?? '', { method: 'DELETE' });
  await configure('Validating', 'v', [webhook('/bad', { timeoutSeconds: 1, failurePolicy: 'Ignore' })]);
  expect((await create(map())).code).toBe(201);
});

test('a webhook that can not be reached, or is not whom it says, fails the request in the words of Go', async () => {
  await configure('Validating', 'v', [webhook('/bad', { clientConfig: { url: 'https://127.0.0.1:1/bad' } })]);
  expect(await messageOf(map())).toEqual([
    500,
    `${failed}failed to call webhook: Post "https://127.0.0.1:1/bad?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused`,
  ]);
  await api.ask(configurations.pop() ?? '', { method: 'DELETE' });
  await configure('Validating', 'v', [webhook('/bad', { clientConfig: { url: `https://127.0.0.1:${hook.port}/bad` } })]);
  expect((await messageOf(map()))[1]).toContain('tls: failed to verify certificate: x509: certificate signed by unknown authority');
});

test('a webhook behind a Service is reached at a ready endpoint, by the name of the Service', async () => {
  const service = { name: 'hook', namespace: 'default', path: '/see', port: 443 };
  await configure('Validating', 'v', [webhook('/see', { clientConfig: { service, caBundle: hook.caBundle } })]);
  const see =
    'Internal error occurred: failed calling webhook "see.example.com": failed to call webhook: Post "https://hook.default.svc:443/see?timeout=5s": ';
  expect(await messageOf(map())).toEqual([500, `${see}service "hook" not found`]);
  const body = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hook' },
    spec: { selector: { app: 'hook' }, ports: [{ port: 443, targetPort: 8443 }] },
  };
  await api.ask('/api/v1/namespaces/default/services', { method: 'POST', body });
  expect(await messageOf(map())).toEqual([500, `${see}no endpoints available for service "hook"`]);
  await api.put({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'hook', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['192.0.2.1'], conditions: { ready: false } },
      { addresses: ['127.0.0.1'], conditions: { ready: true } },
    ],
    ports: [{ name: '', port: hook.port, protocol: 'TCP' }],
  } as KubeObject);
  expect((await create(map())).code).toBe(201);
  expect(hook.asked.map(({ path }) => path)).toEqual(['/see']);
});

test('connections are kept for the next call', async () => {
  await configure('Validating', 'v', [webhook('/see')]);
  await create(map());
  const before = hook.connections();
  for (let i = 0; i < 3; i++) expect((await create(map())).code).toBe(201);
  expect([hook.asked.length, hook.connections() - before]).toEqual([4, 0]);
});

describe('webhooks and custom resources', () => {
  const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';
  const RULES = [{ operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets'] }];
  const schema = {
    openAPIV3Schema: { type: 'object', properties: { data: { type: 'object', additionalProperties: { type: 'string' } } } },
  };

  beforeAll(async () => {
    const answer = await api.ask(CRDS, {
      method: 'POST',
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
          versions: [
            { name: 'v1', served: true, storage: true, schema },
            { name: 'v2', served: true, storage: false, schema },
          ],
        },
      },
    });
    if (answer.code !== 201) throw new Error(answer.text);
    const status = {
      acceptedNames: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      storedVersions: ['v1'],
      conditions: [
        {
          type: 'NamesAccepted',
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
        {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'names',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    };
    const established = await api.ask(`${CRDS}/widgets.example.com/status`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { status },
    });
    if (established.code !== 200) throw new Error(established.text);
  });

  const widget = (version = 'v1', more: object = {}): object => ({
    apiVersion: `example.com/${version}`,
    kind: 'Widget',
    metadata: { name: `w${count++}` },
    ...more,
  });

  test('a custom resource is mutated, and what its schema does not know is pruned', async () => {
    await configure('Mutating', 'm', [webhook('/add', { rules: RULES })]);
    hook.answers.set('/add', patching({ op: 'add', path: '/data', value: { added: 'yes' } }, { op: 'add', path: '/unknown', value: 1 }));
    const answer = await api.ask(WIDGETS, { method: 'POST', body: widget() });
    expect([answer.code, answer.json()]).toEqual([201, expect.objectContaining({ data: { added: 'yes' } })]);
    expect(answer.json()['unknown']).toBeUndefined();
  });

  test('the creation, update and deletion of a custom resource are denied', async () => {
    const kept = widget() as { metadata: { name: string } };
    expect((await api.ask(WIDGETS, { method: 'POST', body: kept })).code).toBe(201);
    await configure('Validating', 'v', [webhook('/deny', { rules: RULES })]);
    hook.answers.set('/deny', () => ({ response: { allowed: false, status: { message: 'the custom resource contains unwanted data' } } }));
    const codes = [
      await api.ask(WIDGETS, { method: 'POST', body: widget() }),
      await api.ask(`${WIDGETS}/${kept.metadata.name}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { data: { a: 'b' } },
      }),
      await api.ask(`${WIDGETS}/${kept.metadata.name}`, { method: 'DELETE' }),
    ];
    expect(codes.map(({ code }) => code)).toEqual([400, 400, 400]);
  });

  test('a custom resource of another version is told, and patched, in the version that the rule names', async () => {
    await configure('Mutating', 'm', [webhook('/add', { rules: RULES })]);
    hook.answers.set('/add', patching({ op: 'add', path: '/data', value: { added: 'yes' } }));
    const answer = await api.ask('/apis/example.com/v2/namespaces/default/widgets', { method: 'POST', body: widget('v2') });
    expect([answer.code, answer.json()]).toEqual([201, expect.objectContaining({ apiVersion: 'example.com/v2', data: { added: 'yes' } })]);
    expect(hook.asked[0]?.review.request).toMatchObject({
      kind: { version: 'v1' },
      requestKind: { version: 'v2' },
      object: { apiVersion: 'example.com/v1' },
    });
  });

  test('an exact match leaves other versions alone', async () => {
    await configure('Validating', 'v', [webhook('/deny', { rules: RULES, matchPolicy: 'Exact' })]);
    hook.answers.set('/deny', () => ({ response: { allowed: false } }));
    expect((await api.ask('/apis/example.com/v2/namespaces/default/widgets', { method: 'POST', body: widget('v2') })).code).toBe(201);
  });

  test('the creation of a definition is denied', async () => {
    const rules = [
      { operations: ['CREATE'], apiGroups: ['apiextensions.k8s.io'], apiVersions: ['*'], resources: ['customresourcedefinitions'] },
    ];
    await configure('Validating', 'v', [webhook('/deny', { rules })]);
    hook.answers.set('/deny', () => ({ response: { allowed: false, status: { message: 'no' } } }));
    const found = (await api.ask(`${CRDS}/widgets.example.com`)).json<{ spec: { names: object; group: string } }>();
    const body = {
      ...found,
      metadata: { name: 'gadgets.example.com' },
      spec: { ...found.spec, names: { plural: 'gadgets', kind: 'Gadget' } },
    };
    expect((await api.ask(CRDS, { method: 'POST', body })).text).toContain(
      'admission webhook \\"deny.example.com\\" denied the request: no',
    );
  });
});
