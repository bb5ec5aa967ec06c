import type { KubeObject } from '#libs/apimachinery';
import { aPod, startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

interface Pod extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly Readonly<Record<string, unknown>>[] };
  readonly status: Readonly<Record<string, unknown>>;
}

const CORE = '/api/v1/namespaces/default';
const PODS = `${CORE}/pods`;
const STRATEGIC = 'application/strategic-merge-patch+json';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default' } } });
  await api.ask(`${CORE}/serviceaccounts`, { method: 'POST', body: { metadata: { name: 'default' } } });
});
afterAll(() => api.close());

const send = (method: string, path: string, body?: unknown, type = 'application/json'): Promise<TestAnswer> =>
  api.ask(path, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });
async function ask(method: string, path: string, body?: unknown, type?: string): Promise<Pod> {
  const answer = await send(method, path, body, type);
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<Pod & Record<string, unknown>>();
}
const patch = (path: string, body: object): Promise<Pod> => ask('PATCH', path, body, STRATEGIC);
const made = (name: string, spec: object = {}): Promise<Pod> => ask('POST', PODS, aPod(name, spec));

describe('the generation of a pod', () => {
  it('counts what changes its spec, and nothing else', async () => {
    expect((await made('counted')).metadata.generation).toBe(1);
    const path = `${PODS}/counted`;
    const steps: readonly (readonly [object, number])[] = [
      [{ spec: { activeDeadlineSeconds: 600 } }, 2],
      [{ spec: { activeDeadlineSeconds: 600 } }, 2],
      [{ spec: { containers: [{ name: 'main', image: 'i:2' }] } }, 3],
      [{ spec: { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }] } }, 4],
      [{ metadata: { annotations: { a: 'b' }, labels: { c: 'd' } } }, 4],
      [{ metadata: { generation: 99 } }, 4],
    ];
    for (const [body, generation] of steps) expect((await patch(path, body)).metadata.generation).toBe(generation);
    expect((await patch(`${path}/status`, { status: { reason: 'x', observedGeneration: 4 } })).metadata.generation).toBe(4);
  });

  it('counts a deletion that waits for its node', async () => {
    const sent = aPod('leaving', { terminationGracePeriodSeconds: 60 });
    const pod = await ask('POST', PODS, { ...sent, metadata: { ...sent.metadata, generation: 100 } });
    expect(pod.metadata.generation).toBe(1);
    await ask('POST', `${PODS}/leaving/binding`, { metadata: { name: 'leaving' }, target: { kind: 'Node', name: 'n' } });
    expect(await ask('GET', `${PODS}/leaving`)).toMatchObject({ metadata: { generation: 1 }, spec: { nodeName: 'n' } });
    const deleted = await ask('DELETE', `${PODS}/leaving?gracePeriodSeconds=30`);
    expect(deleted.metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 30 });
    expect((await ask('GET', `${PODS}/leaving`)).metadata.generation).toBe(2);
    expect((await send('DELETE', `${PODS}/leaving?gracePeriodSeconds=0`)).code).toBe(200);
    expect((await send('GET', `${PODS}/leaving`)).code).toBe(404);
  });
});

describe('the class of a pod', () => {
  const of = (requests?: object, limits?: object): object => ({
    containers: [{ name: 'main', image: 'i:1', resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } }],
  });
  const amounts = { cpu: '100m', memory: '100Mi' };
  it.each([
    ['Guaranteed', 'same', of(amounts, amounts)],
    ['Guaranteed', 'limits', of(undefined, amounts)],
    ['Burstable', 'less', of(amounts, { cpu: '200m', memory: '200Mi' })],
    ['Burstable', 'one', of({ cpu: '100m' })],
    ['BestEffort', 'none', of()],
  ])('%s is in its status from the first, for %s', async (qosClass, name, spec) => {
    expect((await made(`class-${name}`, spec)).status).toMatchObject({ phase: 'Pending', qosClass });
  });
});

