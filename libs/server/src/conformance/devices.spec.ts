import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer } from '#libs/testing';

type Device = KubeObject & { readonly spec: Readonly<Record<string, unknown>>; readonly status?: object };

const BASE = '/apis/resource.k8s.io/v1';
const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
});
afterAll(() => api.close());

async function ask<T = Device>(method: string, path: string, body?: unknown, type = 'application/json'): Promise<T> {
  const answer = await api.ask(path, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<T & Record<string, unknown>>();
}

const CLAIM = { devices: { requests: [{ name: 'req-0', exactly: { deviceClassName: 'dra.example.com' } }] } };
const SLICE = { driver: 'dra.example.com', nodeName: 'no-such-node', pool: { name: 'cluster', generation: 1, resourceSliceCount: 1 } };
const LABELLED = { metadata: { labels: { 'test.dra.example.com': 'test' } } };
const never = (expression: string): object => ({ selectors: [{ cel: { expression } }] });

describe.each<[string, string, string, object, object]>([
  ['DeviceClass', 'deviceclasses', '', never('false'), { spec: never('1 == 0') }],
  ['ResourceClaim', 'resourceclaims', '/namespaces/default', CLAIM, LABELLED],
  ['ResourceClaimTemplate', 'resourceclaimtemplates', '/namespaces/default', { spec: CLAIM }, LABELLED],
  ['ResourceSlice', 'resourceslices', '', SLICE, { spec: { devices: [{ name: 'device-0' }] } }],
])('a %s', (kind, resource, inside, spec, change) => {
  const collection = `${BASE}${inside}/${resource}`;
  const path = `${collection}/device`;
  const make = (): Promise<Device> => ask('POST', collection, { metadata: { name: 'device', labels: { set: 'a' } }, spec });

  it('is made and updated, and deleted by its label', async () => {
    const made = await make();
    expect(made).toMatchObject({ kind, spec });
    const { metadata = {}, spec: next = {} } = change as Partial<Device>;
    const wanted = { ...made, metadata: { ...made.metadata, ...metadata }, spec: { ...made.spec, ...next } };
    expect(await ask('PUT', path, wanted)).toMatchObject(change);
    await ask('PATCH', path, { metadata: { labels: { set: 'a' } } }, MERGE);
    await ask('DELETE', `${collection}?labelSelector=set%3Da`);
    expect((await ask<{ items: readonly object[] }>('GET', collection)).items).toEqual([]);
  });

  it.each([
    ['strategic merge', STRATEGIC],
    ['merge', MERGE],
    ['apply', APPLY],
  ])('is changed by a patch of the kind %s', async (what, type) => {
    await make();
    const apply = { apiVersion: 'resource.k8s.io/v1', kind, ...change };
    const patched = await ask(
      'PATCH',
      `${path}?fieldManager=a${what === 'apply' ? '&force=true' : ''}`,
      what === 'apply' ? apply : change,
      type,
    );
    expect(patched).toMatchObject(change);
    await ask('DELETE', path);
  });
});

describe('the status of a ResourceClaim', () => {
  const path = `${BASE}/namespaces/default/resourceclaims/stated`;
  const allocation = { status: { allocation: {} } };

  it.each<[string, string, unknown]>([
    ['strategic merge', STRATEGIC, allocation],
    ['merge', MERGE, allocation],
    ['JSON', JSON_PATCH, [{ op: 'add', path: '/status/allocation', value: {} }]],
    ['apply', APPLY, { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', ...allocation }],
  ])('is that nothing was allocated, after a patch of the kind %s', async (_, type, body) => {
    await ask('POST', `${BASE}/namespaces/default/resourceclaims`, { metadata: { name: 'stated' }, spec: CLAIM });
    expect((await ask('PATCH', `${path}/status?fieldManager=a`, body, type)).status).toMatchObject({ allocation: {} });
    expect((await ask('GET', path)).status).toMatchObject({ allocation: {} });
    await ask('DELETE', path);
  });
});
