import type { KubeObject } from '#libs/apimachinery';
import { encodeObject, subjectOf } from '#libs/log';
import { appended, metaOf, startTestApiServer, type TestAnswer, type TestApiServer, type TestPair } from '#libs/testing';
import { splitPast } from './past-request.js';

type Json = Readonly<Record<string, unknown>>;

interface List {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly KubeObject[];
}

const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const SECOND = 1_000;
const WIDGET = subjectOf('test', 'state', { group: 'example.com', resource: 'widgets' }, 'a', 'w');
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

const named = (kind: string, name: string, rest: Json = {}, labels: Record<string, string> = {}, apiVersion = 'v1'): KubeObject =>
  ({
    kind,
    apiVersion,
    metadata: { name, namespace: 'a', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', labels },
    ...rest,
  }) as KubeObject;

const widgets = (version: string): KubeObject => {
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True', reason: 'Test', message: '' }));
  return {
    kind: 'CustomResourceDefinition',
    apiVersion: 'apiextensions.k8s.io/v1',
    metadata: { name: 'widgets.example.com', uid: 'uid-crd' },
    spec: { group: 'example.com', scope: 'Namespaced', names, versions: [{ name: version, served: true, storage: true, schema }] },
    status: { acceptedNames: names, storedVersions: [version], conditions },
  } as unknown as KubeObject;
};

describe('the past', () => {
  let api: TestApiServer;
  let joe: TestPair;
  let now = BEGIN;
  const at = (moment: number | string, path: string, request = {}): Promise<TestAnswer> => api.ask(`/at/${moment}${path}`, request);
  const names = async (moment: number | string, query = ''): Promise<string> =>
    (await at(moment, `/api/v1/configmaps${query}`))
      .json<List>()
      .items.map(({ metadata }) => metadata.name)
      .join(' ');
  const message = (answer: TestAnswer): readonly unknown[] => [answer.code, answer.json()['reason'], answer.json()['message']];

  /** Ten events of `state`, one each minute from BEGIN on, and one Kubernetes Event at the second minute. */
  beforeAll(async () => {
    api = await startTestApiServer({ now: () => now });
    joe = await api.authority.issue('joe', { organizations: ['dev'] });
    const steps: readonly (() => Promise<unknown>)[] = [
      () => api.put(named('ConfigMap', 'x', { data: { n: '1' } }, { app: 'web' })),
      () => api.put(named('ConfigMap', 'y', {}, { app: 'web' })),
      () => api.put(named('ConfigMap', 'x', { data: { n: '2', m: '2' } }, { app: 'db' }), 1),
      () => api.remove(named('ConfigMap', 'y', {}, { app: 'web' }), 2),
      () => api.put(named('Secret', 's', { data: { password: 'aHVudGVyMg==' }, type: 'Opaque' })),
      () => api.put(widgets('v1alpha1')),
      () =>
        appended(api.log, 'state', [
          {
            subject: WIDGET,
            expected: 0,
            meta: metaOf(),
            body: encodeObject(named('Widget', 'w', { size: 1 }, {}, 'example.com/v1alpha1')),
          },
        ]),
      () => api.put(widgets('v1'), 6),
      () => api.put(named('ConfigMap', 'z')),
      () =>
        api.put({
          kind: 'APIService',
          apiVersion: 'apiregistration.k8s.io/v1',
          metadata: { name: 'v1.metrics.io', uid: 'uid-api' },
          spec: { service: { name: 'm', namespace: 'a' } },
        } as KubeObject),
    ];
    for (const [minute, step] of steps.entries()) {
      now = BEGIN + minute * 60 * SECOND;
      await step();
      if (minute === 1)
        await api.put(
          named('Event', 'e', { lastTimestamp: '2026-01-01T00:01:00Z', involvedObject: { kind: 'Pod', name: 'p' }, message: 'hello' }),
        );
    }
    now = BEGIN + 600 * SECOND;
  });
  afterAll(() => api.close());

  it.each<[number | string, string]>([
    [0, ''],
    [1, 'x'],
    [2, 'x y'],
    [3, 'x y'],
    [4, 'x'],
    ['2026-01-01T00:00:59.999Z', 'x'],
    ['2026-01-01T00:01:00Z', 'x y'],
    ['2026-01-01T01:01:00%2B01:00', 'x y'],
    ['2025-12-31', ''],
    ['9m', 'x y'],
    ['1h', ''],
    ['now', 'x z'],
    ['3;speed=10x', 'x y'],
    ['3%3Bspeed=max', 'x y'],
  ])('at %s holds what there was then, and nothing that came later', async (moment, wanted) => {
    expect(await names(moment)).toBe(wanted);
  });

  it('says with each answer which moment it is of', async () => {
    const said = async (moment: string): Promise<unknown> => {
      const { headers } = await at(moment, '/version');
      return [headers['decklog-at'], headers['decklog-position']];
    };
    expect(await said('9m')).toEqual(['2026-01-01T00:01:00.000Z', 'state:2,lease:0,event:1']);
    expect(await said('2026-01-01T00:01:30.500Z')).toEqual(['2026-01-01T00:01:30.500Z', 'state:2,lease:0,event:1']);
    expect(await said('1')).toEqual(['2026-01-01T00:00:00.000Z', 'state:1,lease:0,event:0']);
  });

  it('is what the objects were then, deleted ones included', async () => {
    const one = await at(2, '/api/v1/namespaces/a/configmaps/x');
    expect(one.json()).toMatchObject({ data: { n: '1' }, metadata: { resourceVersion: '1', labels: { app: 'web' } } });
    expect((await at(3, '/api/v1/namespaces/a/configmaps/y')).json()).toMatchObject({ metadata: { resourceVersion: '2' } });
    expect(message(await at(4, '/api/v1/namespaces/a/configmaps/y'))).toEqual([404, 'NotFound', 'configmaps "y" not found']);
    expect(message(await at(8, '/api/v1/namespaces/a/configmaps/z'))).toEqual([404, 'NotFound', 'configmaps "z" not found']);
  });

  it.each([
    ['?labelSelector=app%3Dweb', 'x y'],
    ['?labelSelector=app%3Ddb', ''],
    ['?fieldSelector=metadata.name%3Dy', 'y'],
    ['?resourceVersion=0', 'x y'],
    ['?resourceVersion=1', 'x y'],
    ['?resourceVersion=1&resourceVersionMatch=Exact', 'x'],
  ])('is selected from by %s as it was then', async (query, wanted) => {
    expect(await names(2, query)).toBe(wanted);
  });

  it('stands at the sequence of the moment, and has pages that stay there', async () => {
    const first = (await at('8m', '/api/v1/configmaps?limit=1')).json<List>();
    expect([first.items[0]?.metadata.name, first.metadata]).toEqual([
      'x',
      expect.objectContaining({ resourceVersion: '3', remainingItemCount: 1 }),
    ]);
    const second = (await at('6m', `/api/v1/configmaps?limit=1&continue=${first.metadata.continue ?? ''}`)).json<List>();
    expect([second.items[0]?.metadata.name, second.metadata]).toEqual(['y', { resourceVersion: '3' }]);
  });

  it('tells ages from the moment', async () => {
    const table = async (moment: string, path: string): Promise<unknown> =>
      (await at(moment, path, { headers: TABLE }))
        .json<{ rows: readonly { cells: readonly unknown[] }[] }>()
        .rows.map(({ cells }) => cells);
    expect(await table('2026-01-01T00:01:30Z', '/api/v1/configmaps')).toEqual([
      ['x', 1, '90s'],
      ['y', 0, '90s'],
    ]);
    expect(await table('3', '/api/v1/namespaces/a/configmaps/x')).toEqual([['x', 2, '2m']]);
    expect(await table('2026-01-01T00:01:30Z', '/api/v1/events')).toEqual([expect.arrayContaining(['30s', 'pod/p', 'hello'])]);
    expect(await table('1', '/api/v1/events')).toEqual([]);
  });

  it('has the kinds of its time, in the versions they were served in', async () => {
    const kinds = async (moment: number): Promise<unknown> => [
      (await at(moment, '/apis/example.com')).code,
      (await at(moment, '/apis/example.com/v1alpha1/widgets')).code,
      Object.keys((await at(moment, '/openapi/v3')).json<{ paths: Json }>().paths).includes('apis/example.com/v1alpha1'),
    ];
    expect([await kinds(5), await kinds(6)]).toEqual([
      [404, 404, false],
      [200, 200, true],
    ]);
    const widget = async (moment: number, version: string): Promise<unknown> =>
      (await at(moment, `/apis/example.com/${version}/namespaces/a/widgets/w`)).json();
    const shown = (version: string): unknown => expect.objectContaining({ apiVersion: `example.com/${version}`, size: 1 });
    expect(await widget(7, 'v1alpha1')).toEqual(shown('v1alpha1'));
    expect(await widget(8, 'v1')).toEqual(shown('v1'));
    expect(await widget(8, 'v1alpha1')).toMatchObject({ code: 404 });
    expect(await widget(6, 'v1alpha1')).toMatchObject({ code: 404, message: 'widgets.example.com "w" not found' });
    const headers = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
    const groups = (await at(6, '/apis', { headers })).json<{ items: readonly KubeObject[] }>().items.map(({ metadata }) => metadata.name);
    expect(groups).toEqual(expect.arrayContaining(['apps', 'example.com']));
  });

  it('says where its documents are, below its own path', async () => {
    const { paths } = (await at('6', '/openapi/v3')).json<{ paths: Record<string, { serverRelativeURL: string }> }>();
    const url = paths['apis/apps/v1']?.serverRelativeURL ?? '';
    expect(url).toMatch(/^\/at\/6\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
    expect((await api.ask(url)).code).toBe(200);
    expect((await api.ask(url.replace(/hash=.*/, 'hash=old'))).headers.location).toBe(url);
    expect((await at(1, '/version')).json()).toMatchObject({ gitVersion: 'v1.36.4+decklog' });
  });

  it.each<[string, number | string, string, number, string]>([
    ['GET', 'soon', '/api/v1/configmaps', 400, '"soon" is no moment: it must be a sequence (1234), an age'],
    ['GET', 'a%ZZ', '/api/v1/configmaps', 400, '"a%ZZ" is no moment'],
    ['GET', 99, '/api/v1/configmaps', 400, 'there is no sequence 99 yet'],
    ['GET', '2027-01-01', '/api/v1/configmaps', 400, '2027-01-01 lies in the future: nothing is known of it yet'],
    ['GET', '3;speed=warp', '/api/v1/configmaps', 400, '"warp" is no speed'],
    ['GET', 3, '/api/v1/configmaps?speed=-1', 400, '"-1" is no speed'],
    ['GET', 3, '/api/v1/configmaps?resourceVersion=4', 504, 'Timeout: Too large resource version: 4, current: 3'],
    ['POST', 3, '/api/v1/namespaces/a/configmaps', 405, 'the past is read-only: only get, list and watch are answered under /at/'],
    ['PUT', 3, '/api/v1/namespaces/a/configmaps/x', 405, 'the past is read-only'],
    ['PATCH', 3, '/api/v1/namespaces/a/configmaps/x', 405, 'the past is read-only'],
    ['DELETE', 3, '/api/v1/namespaces/a/configmaps/x', 405, 'the past is read-only'],
    ['DELETE', 3, '/api/v1/namespaces/a/configmaps', 405, 'the past is read-only'],
    ['HEAD', 3, '/api/v1/namespaces/a/configmaps/x', 405, ''],
    ['POST', 3, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 405, 'the past is read-only'],
    ['POST', 3, '/version', 405, 'the past is read-only'],
    ['GET', 3, '/api/v1/namespaces/a/pods/p/log', 405, 'the past has no running containers'],
    ['POST', 3, '/api/v1/namespaces/a/pods/p/exec?command=ls', 405, 'the past has no running containers'],
    ['GET', 3, '/api/v1/namespaces/a/services/p/proxy/', 405, 'the past has no running containers'],
    ['GET', 3, '/api/v1/componentstatuses', 405, 'nothing of componentstatuses is stored: there are none of the past'],
    ['GET', 10, '/apis/metrics.io/v1/pods', 404, 'metrics.io/v1 was served by another API server: nothing of it is in the log'],
    ['GET', 9, '/apis/metrics.io/v1/pods', 404, 'the server could not find the requested resource'],
    ['GET', 3, '/readyz', 404, 'the server could not find the requested resource'],
    ['GET', 3, '/at/2/api/v1/configmaps', 404, 'the server could not find the requested resource'],
  ])('answers %s /at/%s%s with %d', async (method, moment, path, code, words) => {
    const answer = await at(moment, path, { method });
    expect([answer.code, answer.text]).toEqual([code, expect.stringContaining(JSON.stringify(words).slice(1, -1))]);
  });

  it('is shown to whom the present is shown', async () => {
    expect(message(await at(5, '/api/v1/namespaces/a/secrets/s', { client: joe }))).toEqual([
      403,
      'Forbidden',
      'secrets "s" is forbidden: User "joe" cannot get resource "secrets" in API group "" in the namespace "a"',
    ]);
    for (const path of ['/api/v1/secrets', '/api/v1/secrets?watch=true', '/api/v1/namespaces/a/configmaps']) {
      expect((await at(5, path, { client: joe })).code).toBe(403);
    }
    expect((await at('soon', '/api/v1/secrets', { client: joe })).code).toBe(403);
    expect((await at(5, '/api/v1/secrets', { headers: { 'impersonate-user': 'joe' } })).code).toBe(403);
    expect((await at(5, '/api/v1/secrets', { headers: { authorization: 'Bearer nobody' }, anonymous: true })).code).toBe(401);
    expect((await at(5, '/api', { client: joe })).code).toBe(403);
  });
});

describe('reading the past', () => {
  it('leaves a record of who has seen a Secret of it, and of which moment', async () => {
    const api = await startTestApiServer();
    await api.put(named('Secret', 's'));
    await api.put(named('ConfigMap', 'x'));
    await api.ask('/at/1/api/v1/namespaces/a/secrets/s', { headers: { 'audit-id': 'past-secret' } });
    await api.ask('/at/2/api/v1/namespaces/a/configmaps/x', { headers: { 'audit-id': 'past-config' } });
    await api.close();
    const [entry, ...more] = api.audit.entries.filter(({ id }) => id.startsWith('past-'));
    expect(entry).toMatchObject({ kind: 'secret', verb: 'get', resource: 'secrets', name: 's', annotations: { 'decklog.dev/at': '1' } });
    expect(more).toEqual([]);
  });
});

describe('a path of the past', () => {
  it.each([
    ['/at/5/api/v1/pods', { at: { moment: '5', prefix: '/at/5' }, path: '/api/v1/pods' }],
    ['/at/10m%3Bspeed=2x', { at: { moment: '10m;speed=2x', prefix: '/at/10m%3Bspeed=2x' }, path: '/' }],
    ['/at/%/api', { at: { moment: '%', prefix: '/at/%' }, path: '/api' }],
    ['/at//api', { at: { moment: '', prefix: '/at/' }, path: '/api' }],
    ['/at', undefined],
    ['/api/at/5', undefined],
    ['/attic/5', undefined],
  ])('%s is taken apart', (path, parts) => {
    expect(splitPast(path)).toEqual(parts);
  });
});
