import { connect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { KubeObject, Status } from '#libs/apimachinery';
import { aConfigMap, aDeployment, aNamespace, startTestApiServer, type TestApiServer, type TestRequest } from '#libs/testing';

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const patch = (type: keyof typeof PATCH, body: unknown): TestRequest => ({
  method: 'PATCH',
  headers: { 'content-type': PATCH[type] },
  body,
});
const post = (body: unknown, type = 'application/json'): TestRequest => ({ method: 'POST', headers: { 'content-type': type }, body });

describe('verbs and what they refuse', () => {
  let api: TestApiServer;
  const made = async (path: string, body: object): Promise<KubeObject> => {
    const answer = await api.ask(path, { method: 'POST', body });
    if (answer.code !== 201) throw new Error(answer.text);
    return answer.json();
  };
  beforeAll(async () => {
    api = await startTestApiServer();
    await made('/api/v1/namespaces', aNamespace('default'));
    await made(MAPS, { ...aConfigMap('fixed', { key: 'value' }) });
    await made(DEPLOYMENTS, aDeployment('web'));
  });
  afterAll(() => api.close());

  const invalid = (kind: string, why: string): string => `${kind}.meta.k8s.io "" is invalid: ${why}`;
  const TOO_DEEP = '['.repeat(10_001) + ']'.repeat(10_001);
  const copies = [
    { op: 'add', path: '/data', value: { a: 'x'.repeat(1000) } },
    { op: 'add', path: '/metadata/annotations', value: {} },
    ...Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/metadata', path: `/metadata/annotations/a${i}` })),
  ];

  it.each<[title: string, path: string, request: TestRequest, code: number, message: string | RegExp]>([
    [
      'a dryRun that is none',
      `${MAPS}?dryRun=some`,
      post(aConfigMap('a')),
      422,
      invalid('CreateOptions', 'dryRun: Unsupported value: ["some"]: supported values: "All"'),
    ],
    [
      'a dryRun of a deletion',
      `${MAPS}/fixed?dryRun=some`,
      { method: 'DELETE' },
      422,
      invalid('DeleteOptions', 'dryRun: Unsupported value: ["some"]: supported values: "All"'),
    ],
    [
      'a fieldValidation that is none',
      `${MAPS}?fieldValidation=x`,
      post(aConfigMap('a')),
      422,
      /^CreateOptions\.meta\.k8s\.io "" is invalid: fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"$/,
    ],
    [
      'a field manager that is too long',
      `${MAPS}?fieldManager=${'m'.repeat(129)}`,
      post(aConfigMap('a')),
      422,
      /fieldManager: Too long: may not be more than 128 bytes$/,
    ],
    [
      'a field manager that can’t be printed',
      `${MAPS}?fieldManager=a%07`,
      post(aConfigMap('a')),
      422,
      invalid('CreateOptions', 'fieldManager: Invalid value: "a\\a": invalid character U+0007 (at position 1)'),
    ],
    [
      'an apply without a manager',
      `${MAPS}/fixed`,
      patch('apply', aConfigMap('fixed')),
      422,
      invalid('PatchOptions', 'fieldManager: Required value: is required for apply patch'),
    ],
    [
      'force without an apply',
      `${MAPS}/fixed?force=true`,
      patch('merge', {}),
      422,
      invalid('PatchOptions', 'force: Forbidden: may not be specified for non-apply patch'),
    ],
    [
      'a propagationPolicy that is none',
      `${MAPS}/fixed?propagationPolicy=x`,
      { method: 'DELETE' },
      422,
      invalid('DeleteOptions', 'propagationPolicy: Unsupported value: "x": supported values: "Foreground", "Background", "Orphan", "nil"'),
    ],
    [
      'two ways to say what becomes of dependents',
      `${MAPS}/fixed?propagationPolicy=Orphan&orphanDependents=true`,
      { method: 'DELETE' },
      422,
      /orphanDependents and deletionPropagation cannot be both set$/,
    ],
    [
      'a uid that is another’s',
      `${MAPS}/fixed`,
      { method: 'DELETE', body: { preconditions: { uid: 'x' } } },
      409,
      /the UID in the precondition \(x\) does not match the UID in record/,
    ],
    [
      'a version that is another’s',
      `${MAPS}/fixed`,
      { method: 'DELETE', body: { preconditions: { resourceVersion: '1' } } },
      409,
      /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record/,
    ],
    ['a number that is none', `${MAPS}?limit=x`, {}, 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    [
      'a number out of range',
      `${MAPS}?limit=99999999999999999999`,
      {},
      400,
      'strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    [
      'a patch of an unknown type',
      `${MAPS}/fixed`,
      { method: 'PATCH', headers: { 'content-type': 'text/plain' }, body: '{}' },
      415,
      /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json, application\/apply-patch\+yaml$/,
    ],
    [
      'a body of an unknown type',
      MAPS,
      post('{}', 'text/plain'),
      415,
      /^the body of the request was in an unknown format - accepted media types include: /,
    ],
    [
      'a method that the path has not',
      MAPS,
      { method: 'PUT', body: {} },
      405,
      'the server does not allow this method on the requested resource',
    ],
    [
      'a watch that is no GET',
      '/api/v1/watch/configmaps',
      { method: 'DELETE' },
      405,
      'the server does not allow this method on the requested resource',
    ],
    ['a field that can’t be selected by', `${MAPS}?fieldSelector=data=x`, {}, 400, /data/],
    [
      'a label selector that can’t be read',
      `${MAPS}?labelSelector=a+in`,
      {},
      400,
      /^unable to parse requirement: found '' expected: '\('$/,
    ],
    [
      'a body that is compressed',
      MAPS,
      { ...post(gzipSync('{}')), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
      400,
      /json parse error: invalid character .* looking for beginning of value \(1f/,
    ],
    ['no body', MAPS, post(''), 400, /unrecognized|EOF|unexpected end/],
    ['JSON nested too deep', MAPS, post(TOO_DEEP), 400, /exceeded max depth/],
    [
      'a patch nested too deep',
      `${MAPS}/fixed`,
      patch('merge', '{"a":'.repeat(10_001) + '1' + '}'.repeat(10_001)),
      400,
      /exceeded max depth/,
    ],
    [
      'YAML nested too deep',
      MAPS,
      post('{a: '.repeat(3000) + '1' + '}'.repeat(3000), 'application/yaml'),
      400,
      /exceeded max depth of 250/,
    ],
    [
      'YAML whose aliases explode',
      MAPS,
      post(
        ['a: &a [x,x,x,x,x,x,x,x,x]', ...[...'bcdefgh'].map((l, i) => `${l}: &${l} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]`)].join(
          '\n',
        ),
        'application/yaml',
      ),
      400,
      /yaml: document contains excessive aliasing/,
    ],
    ['YAML of too many tokens', MAPS, post(`[${'a,'.repeat(300_000)}]`, 'application/yaml'), 413, /^Request entity too large: limit is /],
    [
      'a number that no integer holds',
      DEPLOYMENTS,
      post('{"metadata":{"name":"a"},"spec":{"replicas":1e99}}'),
      400,
      /cannot unmarshal number .*into Go struct field DeploymentSpec.*replicas of type int32/,
    ],
    [
      'a JSON Patch of too many operations',
      `${MAPS}/fixed`,
      patch('json', Array(10_001).fill({ op: 'test', path: '', value: {} })),
      413,
      'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    ],
    [
      'a JSON Patch whose copies explode',
      `${MAPS}/fixed`,
      patch('json', copies),
      422,
      'the server rejected our request due to an error in our request',
    ],
    ['a body that is too large', MAPS, post('x'.repeat(3 * 1024 * 1024 + 1)), 413, 'Request entity too large: limit is 3145728'],
    [
      'annotations that are too large',
      MAPS,
      post({ ...aConfigMap('a'), metadata: { name: 'a', annotations: { a: 'x'.repeat(256 * 1024) } } }),
      422,
      /metadata\.annotations: Too long: may not be more than 262144 bytes$/,
    ],
    [
      'data that is too large',
      MAPS,
      post(aConfigMap('a', { k: 'x'.repeat(1024 * 1024 + 1) })),
      422,
      /Too long: may not be more than 1048576 bytes$/,
    ],
    [
      'a version on a create',
      MAPS,
      post({ ...aConfigMap('a'), metadata: { name: 'a', resourceVersion: '1' } }),
      500,
      'resourceVersion should not be set on objects to be created',
    ],
    [
      'another name than the URL’s',
      `${MAPS}/fixed`,
      { method: 'PUT', body: aConfigMap('other') },
      400,
      'the name of the object (other) does not match the name on the URL (fixed)',
    ],
    [
      'another namespace than the URL’s',
      MAPS,
      post(aConfigMap('a', {}, 'other')),
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'an old version',
      `${MAPS}/fixed`,
      { method: 'PUT', body: { ...aConfigMap('fixed'), metadata: { name: 'fixed', resourceVersion: '1' } } },
      409,
      /the object has been modified; please apply your changes to the latest version and try again$/,
    ],
    [
      'the scale of another',
      `${DEPLOYMENTS}/web/scale`,
      { method: 'PUT', body: { metadata: { name: 'x' }, spec: { replicas: 1 } } },
      400,
      'the name of the object (x) does not match the name on the URL (web)',
    ],
    [
      'managed fields in an applied body',
      `${MAPS}/fixed?fieldManager=m`,
      patch('apply', { ...aConfigMap('fixed'), metadata: { name: 'fixed', managedFields: [] } }),
      400,
      'metadata.managedFields must be nil',
    ],
    [
      'a key given twice to a strict apply',
      `${MAPS}/twice?fieldManager=m&fieldValidation=Strict`,
      patch('apply', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: p\n  a: q\n'),
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map',
    ],
    [
      'a key given twice to a strict create',
      `${MAPS}?fieldValidation=Strict`,
      post('metadata:\n  name: twice\ndata:\n  a: p\n  a: q\n', 'application/yaml'),
      400,
      /strict decoding error: yaml: unmarshal errors:\n {2}line 5: key "a" already set in map$/,
    ],
    [
      'an apply that is no YAML',
      `${MAPS}/fixed?fieldManager=m`,
      patch('apply', 'a: ['),
      400,
      /^error decoding YAML: error converting YAML to JSON: yaml: line /,
    ],
  ])('%s: refused in upstream’s words', async (_title, path, request, code, message) => {
    const answer = await api.ask(path, request);
    const status = answer.json<Status>();
    expect([answer.code, status.code, status.kind]).toEqual([code, code, 'Status']);
    if (typeof message === 'string') expect(status.message).toBe(message);
    else expect(status.message).toMatch(message);
  });

  it('writes nothing on a dry run, whatever the verb', async () => {
    const before = await api.log.last('state');
    const version = (await api.ask(`${MAPS}/fixed`)).json<KubeObject>().metadata.resourceVersion;
    const all = '?dryRun=All';
    const answers = [
      await api.ask(`${MAPS}${all}`, post(aConfigMap('dry'))),
      await api.ask(`${MAPS}/fixed${all}`, { method: 'PUT', body: aConfigMap('fixed', { key: 'other' }) }),
      ...(await Promise.all(
        (['merge', 'strategic'] as const).map((type) => api.ask(`${MAPS}/fixed${all}`, patch(type, { data: { a: 'b' } }))),
      )),
      await api.ask(`${MAPS}/fixed${all}`, patch('json', [{ op: 'add', path: '/data/a', value: 'b' }])),
      await api.ask(`${MAPS}/dry${all}&fieldManager=m`, patch('apply', aConfigMap('dry'))),
      await api.ask(`${DEPLOYMENTS}/web/scale${all}`, patch('merge', { spec: { replicas: 9 } })),
      await api.ask(`${MAPS}/fixed${all}`, { method: 'DELETE' }),
      await api.ask(`${MAPS}${all}`, { method: 'DELETE' }),
    ];
    expect(answers.map(({ code }) => code)).toEqual([201, 200, 200, 200, 200, 201, 200, 200, 200]);
    expect(answers[2]?.json()).toMatchObject({ data: { a: 'b' }, metadata: { resourceVersion: version } });
    expect(await api.log.last('state')).toBe(before);
  });

  it('writes nothing where a write changes nothing', async () => {
    const before = await api.log.last('state');
    const object = (await api.ask(`${MAPS}/fixed`)).json<KubeObject>();
    const answers = await Promise.all([
      api.ask(`${MAPS}/fixed`, { method: 'PUT', body: object }),
      api.ask(`${MAPS}/fixed`, patch('merge', {})),
      api.ask(`${MAPS}/fixed`, patch('strategic', { data: { key: 'value' } })),
      api.ask(`${MAPS}/fixed`, patch('json', [])),
    ]);
    expect(answers.map((answer) => answer.json<KubeObject>())).toEqual(Array(4).fill(object));
    expect(await api.log.last('state')).toBe(before);
  });

  it('applies a scale: who owns the number is told, and force takes it', async () => {
    await made(DEPLOYMENTS, aDeployment('scaled'));
    const apply = (replicas: number, query: string): ReturnType<TestApiServer['ask']> =>
      api.ask(
        `${DEPLOYMENTS}/scaled/scale?fieldManager=scaler${query}`,
        patch('apply', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled' }, spec: { replicas } }),
      );
    const refused = await apply(5, '');
    expect([refused.code, refused.json<Status>().message]).toEqual([
      409,
      expect.stringMatching(/^Apply failed with 1 conflict: conflict with ".*" using autoscaling\/v1: \.spec\.replicas$/),
    ]);
    expect((await apply(5, '&force=true')).json()).toMatchObject({ kind: 'Scale', spec: { replicas: 5 } });
    const after = (await api.ask(`${DEPLOYMENTS}/scaled`)).json<KubeObject>();
    const owners = (after.metadata.managedFields ?? []).filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('"f:replicas"'));
    expect(owners).toEqual([
      expect.objectContaining({
        manager: 'scaler',
        operation: 'Apply',
        subresource: 'scale',
        apiVersion: 'apps/v1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      }),
    ]);
    const version = after.metadata.resourceVersion;
    expect((await apply(5, '')).json()).toMatchObject({ metadata: { resourceVersion: version } });
  });

  it('refuses to create by an apply what the requester may not create', async () => {
    const guarded = await startTestApiServer({ options: { authorizer: ({ verb }) => ({ allowed: verb !== 'create' }) } });
    try {
      await guarded.put({ ...aNamespace('default'), metadata: { name: 'default', uid: 'u' } });
      await guarded.put({ ...aConfigMap('there'), metadata: { name: 'there', namespace: 'default', uid: 'v' } });
      const refused = await guarded.ask(`${MAPS}/new?fieldManager=m`, patch('apply', aConfigMap('new')));
      expect([refused.code, refused.json<Status>().message]).toEqual([
        403,
        'configmaps "new" is forbidden: User "admin" cannot create resource "configmaps" in API group "" in the namespace "default"',
      ]);
      expect((await guarded.ask(`${MAPS}/there?fieldManager=m`, patch('apply', aConfigMap('there', { a: 'b' })))).code).toBe(200);
    } finally {
      await guarded.close();
    }
  });

  it('answers what comes in one go in order, and refuses headers without end', async () => {
    const { admin, authority, server } = api;
    const talk = (text: string, done: (answer: string) => boolean): Promise<string> =>
      new Promise((resolve, reject) => {
        let answer = '';
        const socket = connect({ host: '127.0.0.1', port: server.port, ca: authority.cert, cert: admin.cert, key: admin.key }, () =>
          socket.write(text),
        );
        socket.on('data', (chunk: Buffer) => {
          answer += chunk.toString('latin1');
          if (done(answer)) socket.destroy();
        });
        socket.once('error', reject);
        socket.once('close', () => resolve(answer));
      });
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const pipelined = await talk(
      get('/version') + get(`${MAPS}/fixed`) + get('/nothing'),
      (answer) => answer.split('HTTP/1.1 ').length > 3 && answer.endsWith('}\n'),
    );
    expect([...pipelined.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)).toEqual(['200', '200', '404']);
    const flooded = await talk(
      `GET /version HTTP/1.1\r\nHost: x\r\n${'X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(3000)}\r\n`,
      () => false,
    );
    expect(flooded).toMatch(/^HTTP\/1\.1 431 /);
    expect(await talk(`GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, () => false)).toMatch(/^HTTP\/1\.1 431 /);
    const many = await api.ask(`${MAPS}?${Array.from({ length: 5000 }, (_, i) => `a${i}=b`).join('&')}`);
    expect(many.code).toBe(200);
  });
});
