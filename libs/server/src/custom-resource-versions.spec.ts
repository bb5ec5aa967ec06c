import type { KubeObject } from '#libs/apimachinery';
import type { Call, CallAnswer } from '#libs/registry';
import { startCustomResources, type CustomResources } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

interface Review {
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly (KubeObject & Json)[] };
}

/** How many objects each call has converted; what it is told to fail with. */
const calls: number[] = [];
let failure: string | undefined;

/** v1 says `host: a:1`, v2 says `host: a` and `port: 1`. */
function convert(object: KubeObject & Json, apiVersion: string): Json {
  const spec = object['spec'] as { readonly host?: string; readonly port?: string };
  const [host = '', port = ''] = (spec.host ?? '').split(':');
  const next = apiVersion.endsWith('/v2') ? { host, port } : { host: `${spec.host ?? ''}:${spec.port ?? ''}` };
  return { ...object, apiVersion, spec: next };
}

async function answer({ body }: Call): Promise<CallAnswer> {
  await Promise.resolve();
  if (failure !== undefined) return { failure };
  const { uid, desiredAPIVersion, objects } = (body as Review).request;
  calls.push(objects.length);
  const convertedObjects = objects.map((object) => convert(object, desiredAPIVersion));
  return { body: { kind: 'ConversionReview', response: { uid, result: { status: 'Success' }, convertedObjects } } };
}

const string = { type: 'string' };
const schema = (properties: Json): Json => ({ openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } });

const definition = (plural: string, kind: string, conversion: Json, storage: 'v1' | 'v2' = 'v1'): KubeObject & Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural, kind },
    conversion,
    versions: [
      { name: 'v1', served: true, storage: storage === 'v1', schema: schema({ host: string }) },
      {
        name: 'v2',
        served: true,
        storage: storage === 'v2',
        schema: schema({ host: string, port: string, extra: { type: 'string', default: 'x' } }),
      },
    ],
  },
});

const WEBHOOK = {
  strategy: 'Webhook',
  webhook: { clientConfig: { url: 'https://converter.example.com' }, conversionReviewVersions: ['v1'] },
};

const APPLY = 'application/apply-patch+yaml';

let custom: CustomResources;

beforeAll(async () => {
  custom = await startCustomResources({ call: answer });
  await custom.define(definition('hooks', 'Hook', WEBHOOK));
  await custom.define(definition('plains', 'Plain', { strategy: 'None' }));
});
afterAll(() => custom.close());
beforeEach(() => {
  failure = undefined;
  calls.length = 0;
});

const path = (plural: string, version: string, name = ''): string =>
  `/apis/example.com/${version}/namespaces/default/${plural}${name === '' ? '' : `/${name}`}`;
const object = (kind: string, version: string, name: string, spec: Json): Json => ({
  apiVersion: `example.com/${version}`,
  kind,
  metadata: { name },
  spec,
});
const specOf = async (at: string): Promise<unknown> => (await custom.ask(at)).json()['spec'];

describe('versions that differ in name alone', () => {
  it('show the same object, pruned and filled in by their own schemas', async () => {
    expect((await custom.post(path('plains', 'v1'), object('Plain', 'v1', 'a', { host: 'h', port: '1' }))).json()['spec']).toEqual({
      host: 'h',
    });
    expect(await specOf(path('plains', 'v2', 'a'))).toEqual({ host: 'h', extra: 'x' });
    expect((await custom.ask(path('plains', 'v2', 'a'))).json()['apiVersion']).toBe('example.com/v2');
    expect(calls).toEqual([]);
  });
});

