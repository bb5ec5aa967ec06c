import type { KubeObject } from '#libs/apimachinery';
import { startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

interface List {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: readonly KubeObject[];
}

const configMap = (name: string, namespace = 'a', labels: Record<string, string> = {}): KubeObject => ({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name, namespace, uid: `uid-${name}`, labels },
});
const names = ({ items }: List): string => items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`).join(' ');

describe.each(['cache', 'projection'] as const)('reads from the %s', (readsFrom) => {
  let api: TestApiServer;
  const list = async (query = '', namespace = ''): Promise<List> => {
    const place = namespace === '' ? '/api/v1/configmaps' : `/api/v1/namespaces/${namespace}/configmaps`;
    return (await api.ask(`${place}?${query}`)).json<List>();
  };
  beforeEach(async () => {
    api = await startTestApiServer({ options: { settings: { readsFrom, futureVersionWaitMs: 50 } } });
    for (const [index, name] of ['x', 'y', 'z'].entries()) await api.put(configMap(name, 'a', { index: String(index), tier: 'web' }));
    await api.put(configMap('m', 'b'));
  });
  afterEach(() => api.close());

  it('lists by namespace and name, without kinds in the items, at the position it stands at', async () => {
    const all = await list();
    expect(all.kind).toBe('ConfigMapList');
    expect(names(all)).toBe('a/x a/y a/z b/m');
    expect(all.metadata).toEqual({ resourceVersion: '4' });
    expect(all.items[1]).toEqual({ metadata: { ...configMap('y', 'a', { index: '1', tier: 'web' }).metadata, resourceVersion: '2' } });
    expect(names(await list('', 'b'))).toBe('b/m');
  });

  it.each([
    ['labelSelector=tier', 'a/x a/y a/z'],
    ['labelSelector=index+in+(1,2),tier%3Dweb', 'a/y a/z'],
    ['labelSelector=!tier', 'b/m'],
    ['fieldSelector=metadata.name%3Dy', 'a/y'],
    ['fieldSelector=metadata.name!%3Dy,metadata.namespace%3Da', 'a/x a/z'],
    ['fieldSelector=metadata.name%3Dy&labelSelector=index%3D2', ''],
  ])('selects by %s', async (query, found) => {
    expect(names(await list(query))).toBe(found);
  });

  it('pages at one position, whatever is written meanwhile', async () => {
    const first = await list('limit=2');
    expect([names(first), first.metadata.remainingItemCount]).toEqual(['a/x a/y', 2]);
    await api.remove(configMap('z'), 3);
    await api.put(configMap('yy'));
    const second = await list(`limit=2&continue=${first.metadata.continue ?? ''}`);
    expect([names(second), second.metadata]).toEqual(['a/z b/m', { resourceVersion: '4' }]);
    expect(names(await list())).toBe('a/x a/y a/yy b/m');
  });

  it('goes on with a page from the history where this server has not begun it', async () => {
    const first = await list('limit=1&labelSelector=tier');
    await api.put(configMap('w'));
    const other = await startTestApiServer({ options: { settings: { readsFrom } } });
    try {
      for (const [index, name] of ['x', 'y', 'z'].entries()) await other.put(configMap(name, 'a', { index: String(index), tier: 'web' }));
      await other.put(configMap('m', 'b'));
      await other.put(configMap('w'));
      const path = `/api/v1/configmaps?limit=1&labelSelector=tier&continue=${first.metadata.continue ?? ''}`;
      const second = (await other.ask(path)).json<List>();
      expect([names(second), second.metadata.resourceVersion]).toEqual(['a/y', '4']);
      const third = (await other.ask(`/api/v1/configmaps?labelSelector=tier&continue=${second.metadata.continue ?? ''}`)).json<List>();
      expect([names(third), third.metadata.continue]).toEqual(['a/z', undefined]);
    } finally {
      await other.close();
    }
  });

  it('counts what remains of a page from the history, too', async () => {
    const first = await list('limit=1');
    const other = await startTestApiServer({ options: { settings: { readsFrom } } });
    try {
      for (const name of ['x', 'y', 'z']) await other.put(configMap(name));
      await other.put(configMap('m', 'b'));
      await other.put(configMap('w'));
      const next = (await other.ask(`/api/v1/configmaps?limit=1&continue=${first.metadata.continue ?? ''}`)).json<List>();
      expect([names(next), next.metadata.remainingItemCount]).toEqual(['a/y', 2]);
    } finally {
      await other.close();
    }
  });

  it('ends a page at the last object there is, however much it read to find it', async () => {
    for (let i = 0; i < 996; i++) await api.put(configMap(`n${i}`, 'b'));
    await api.put(configMap('last', 'c', { tier: 'db' }));
    const page = async (): Promise<[string, boolean]> => {
      const found = await list('limit=1&labelSelector=tier%3Ddb');
      return [names(found), found.metadata.continue !== undefined];
    };
    // 1,000 objects before it and itself: 1,001, then 1,000 of which it is the last.
    expect(await page()).toEqual(['c/last', false]);
    await api.remove(configMap('n0', 'b'), 5);
    expect(await page()).toEqual(['c/last', false]);
    await api.put(configMap('z', 'c'));
    expect(await page()).toEqual(['c/last', true]);
  });

  it('gives one object as of now, or not older than a resourceVersion', async () => {
    const get = async (query: string): Promise<TestAnswer> => api.ask(`/api/v1/namespaces/a/configmaps/y${query}`);
    for (const query of ['', '?resourceVersion=0', '?resourceVersion=4']) {
      expect((await get(query)).json()).toEqual({ ...configMap('y', 'a', { index: '1', tier: 'web' }), metadata: expect.anything() });
    }
    expect((await get('?resourceVersion=5')).json()).toMatchObject({ message: 'Timeout: Too large resource version: 5, current: 4' });
    await api.remove(configMap('y'), 2);
    expect((await get('')).json()).toMatchObject({ code: 404, message: 'configmaps "y" not found' });
  });

  it('has no remaining count where a selector hides it', async () => {
    const page = await list('limit=1&labelSelector=tier');
    expect(page.metadata.remainingItemCount).toBeUndefined();
    expect(page.metadata.continue).toBeDefined();
  });

  it('answers exactly as of a resourceVersion, or not older than it', async () => {
    await api.put(configMap('late'));
    expect(names(await list('resourceVersion=2&resourceVersionMatch=Exact'))).toBe('a/x a/y');
    expect(names(await list('resourceVersion=2&limit=5'))).toBe('a/x a/y');
    expect(names(await list('resourceVersion=2'))).toBe('a/late a/x a/y a/z b/m');
    expect(names(await list('resourceVersion=0&limit=500'))).toBe('a/late a/x a/y a/z b/m');
  });

  it('says of a resourceVersion from the future that it is too large', async () => {
    const answer = await api.ask('/api/v1/configmaps?resourceVersion=99');
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({
      code: 504,
      reason: 'Timeout',
      message: 'Timeout: Too large resource version: 99, current: 4',
      details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    });
  });

  it('lets a continue token expire, and offers an inconsistent one', async () => {
    // Nothing is younger than this horizon: the first sample behind it makes what came before expire.
    await api.close();
    api = await startTestApiServer({ options: { settings: { readsFrom, compactionHorizonMs: 20 } } });
    for (const name of ['x', 'y']) await api.put(configMap(name));
    const first = await list('limit=1');
    await api.put(configMap('xx'));
    await api.put(configMap('z'));
    const nextPage = (): Promise<TestAnswer> => api.ask(`/api/v1/configmaps?limit=2&continue=${first.metadata.continue ?? ''}`);
    let expired = await nextPage();
    while (expired.code === 200) expired = await nextPage();
    expect(expired.json()).toMatchObject({ code: 410, reason: 'Expired', metadata: { continue: expect.any(String) as string } });
    const token = expired.json<{ metadata: { continue: string } }>().metadata.continue;
    const next = await list(`limit=2&continue=${token}`);
    expect([names(next), next.metadata.resourceVersion]).toEqual(['a/xx a/y', '4']);
    const exact = await api.ask('/api/v1/configmaps?resourceVersion=2&resourceVersionMatch=Exact');
    expect(exact.json()).toMatchObject({ code: 410, message: 'The resourceVersion for the provided list is too old.' });
  });

  it('says of a resourceVersion of a cluster that was restored that it is gone, and lists what is not older', async () => {
    await api.close();
    api = await startTestApiServer({ options: { settings: { readsFrom, lost: { state: { after: 1, through: 3 } } } } });
    for (const name of ['x', 'y', 'z']) await api.put(configMap(name));
    const exact = await api.ask('/api/v1/configmaps?resourceVersion=2&resourceVersionMatch=Exact');
    expect(exact.json()).toMatchObject({ code: 410, reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' });
    expect(names(await list('resourceVersion=1&resourceVersionMatch=Exact'))).toBe('a/x');
    expect(names(await list('resourceVersion=2'))).toBe('a/x a/y a/z');
  });

  it('answers metadata alone where that is accepted', async () => {
    const headers = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
    const answer = (await api.ask('/api/v1/configmaps?limit=1', { headers })).json<List>();
    expect([answer.kind, answer.items[0]?.kind]).toEqual(['PartialObjectMetadataList', 'PartialObjectMetadata']);
    const one = await api.ask('/api/v1/namespaces/a/configmaps/x', { headers });
    expect(one.code).toBe(406);
  });

  it('deletes a collection by its selectors, and answers what it was', async () => {
    const answer = await api.ask('/api/v1/namespaces/a/configmaps?labelSelector=index+in+(0,1)', { method: 'DELETE' });
    expect([answer.code, names(answer.json<List>())]).toEqual([200, 'a/x a/y']);
    expect(names(await list())).toBe('a/z b/m');
  });

  it('shows the same Kubernetes Event in both groups', async () => {
    const event = {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: 'e', namespace: 'a', uid: 'u' },
      message: 'hello',
      involvedObject: { kind: 'Pod', name: 'p' },
      source: {},
      reportingComponent: 'c',
      reportingInstance: 'i',
    };
    await api.put(event as KubeObject);
    const answer = (await api.ask('/apis/events.k8s.io/v1/namespaces/a/events/e')).json();
    expect(answer).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'hello',
      regarding: { name: 'p' },
      metadata: { resourceVersion: '1' },
    });
    const found = await api.ask('/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Dp');
    expect(names(found.json<List>())).toBe('a/e');
  });
});
