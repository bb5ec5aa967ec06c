import type { Status } from '#libs/apimachinery';
import { startTestApiServer, testAuthority, type TestApiServer } from '#libs/testing';

const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, extra: object = {}): object => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, ...extra });
const message = (answer: { json<T>(): T }): string => answer.json<Status>().message;

describe('the API server', () => {
  let api: TestApiServer;
  beforeAll(async () => {
    api = await startTestApiServer();
    await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
  });
  afterAll(() => api.close());

  describe('lets in', () => {
    it.each(['/livez', '/readyz', '/healthz', '/version'])('anybody to %s', async (path) => {
      expect((await api.ask(path, { anonymous: true })).code).toBe(200);
    });

    it.each([
      ['/api', 'forbidden: User "system:anonymous" cannot get path "/api"'],
      ['/api/v1/pods', 'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'],
      ['/nothing', 'forbidden: User "system:anonymous" cannot get path "/nothing"'],
    ])('nobody without credentials to %s', async (path, said) => {
      const answer = await api.ask(path, { anonymous: true });
      expect([answer.code, message(answer)]).toEqual([403, said]);
    });

    it('nobody with a certificate of another authority', async () => {
      const stranger = await (await testAuthority()).issue('admin', { organizations: ['system:masters'] });
      expect((await api.ask('/api', { client: stranger })).code).toBe(401);
      expect((await api.ask('/livez', { client: stranger })).code).toBe(401);
    });

    it('nobody with a token that is none', async () => {
      const headers = { authorization: 'Bearer nonsense' };
      expect((await api.ask('/livez', { anonymous: true, headers })).code).toBe(401);
    });
  });

  it('names each request', async () => {
    const answer = await api.ask('/version', { headers: { 'audit-id': 'abc' } });
    expect(answer.headers['audit-id']).toBe('abc');
    expect((await api.ask('/version')).headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['GET', '/nothing', 404, 'the server could not find the requested resource'],
    ['GET', '/apis/none.example', 404, 'the server could not find the requested resource'],
    ['GET', '/api/v1/namespaces/default/things', 404, 'the server could not find the requested resource'],
    ['GET', '/api/v1/namespaces/default/nodes', 404, 'the server could not find the requested resource'],
    ['POST', '/api/v1/configmaps', 405, 'the server does not allow this method on the requested resource'],
    ['PUT', CONFIGMAPS, 405, 'the server does not allow this method on the requested resource'],
    ['POST', '/version', 405, 'the server does not allow this method on the requested resource'],
    ['GET', `${CONFIGMAPS}/none`, 404, 'configmaps "none" not found'],
    ['GET', `${CONFIGMAPS}?resourceVersion=999999&limit=0`, 504, 'Timeout: Too large resource version: 999999, current: '],
    [
      'GET',
      `${CONFIGMAPS}?fieldSelector=spec.x%3Dy`,
      400,
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    ['GET', '/api/v1/pods?fieldSelector=spec.x%3Dy', 400, 'field label not supported: spec.x'],
    ['GET', `${CONFIGMAPS}?continue=x`, 400, 'continue key is not valid'],
    ['GET', '/livez/none', 404, 'the server could not find the requested resource'],
  ])('answers %s %s with %d', async (method, path, code, said) => {
    const answer = await api.ask(path, { method });
    expect({ code: answer.code, message: message(answer) }).toEqual({ code, message: expect.stringContaining(said) as string });
  });

  it.each([
    ['malformed JSON', '{"kind": oops}', 'application/json', 400, "json parse error: invalid character 'o' looking for beginning of value"],
    ['an empty body', '', 'application/json', 400, 'json parse error: unexpected end of JSON input (<empty>)'],
    ['malformed YAML', 'a: b: c', 'application/yaml', 400, 'the object provided is unrecognized (must be of type ConfigMap): yaml: line 1'],
    ['an unknown media type', 'x', 'text/plain', 415, 'the body of the request was in an unknown format - accepted media types include'],
    ['another kind', '{"kind":"Pod","apiVersion":"v1"}', 'application/json', 400, 'Pod in version "v1" cannot be handled as a ConfigMap'],
    [
      'a name that is none',
      '{"metadata":{"name":"A_b"}}',
      'application/json',
      422,
      'ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b"',
    ],
  ])('refuses %s', async (_, body, type, code, said) => {
    const answer = await api.ask(CONFIGMAPS, { method: 'POST', body, headers: { 'content-type': type } });
    expect({ code: answer.code, message: message(answer) }).toEqual({ code, message: expect.stringContaining(said) as string });
  });

  it('refuses a body of 4 MiB and goes on', async () => {
    const body = configMap('big', { data: { x: 'x'.repeat(4 * 1024 * 1024) } });
    const answer = await api.ask(CONFIGMAPS, { method: 'POST', body });
    expect(answer.json()).toMatchObject({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: limit is 3145728',
    });
    expect((await api.ask('/version')).code).toBe(200);
  });

  it('tells apart what strict validation refuses and what it only mentions', async () => {
    const body = '{"metadata":{"name":"strict"},"data":{"a":"1","a":"2"},"spec":{}}';
    const strict = await api.ask(`${CONFIGMAPS}?fieldValidation=Strict`, { method: 'POST', body });
    expect(message(strict)).toContain('strict decoding error: ');
    expect(message(strict)).toContain('unknown field "spec"');
    expect(message(strict)).toContain('duplicate field "data.a"');
    const warned = await api.ask(`${CONFIGMAPS}?dryRun=All`, { method: 'POST', body });
    expect(warned.code).toBe(201);
    expect(warned.headers['warning']).toContain('299 - "unknown field \\"spec\\""');
  });

  it.each([
    ['dryRun=Some', 'dryRun: Unsupported value'],
    ['fieldValidation=x', 'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'],
    [`fieldManager=${'x'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
  ])('refuses options it does not know: %s', async (query, said) => {
    const answer = await api.ask(`${CONFIGMAPS}?${query}`, { method: 'POST', body: configMap('x') });
    expect([answer.code, message(answer)]).toEqual([422, expect.stringContaining(said)]);
  });

  it('creates, reads, patches, replaces and deletes', async () => {
    const created = await api.ask(CONFIGMAPS, { method: 'POST', body: configMap('life', { data: { a: '1' } }) });
    expect(created.code).toBe(201);
    const { resourceVersion, uid } = created.json<{ metadata: Record<string, string> }>().metadata;
    expect((await api.ask(`${CONFIGMAPS}/life`)).json()).toEqual(created.json());
    const again = await api.ask(CONFIGMAPS, { method: 'POST', body: configMap('life') });
    expect(again.json()).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    const patched = await api.ask(`${CONFIGMAPS}/life`, {
      method: 'PATCH',
      body: { data: { b: '2' } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    expect(patched.json()).toMatchObject({ data: { a: '1', b: '2' }, metadata: { uid } });
    const stale = await api.ask(`${CONFIGMAPS}/life`, {
      method: 'PUT',
      body: configMap('life', { metadata: { name: 'life', resourceVersion } }),
    });
    expect(message(stale)).toContain('the object has been modified; please apply your changes to the latest version and try again');
    const deleted = await api.ask(`${CONFIGMAPS}/life`, { method: 'DELETE', body: { kind: 'DeleteOptions', preconditions: { uid } } });
    expect(deleted.json()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'life', kind: 'configmaps', uid },
    });
    expect((await api.ask(`${CONFIGMAPS}/life`)).code).toBe(404);
  });

  it.each([
    [
      'application/example+json',
      '{}',
      415,
      'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
    ],
    ['application/apply-patch+yaml', '{}', 422, 'fieldManager: Required value: is required for apply patch'],
    ['application/json-patch+json', '{}', 400, 'json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    ['application/merge-patch+json', '{', 400, 'error decoding patch: unexpected end of JSON input'],
  ])('refuses the patch of type %s', async (type, body, code, said) => {
    const answer = await api.ask(`${CONFIGMAPS}/any`, { method: 'PATCH', body, headers: { 'content-type': type } });
    expect([answer.code, message(answer)]).toEqual([code, expect.stringContaining(said)]);
  });

  it('applies YAML on the server: creates, says which fields have another owner, and gives way to force', async () => {
    const apply = (manager: string, value: string, force = false): ReturnType<typeof api.ask> =>
      api.ask(`${CONFIGMAPS}/applied?fieldManager=${manager}&force=${force}`, {
        method: 'PATCH',
        body: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  key: "${value}"\n`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
      });
    expect((await apply('one', 'a')).code).toBe(201);
    const refused = await apply('two', 'b');
    expect([refused.code, message(refused)]).toEqual([409, 'Apply failed with 1 conflict: conflict with "one": .data.key']);
    expect((await apply('two', 'b', true)).code).toBe(200);
  });

  it('answers as a table where that is accepted', async () => {
    await api.ask(CONFIGMAPS, { method: 'POST', body: configMap('table', { data: { a: '1' } }) });
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    const table = (await api.ask(`${CONFIGMAPS}?fieldSelector=metadata.name%3Dtable`, { headers })).json();
    expect(table).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['table', 1, expect.any(String)], object: { kind: 'PartialObjectMetadata', metadata: { name: 'table' } } }],
    });
    const none = (await api.ask(`${CONFIGMAPS}/table?includeObject=None`, { headers })).json<{ rows: object[] }>();
    expect(none.rows).toEqual([{ cells: ['table', 1, expect.any(String)], object: null }]);
    const wrong = await api.ask(`${CONFIGMAPS}?includeObject=Some`, { headers });
    expect(message(wrong)).toContain('includeObject: Unsupported value: "Some"');
  });

  it('has columns of its own for a scale', async () => {
    const spec = {
      replicas: 3,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    };
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const created = await api.ask(deployments, { method: 'POST', body: JSON.stringify({ metadata: { name: 'scaled' }, spec }) });
    expect(created.code).toBe(201);
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    expect((await api.ask(`${deployments}/scaled/scale`, { headers })).json()).toMatchObject({
      columnDefinitions: [{ name: 'Name' }, { name: 'Desired' }, { name: 'Available' }, { name: 'Age' }],
      rows: [{ cells: ['scaled', 3, 0, expect.any(String)] }],
    });
  });

  it.each([
    ['GET', '/api/v1/endpoints'],
    ['GET', '/api/v1/endpoints?watch=true&timeoutSeconds=1'],
    ['GET', '/api/v1/namespaces/default/endpoints/none'],
    ['DELETE', '/api/v1/namespaces/default/endpoints'],
  ])('warns of a deprecated kind: %s %s', async (method, path) => {
    const { headers } = await api.ask(path, { method });
    expect(headers['warning']).toBe('299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
  });

  it('answers in YAML, indented, and compressed where asked to', async () => {
    const yaml = await api.ask('/api', { headers: { accept: 'application/yaml' } });
    expect([yaml.headers['content-type'], yaml.text.split('\n')[0]]).toEqual(['application/yaml', 'kind: APIVersions']);
    expect((await api.ask('/version?pretty=true')).text).toMatch(/^\{\n {2}"major": "1",\n/);
    const big = { data: { x: 'x'.repeat(200_000) } };
    await api.ask(CONFIGMAPS, { method: 'POST', body: configMap('gzip', big) });
    const headers = { 'accept-encoding': 'gzip' };
    expect((await api.ask(CONFIGMAPS, { headers })).headers['content-encoding']).toBe('gzip');
    expect((await api.ask('/version', { headers })).headers['content-encoding']).toBeUndefined();
  });

  it('describes itself', async () => {
    expect((await api.ask('/version')).json()).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.4+decklog' });
    const resources = (await api.ask('/apis/apps/v1')).json<{ resources: { name: string }[] }>().resources.map(({ name }) => name);
    expect(resources).toEqual(expect.arrayContaining(['deployments', 'deployments/scale', 'deployments/status', 'replicasets']));
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const aggregated = await api.ask('/apis', { headers: { accept } });
    expect(aggregated.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const { etag = '' } = aggregated.headers;
    expect((await api.ask('/apis', { headers: { accept, 'if-none-match': etag } })).code).toBe(304);
    const index = (await api.ask('/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
    const core = await api.ask(index.paths['api/v1']?.serverRelativeURL ?? '');
    expect([core.code, core.headers['cache-control']]).toEqual([200, 'public, immutable']);
    expect((await api.ask('/openapi/v3/api/v1?hash=old')).code).toBe(301);
    const swagger = await api.ask('/openapi/v2', { headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' } });
    expect([swagger.code, swagger.headers['content-type']]).toEqual([200, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf']);
    expect((await api.ask('/openapi/v2')).json()).toMatchObject({ swagger: '2.0' });
  });

  it('tells how its checks stand, but not why one fails', async () => {
    const down = await startTestApiServer({
      options: {
        healthChecks: [
          { name: 'log', check: () => Promise.reject(new Error('secret')) },
          { name: 'cache', check: () => undefined, live: true },
        ],
      },
    });
    try {
      expect((await down.ask('/livez?verbose')).text).toBe('[+]ping ok\n[+]cache ok\nlivez check passed\n');
      const ready = await down.ask('/readyz');
      expect([ready.code, ready.text]).toEqual([500, '[+]ping ok\n[-]log failed: reason withheld\n[+]cache ok\nreadyz check failed\n']);
      expect((await down.ask('/readyz?exclude=log')).text).toBe('ok');
    } finally {
      await down.close();
    }
  });

  it('asks the authorizer about each request, and passes its refusal on', async () => {
    const asked: string[] = [];
    const guarded = await startTestApiServer({
      options: {
        authorizer: (attributes) => {
          asked.push(attributes.kind === 'path' ? attributes.path : `${attributes.verb} ${attributes.resource}/${attributes.subresource}`);
          return { allowed: attributes.verb !== 'list', reason: 'no lists here' };
        },
      },
    });
    try {
      const answer = await guarded.ask('/apis/apps/v1/namespaces/a/deployments');
      expect(answer.json()).toMatchObject({
        code: 403,
        message:
          'deployments.apps is forbidden: User "admin" cannot list resource "deployments" in API group "apps" in the namespace "a": no lists here',
      });
      await guarded.ask('/api');
      await guarded.ask('/livez', { anonymous: true });
      const who = await guarded.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        method: 'POST',
        body: {},
        headers: { 'impersonate-user': 'jane', 'impersonate-group': 'dev' },
      });
      expect(who.json()).toMatchObject({ status: { userInfo: { username: 'jane', groups: ['dev', 'system:authenticated'] } } });
      expect(asked).toEqual(['list deployments/', '/api', 'impersonate users/', 'impersonate groups/', 'create selfsubjectreviews/']);
    } finally {
      await guarded.close();
    }
  });

  it('logs nothing it did not expect', () => {
    expect(api.logged).toEqual([]);
  });
});