describe('a version that is no longer served', () => {
  const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/turns.example.com';
  const models = async (): Promise<readonly string[]> =>
    Object.keys((await custom.ask('/openapi/v2')).json<{ definitions: Json }>().definitions)
      .filter((name) => name.endsWith('.Turn'))
      .sort();

  it('leaves the documents and discovery, while its objects are read in the others and collected', async () => {
    const crd = definition('turns', 'Turn', { strategy: 'None' });
    await custom.define(crd);
    await custom.post(path('turns', 'v1'), object('Turn', 'v1', 'kept', { host: 'h' }));
    expect(await models()).toEqual(['com.example.v1.Turn', 'com.example.v2.Turn']);
    const live = (await custom.ask(CRD)).json<KubeObject & { spec: { versions: readonly Json[] } }>();
    const versions = live.spec.versions.map((version) => (version['name'] === 'v1' ? { ...version, served: false } : version));
    expect((await custom.send('PUT', CRD, { ...live, spec: { ...live.spec, versions } })).code).toBe(200);
    expect(await models()).toEqual(['com.example.v2.Turn']);
    expect((await custom.ask(path('turns', 'v1'))).code).toBe(404);
    expect((await custom.ask('/openapi/v3/apis/example.com/v1')).text).not.toContain('com.example.v1.Turn"');
    expect((await custom.ask(path('turns', 'v2', 'kept'))).json()).toMatchObject({
      apiVersion: 'example.com/v2',
      spec: { host: 'h', extra: 'x' },
    });
    const patched = await custom.send('PATCH', path('turns', 'v2', 'kept'), { spec: { host: 'i' } }, 'application/merge-patch+json');
    expect(patched.code).toBe(200);
    const owned = {
      ...object('Turn', 'v2', 'orphan', {}),
      metadata: { name: 'orphan', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'x' }] },
    };
    await custom.post(path('turns', 'v2'), owned);
    await custom.until(async () => (await custom.ask(path('turns', 'v2', 'orphan'))).code === 404);
    await custom.send('DELETE', CRD, undefined);
    await custom.until(async () => (await custom.ask(CRD)).code === 404);
  });
});

