import { MetricsRegistry, textOf } from '#libs/process';
import { aConfigMap, aNamespace, startTestApiServer, type TestApiServer, type TestRequest } from '#libs/testing';
import { requestInfoOf } from '../request-info.js';
import { countedAs } from './request-metrics.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

describe('what a request is counted as', () => {
  const as = (method: string, url: string, isServed = true, isApply = false): string => {
    const [path = '', query] = url.split('?');
    const { verb, group, version, resource, subresource, scope } = countedAs(
      requestInfoOf(method, path, new URLSearchParams(query)),
      isServed,
      isApply,
    );
    return [verb, group, version, resource, subresource, scope].join(' ');
  };

  it.each([
    ['a get by its object', 'GET', `${MAPS}/a`, 'GET  v1 configmaps  resource'],
    ['a list of a namespace', 'GET', MAPS, 'LIST  v1 configmaps  namespace'],
    ['a list of the cluster', 'GET', '/apis/apps/v1/deployments', 'LIST apps v1 deployments  cluster'],
    ['a watch by its query', 'GET', `${MAPS}?watch=1`, 'WATCH  v1 configmaps  namespace'],
    ['a create as a POST of one object', 'POST', MAPS, 'POST  v1 configmaps  resource'],
    ['an update of a status', 'PUT', '/apis/apps/v1/namespaces/a/deployments/b/status', 'PUT apps v1 deployments status resource'],
    ['a deletion of many', 'DELETE', MAPS, 'DELETECOLLECTION  v1 configmaps  namespace'],
    ['what changes protocols as a CONNECT', 'POST', '/api/v1/namespaces/a/pods/b/exec', 'CONNECT  v1 pods exec resource'],
    ['a path that is no resource by its first part', 'GET', '/openapi/v3/apis/apps/v1', 'GET    /openapi '],
    ['a path that nobody knows by none', 'GET', '/some/where', 'GET     '],
    ['a method that nobody knows as another', 'BREW', `${MAPS}/a`, 'other  v1 configmaps  resource'],
  ])('counts %s', (_title, method, url, expected) => expect(as(method, url)).toBe(expected));

  it('counts a patch of server-side apply as APPLY', () => {
    expect(as('PATCH', `${MAPS}/a`)).toBe('PATCH  v1 configmaps  resource');
    expect(as('PATCH', `${MAPS}/a`, true, true)).toBe('APPLY  v1 configmaps  resource');
  });

  it('counts all that is not served together, so that clients make no series up', () => {
    expect(as('GET', '/apis/made.up/v1/things/a', false)).toBe('GET     ');
  });
});

describe('the metrics of an API server', () => {
  const registry = new MetricsRegistry();
  let api: TestApiServer;
  const value = (series: string): string | undefined =>
    textOf(registry.families())
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1);
  const post = (body: unknown): TestRequest => ({ method: 'POST', body });

  beforeAll(async () => {
    api = await startTestApiServer({ options: { metrics: registry, metricsText: () => Promise.resolve(textOf(registry.families())) } });
    await api.ask('/api/v1/namespaces', post(aNamespace('default')));
    await api.ask(MAPS, post(aConfigMap('a', { key: 'value' })));
    await api.ask(`${MAPS}?dryRun=All`, post(aConfigMap('b', { key: 'value' })));
    await api.ask(MAPS, post(aConfigMap('a', { key: 'value' })));
    await api.ask(`${MAPS}/a`);
    await api.ask(`${MAPS}/missing`);
    await api.ask('/apis/made.up/v1/things');
  });
  afterAll(() => api.close());

  const place = 'group="",version="v1",resource="configmaps",subresource="",scope="resource",component="apiserver"';

  it.each([
    ['requests by their code', `apiserver_request_total{verb="POST",dry_run="",${place},code="201"}`, '1'],
    ['refused ones', `apiserver_request_total{verb="POST",dry_run="",${place},code="409"}`, '1'],
    ['dry runs apart', `apiserver_request_total{verb="POST",dry_run="All",${place},code="201"}`, '1'],
    ['how long they took', `apiserver_request_duration_seconds_count{verb="GET",dry_run="",${place}}`, '2'],
    ['how large their answers were', `apiserver_response_sizes_count{verb="GET",${place}}`, '2'],
    [
      'what is not served, together',
      'apiserver_request_total{verb="LIST",dry_run="",group="",version="",resource="",subresource="",scope="",component="apiserver",code="404"}',
      '1',
    ],
    ['what is under way', 'apiserver_current_inflight_requests{request_kind="mutating"}', '0'],
    [
      'what a priority level has worked on',
      'apiserver_flowcontrol_dispatched_requests_total{priority_level="exempt",flow_schema="exempt"}',
      '7',
    ],
  ])('count %s', (_title, series, expected) => expect(value(series)).toBe(expected));

  it('count a watch for as long as it lasts', async () => {
    const watches =
      'apiserver_longrunning_requests{verb="WATCH",group="",version="v1",resource="configmaps",subresource="",scope="namespace",component="apiserver"}';
    const stream = await api.open(`${MAPS}?watch=true`);
    expect(value(watches)).toBe('1');
    stream.destroy();
    while (value(watches) !== '0') await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('are served to who may get /metrics, and to nobody else', async () => {
    const mine = await api.ask('/metrics');
    expect([mine.code, mine.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(mine.text).toContain('# TYPE apiserver_request_duration_seconds histogram');
    expect((await api.ask('/metrics', { anonymous: true })).code).toBe(403);
  });
});
