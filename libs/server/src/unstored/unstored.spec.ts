import { startTestApiServer, type TestApiServer } from '#libs/testing';

describe('kinds of which nothing is stored', () => {
  let api: TestApiServer;
  beforeAll(async () => {
    api = await startTestApiServer();
    await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'a' } } });
    await api.ask('/api/v1/namespaces/a/serviceaccounts', { method: 'POST', body: { metadata: { name: 'default' } } });
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    await api.ask('/api/v1/namespaces/a/pods', { method: 'POST', body: { metadata: { name: 'p' }, spec } });
  });
  afterAll(() => api.close());

  it('a binding sends its pod to a node', async () => {
    const body = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
    const bound = await api.ask('/api/v1/namespaces/a/bindings', { method: 'POST', body });
    expect([bound.code, bound.json()]).toMatchObject([201, { kind: 'Status', status: 'Success' }]);
    expect((await api.ask('/api/v1/namespaces/a/pods/p')).json()).toMatchObject({ spec: { nodeName: 'n' } });
    const again = await api.ask('/api/v1/namespaces/a/bindings', { method: 'POST', body });
    expect([again.code, again.json<{ message: string }>().message]).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
    ]);
  });

  it.each([
    ['GET', '/api/v1/namespaces/a/bindings', 405],
    ['POST', '/api/v1/bindings', 405],
    ['POST', '/api/v1/componentstatuses', 405],
    ['GET', '/api/v1/componentstatuses/etcd-0', 404],
    ['GET', '/api/v1/componentstatuses/event-log/status', 404],
  ])('%s %s is answered %i', async (method, path, code) => {
    expect((await api.ask(path, { method, ...(method === 'POST' ? { body: {} } : {}) })).code).toBe(code);
  });

  it('components are looked at when asked, with a warning that this is going away', async () => {
    const all = await api.ask('/api/v1/componentstatuses');
    expect(all.headers['warning']).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"');
    expect(all.json()).toMatchObject({
      kind: 'ComponentStatusList',
      items: ['event-log', 'projection'].map((name) => ({
        metadata: { name },
        conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
      })),
    });
    const table = await api.ask('/api/v1/componentstatuses/projection', {
      headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
    });
    expect(table.json<{ rows: { cells: unknown[] }[] }>().rows[0]?.cells).toEqual(['projection', 'Healthy', 'ok', '']);
  });

  it('say what is wrong', async () => {
    const { close, ask } = await startTestApiServer({
      history: () =>
        ({ position: () => Promise.reject(new Error('no database')), reached: () => Promise.reject(new Error('no database')) }) as never,
    });
    expect((await ask('/api/v1/componentstatuses/projection')).json()).toMatchObject({
      conditions: [{ type: 'Healthy', status: 'False', error: 'no database' }],
    });
    await close();
  });
});