describe('versions that a webhook converts', () => {
  it('are written in the storage version and read in any', async () => {
    const created = await custom.post(path('hooks', 'v2'), object('Hook', 'v2', 'one', { host: 'h', port: '1' }));
    expect(created.json()).toMatchObject({ apiVersion: 'example.com/v2', spec: { host: 'h', port: '1', extra: 'x' } });
    expect(custom.view.get({ group: 'example.com', version: 'v1', resource: 'hooks' }, 'default', 'one')).toMatchObject({
      apiVersion: 'example.com/v1',
      spec: { host: 'h:1' },
    });
    expect(await specOf(path('hooks', 'v1', 'one'))).toEqual({ host: 'h:1' });
    expect(await specOf(path('hooks', 'v2', 'one'))).toEqual({ host: 'h', port: '1', extra: 'x' });
  });

  it('are not converted where nothing has to be', async () => {
    await custom.post(path('hooks', 'v1'), object('Hook', 'v1', 'same', { host: 'h:1' }));
    await custom.ask(path('hooks', 'v1', 'same'));
    expect(calls).toEqual([]);
  });

  it('are converted together in lists, of whatever versions they are stored in', async () => {
    await custom.define(definition('mixes', 'Mix', WEBHOOK));
    await custom.post(path('mixes', 'v1'), object('Mix', 'v1', 'a', { host: 'a:1' }));
    const crd = (await custom.ask('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mixes.example.com')).json<KubeObject & Json>();
    const next = { ...definition('mixes', 'Mix', WEBHOOK, 'v2'), metadata: crd.metadata };
    const moved = await custom.send('PUT', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mixes.example.com', next);
    expect(moved.json()).toMatchObject({ status: { storedVersions: ['v1', 'v2'] } });
    await custom.post(path('mixes', 'v1'), object('Mix', 'v1', 'b', { host: 'b:2' }));
    calls.length = 0;
    for (const [version, specs] of [
      ['v1', [{ host: 'a:1' }, { host: 'b:2' }]],
      [
        'v2',
        [
          { host: 'a', port: '1' },
          { host: 'b', port: '2' },
        ],
      ],
    ] as const) {
      const { items } = (await custom.ask(path('mixes', version))).json<{ items: readonly Json[] }>();
      expect(items).toMatchObject(specs.map((spec) => ({ apiVersion: `example.com/${version}`, kind: 'Mix', spec })));
    }
    expect(calls).toEqual([1, 1]);
  });

  it('are patched, applied and deleted in the version of the request', async () => {
    await custom.post(path('hooks', 'v1'), object('Hook', 'v1', 'patched', { host: 'h:1' }));
    const merged = await custom.send('PATCH', path('hooks', 'v2', 'patched'), { spec: { port: '2' } }, 'application/merge-patch+json');
    expect(merged.json()).toMatchObject({ apiVersion: 'example.com/v2', spec: { host: 'h', port: '2' } });
    expect(await specOf(path('hooks', 'v1', 'patched'))).toEqual({ host: 'h:2' });
    const applied = await custom.send(
      'PATCH',
      `${path('hooks', 'v2', 'patched')}?fieldManager=me&force=true`,
      object('Hook', 'v2', 'patched', { port: '3' }),
      APPLY,
    );
    expect(applied.json()).toMatchObject({ spec: { host: 'h', port: '3' } });
    expect((await custom.send('DELETE', path('hooks', 'v2', 'patched'), undefined)).code).toBe(200);
  });

  it('let appliers of different versions share an object, and conflict where they disagree', async () => {
    const apply = (version: string, manager: string, spec: Json): ReturnType<CustomResources['send']> =>
      custom.send('PATCH', `${path('hooks', version, 'shared')}?fieldManager=${manager}`, object('Hook', version, 'shared', spec), APPLY);
    expect((await apply('v2', 'two', { host: 'h', port: '1' })).code).toBe(201);
    expect((await apply('v1', 'one', { host: 'h:1' })).code).toBe(200);
    const refused = await apply('v1', 'one', { host: 'h:2' });
    expect([refused.code, refused.json()['message']]).toEqual([409, 'Apply failed with 1 conflict: conflict with "two": .spec.port']);
  });

  it('are watched in the version of the request, in order', async () => {
    const watch = await custom.watch(`${path('hooks', 'v2')}?watch=true&fieldSelector=metadata.name=watched`);
    await custom.post(path('hooks', 'v1'), object('Hook', 'v1', 'watched', { host: 'w:1' }));
    await custom.send('PATCH', path('hooks', 'v1', 'watched'), { spec: { host: 'w:2' } }, 'application/merge-patch+json');
    await custom.send('DELETE', path('hooks', 'v1', 'watched'), undefined);
    const events = await watch.take(3);
    expect(events).toMatchObject([
      { type: 'ADDED', object: { apiVersion: 'example.com/v2', spec: { host: 'w', port: '1' } } },
      { type: 'MODIFIED', object: { spec: { host: 'w', port: '2' } } },
      { type: 'DELETED', object: { spec: { host: 'w', port: '2' } } },
    ]);
    watch.end();
  });

  it('say why they can not be converted', async () => {
    await custom.post(path('hooks', 'v1'), object('Hook', 'v1', 'broken', { host: 'h:1' }));
    failure = 'dial tcp: connection refused';
    const message = 'conversion webhook for example.com/v1, Kind=Hook failed: dial tcp: connection refused';
    for (const at of [path('hooks', 'v2', 'broken'), path('hooks', 'v2')]) {
      const refused = await custom.ask(at);
      expect([refused.code, refused.json()['message']]).toEqual([500, message]);
    }
    const written = await custom.post(path('hooks', 'v2'), object('Hook', 'v2', 'other', { host: 'h', port: '1' }));
    expect([written.code, written.json()['message']]).toEqual([
      500,
      'conversion webhook for example.com/v2, Kind=Hook failed: dial tcp: connection refused',
    ]);
    expect((await custom.ask(path('hooks', 'v1', 'broken'))).code).toBe(200);
  });
});

describe('the params of a policy', () => {
  const GROUP = 'admissionregistration.k8s.io/v1';
  const match = { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] };
  const validations = [{ expression: 'false', messageExpression: 'params.apiVersion + " " + params.spec.host' }];

  it.each([
    ['v1', { name: 'param' }, 'example.com/v1 a:1'],
    ['v2', { name: 'param' }, 'example.com/v2 a'],
    ['v2', { selector: { matchLabels: { given: 'yes' } } }, 'example.com/v2 a'],
  ])('are seen in %s, which it names, by %j', async (version, ref, seen) => {
    const param = { ...object('Hook', 'v1', 'param', { host: 'a:1' }), metadata: { name: 'param', labels: { given: 'yes' } } };
    await custom.post(path('hooks', 'v1'), param);
    const policies = `/apis/${GROUP}/validatingadmissionpolicies`;
    const bindings = `/apis/${GROUP}/validatingadmissionpolicybindings`;
    await custom.post(policies, {
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'p' },
      spec: { matchConstraints: match, paramKind: { apiVersion: `example.com/${version}`, kind: 'Hook' }, validations },
    });
    await custom.post(bindings, {
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'p' },
      spec: { policyName: 'p', validationActions: ['Deny'], paramRef: { ...ref, parameterNotFoundAction: 'Deny' } },
    });
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } };
    const refused = await custom.post('/api/v1/namespaces/default/configmaps', map);
    for (const at of [`${policies}/p`, `${bindings}/p`, path('hooks', 'v1', 'param')]) await custom.send('DELETE', at, {});
    expect(refused.json()['message']).toContain(`denied request: ${seen}`);
  });
});