describe('the resize of a pod', () => {
  const resources = (cpu: string): object => ({ requests: { cpu, memory: '64Mi' }, limits: { cpu, memory: '64Mi' } });

  it('is read, patched and replaced at its own endpoint', async () => {
    await made('resized', { containers: [{ name: 'main', image: 'i:1', resources: resources('100m') }] });
    const path = `${PODS}/resized/resize`;
    const found = await ask('GET', path);
    expect(found).toEqual(await ask('GET', `${PODS}/resized`));
    const replaced = await ask('PUT', path, {
      ...found,
      spec: { ...found.spec, containers: [{ ...found.spec.containers[0], resources: resources('200m') }] },
    });
    expect(replaced).toMatchObject({ kind: 'Pod', metadata: { generation: 2 }, spec: { containers: [{ resources: resources('200m') }] } });
    const patched = await patch(path, { spec: { containers: [{ name: 'main', resources: resources('300m') }] } });
    expect(patched).toMatchObject({ metadata: { generation: 3 }, spec: { containers: [{ image: 'i:1', resources: resources('300m') }] } });
    expect((await send('PUT', path, found)).json()).toMatchObject({ code: 409, reason: 'Conflict' });
  });
});

describe('the ephemeral containers of a pod', () => {
  it('are read, patched and replaced at their own endpoint', async () => {
    await made('looked-into');
    const path = `${PODS}/looked-into/ephemeralcontainers`;
    const look = (name: string): object => ({ name, image: 'tools:1', command: ['/bin/sh'], stdin: true, tty: true });
    const patched = await patch(path, { spec: { ephemeralContainers: [look('first')] } });
    expect(patched.spec).toMatchObject({ ephemeralContainers: [look('first')] });
    const first = (await ask('GET', path)).spec['ephemeralContainers'] as readonly object[];
    const replaced = await ask('PUT', path, { ...patched, spec: { ...patched.spec, ephemeralContainers: [...first, look('second')] } });
    expect(replaced.spec).toMatchObject({ ephemeralContainers: [look('first'), look('second')] });
  });
});

describe('pods', () => {
  it('are deleted together by their label, and others stay', async () => {
    const labelled = (name: string, set: string): object => ({ ...aPod(name), metadata: { name, labels: { set } } });
    for (const [name, set] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ] as const) {
      await ask('POST', PODS, labelled(name, set));
    }
    await ask('DELETE', `${PODS}?labelSelector=set%3Da&gracePeriodSeconds=0`);
    const { items } = (await send('GET', `${PODS}?labelSelector=set`)).json<{ items: readonly KubeObject[] }>();
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['b1']);
  });
});

describe.each([
  ['ConfigMap', 'configmaps', 'text'],
  ['Secret', 'secrets', 'dGV4dA=='],
])('the data of a %s', (kind, resource, value) => {
  it('has no empty key', async () => {
    const answer = await send('POST', `${CORE}/${resource}`, { metadata: { name: 'empty-key' }, data: { '': value } });
    expect(answer.json()).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { name: 'empty-key', kind },
      message: [
        `${kind} "empty-key" is invalid: data[]: Invalid value: "": a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
        " (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ].join(''),
    });
    expect((await send('GET', `${CORE}/${resource}/empty-key`)).code).toBe(404);
  });

  it('is patched and updated, and found by its label in all namespaces', async () => {
    const path = `${CORE}/${resource}/changed`;
    await ask('POST', `${CORE}/${resource}`, { metadata: { name: 'changed', labels: { test: 'life' } }, data: { a: value } });
    const patched = await patch(path, { metadata: { labels: { more: 'yes' } }, data: { b: value } });
    expect(patched).toMatchObject({ metadata: { labels: { test: 'life', more: 'yes' } }, data: { a: value, b: value } });
    expect(await ask('PUT', path, { ...patched, data: { c: value } })).toMatchObject({ data: { c: value } });
    const everywhere = `/api/v1/${resource}?labelSelector=test%3Dlife`;
    const { items } = (await send('GET', everywhere)).json<{ items: readonly (KubeObject & { readonly data: object })[] }>();
    expect(items.map(({ metadata, data }) => [metadata.name, data])).toEqual([['changed', { c: value }]]);
    await ask('DELETE', `${CORE}/${resource}?labelSelector=test%3Dlife`);
    expect((await send('GET', path)).code).toBe(404);
  });
});
