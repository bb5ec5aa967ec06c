import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestApiServer } from '#libs/testing';

type Told = KubeObject & Readonly<Record<string, unknown>>;

const STRATEGIC = 'application/strategic-merge-patch+json';
const MERGE = 'application/merge-patch+json';

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  for (const name of ['default', 'other']) await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name } } });
});
afterAll(() => api.close());

async function ask<T = Told>(method: string, path: string, body?: unknown, type = 'application/json'): Promise<T> {
  const answer = await api.ask(path, { method, ...(body === undefined ? {} : { body, headers: { 'content-type': type } }) });
  if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${answer.text}`);
  return answer.json<T & Record<string, unknown>>();
}

const TIME = '2026-01-01T00:00:00.000000Z';

/** A Kubernetes Event as each group has it, and how that calls its parts. */
const GROUPS = {
  core: {
    base: '/api/v1',
    patch: { message: 'patched' },
    body: (namespace: string) => ({
      involvedObject: { namespace, kind: 'Pod', name: 'a' },
      reason: 'Test',
      message: 'this is a test',
      type: 'Normal',
      source: { component: 'tester' },
      reportingComponent: 'tester',
    }),
    selectors: ['involvedObject.name=a', 'source=tester', 'reason=Test,type=Normal'],
  },
  'events.k8s.io': {
    base: '/apis/events.k8s.io/v1',
    patch: { series: { count: 2, lastObservedTime: TIME } },
    body: (namespace: string) => ({
      eventTime: TIME,
      regarding: { namespace, kind: 'Pod', name: 'a' },
      reason: 'Test',
      note: 'this is a test',
      type: 'Normal',
      action: 'Do',
      reportingController: 'tester',
      reportingInstance: 'tester-1',
    }),
    selectors: ['regarding.name=a', 'reportingController=tester', 'reason=Test,type=Normal'],
  },
} as const;

describe.each(['core', 'events.k8s.io'] as const)('Kubernetes Events of the group %s', (group) => {
  const { base, body, selectors, patch } = GROUPS[group];
  const set = `group=${group}`;
  const inside = (namespace: string): string => `${base}/namespaces/${namespace}/events`;
  const post = (name: string, namespace = 'default'): Promise<Told> =>
    ask('POST', inside(namespace), { metadata: { name: `${name}.${group}`, labels: { group } }, ...body(namespace) });
  const found = async (path: string, fields?: string): Promise<readonly (string | undefined)[]> => {
    const query = `labelSelector=${encodeURIComponent(set)}${fields === undefined ? '' : `&fieldSelector=${encodeURIComponent(fields)}`}`;
    return (await ask<{ items: readonly KubeObject[] }>('GET', `${path}?${query}`)).items.map(({ metadata }) => metadata.name);
  };

  it('are made, listed, patched, updated with a series and deleted', async () => {
    const path = `${inside('default')}/one.${group}`;
    await post('one');
    expect(await found(`${base}/events`)).toEqual([`one.${group}`]);
    expect(await ask('PATCH', path, patch, STRATEGIC)).toMatchObject(patch);
    const series = { count: 100, lastObservedTime: '2026-01-02T00:00:00.000001Z' };
    expect(await ask('PATCH', path, { series }, MERGE)).toMatchObject({ reason: 'Test', series });
    const next = { ...series, count: 101 };
    const { metadata, ...rest } = await ask('GET', path);
    // Whoever says of no version that it is to be replaced replaces any.
    const { resourceVersion: _, ...named } = metadata;
    expect(await ask('PUT', path, { ...rest, metadata: named, series: next })).toMatchObject({ series: next });
    expect((await ask('GET', path))['series']).toEqual(next);
    await ask('DELETE', path);
    expect(await found(`${base}/events`)).toEqual([]);
  });

  it('are listed by their fields, in one namespace and in all, and deleted together', async () => {
    for (const [name, namespace] of [
      ['one', 'default'],
      ['two', 'default'],
      ['three', 'other'],
    ] as const) {
      await post(name, namespace);
    }
    for (const selector of selectors) {
      expect([...(await found(`${base}/events`, selector))].sort()).toEqual([`one.${group}`, `three.${group}`, `two.${group}`]);
      expect(await found(inside('default'), selector)).toHaveLength(2);
      expect(await found(`${base}/events`, selector.replace('=', '!='))).toEqual([]);
    }
    await ask('DELETE', `${inside('default')}?labelSelector=${encodeURIComponent(set)}`);
    expect(await found(`${base}/events`)).toEqual([`three.${group}`]);
  });
});

describe('a Kubernetes Event of one group', () => {
  it.each([
    ['events.k8s.io', GROUPS.core.base, 'source=tester'],
    ['core', GROUPS['events.k8s.io'].base, 'reportingController=tester'],
  ] as const)('%s is found in the other by who reported it', async (group, base, selector) => {
    const { base: own, body } = GROUPS[group];
    await ask('POST', `${own}/namespaces/default/events`, { metadata: { name: `found.${group}` }, ...body('default') });
    const path = `${base}/namespaces/default/events?fieldSelector=${encodeURIComponent(`${selector},metadata.name=found.${group}`)}`;
    const { items } = await ask<{ items: readonly KubeObject[] }>('GET', path);
    expect(items.map(({ metadata }) => metadata.name)).toEqual([`found.${group}`]);
  });
});
