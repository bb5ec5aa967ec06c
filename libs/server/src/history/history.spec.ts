import type { KubeObject } from '#libs/apimachinery';
import type { Activity, Cause, Revision } from '#libs/history';
import { startTestApiServer, type TestApiServer, type TestPair } from '#libs/testing';

const API = '/apis/history.decklog.dev/v1';

interface List<T> {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

const configMap = (name: string, data: Readonly<Record<string, string>>, namespace = 'a') =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }) as KubeObject;

describe('the past, as kinds of the API', () => {
  let api: TestApiServer;
  let viewer: TestPair;
  let nobody: TestPair;
  const ask = async <T>(path: string, client?: TestPair): Promise<T> => {
    const { code, text } = await api.ask(`${API}${path}`, client ? { client } : {});
    if (code !== 200) throw new Error(`${code} ${text}`);
    return JSON.parse(text) as T;
  };
  const refused = async (path: string, client?: TestPair): Promise<string> => {
    const { code, json } = await api.ask(`${API}${path}`, client ? { client } : {});
    return `${code} ${json<{ readonly message: string }>().message}`;
  };
  const names = ({ items }: List<KubeObject>): readonly (string | undefined)[] => items.map(({ metadata }) => metadata.name);
  const put = (object: KubeObject, expected = 0, meta: Parameters<TestApiServer['put']>[2] = {}) => api.put(object, expected, meta);

  beforeAll(async () => {
    api = await startTestApiServer();
    viewer = await api.authority.issue('vera', { organizations: ['viewers'] });
    nobody = await api.authority.issue('nils');
    const alice = { actor: { user: 'alice' }, verb: 'create' };
    await put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }); // 1
    await put(configMap('m', { k: '1' }), 0, alice); // 2
    await put(configMap('m', { k: '2' }), 2, { actor: { user: 'bob' }, verb: 'patch' }); // 3
    await put(configMap('n', { k: '1' }), 0, { root: 'state:3', cause: 'state:3', actor: { user: 'robot' } }); // 4
    await put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'a' } }, 0, { root: 'state:3', cause: 'state:4' }); // 5
    await put(configMap('n', { k: '2' }), 4, { root: 'state:3', cause: 'state:4', actor: { user: 'robot' } }); // 6
    await api.remove(configMap('m', { k: '2' }), 3); // 7
    await put(configMap('m', { k: '3' }), 7, alice); // 8
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'past', namespace: 'a' },
      rules: [
        { apiGroups: ['history.decklog.dev'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
      ],
    } as KubeObject;
    await put(role); // 9
    await put({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'past', namespace: 'a' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'past' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'viewers' }],
    } as KubeObject); // 10
  });
  afterAll(() => api.close());

  it.each([
    ['of one object, across its deletion', 'object.kind=ConfigMap,object.name=m', ['state-8', 'state-7', 'state-3', 'state-2']],
    ['of a kind', 'object.resource=secrets', ['state-5']],
    ['by who wrote', 'actor=robot', ['state-6', 'state-4']],
    ['by what began it', 'root=state:3', ['state-6', 'state-5', 'state-4', 'state-3']],
    ['by what made it', 'cause=4', ['state-6', 'state-5']],
    ['by the field that changed', 'changed=data.k', ['state-6', 'state-3']],
    ['since an event', 'since=8,object.kind=ConfigMap', ['state-8']],
    ['that do not match', 'actor=alice,verb=delete', []],
  ])('lists revisions %s, the newest first', async (_, selector, expected) => {
    const { items } = await ask<List<Revision>>(`/namespaces/a/revisions?fieldSelector=${encodeURIComponent(selector)}`);
    const found = items.map(({ metadata }) => metadata.name);
    // Events of one millisecond are in no order but that of their places.
    expect(selector.startsWith('since') ? found.slice(0, 1) : found).toEqual(expected);
  });

  it('tells of a revision who did it, how, and what changed', async () => {
    expect(await ask<Revision>('/namespaces/a/revisions/state-3')).toMatchObject({
      apiVersion: 'history.decklog.dev/v1',
      kind: 'Revision',
      metadata: { name: 'state-3', namespace: 'a', resourceVersion: '3' },
      object: { apiVersion: 'v1', kind: 'ConfigMap', group: '', resource: 'configmaps', namespace: 'a', name: 'm' },
      stream: 'state',
      sequence: 3,
      previous: 2,
      type: 'Updated',
      verb: 'patch',
      actor: { user: 'bob' },
      root: 'state:3',
      changes: [{ op: 'replace', path: '/data/k', field: 'data.k', old: '1', value: '2' }],
    });
  });

  it('finds what belongs to the cluster from every namespace', async () => {
    expect((await ask<Revision>('/namespaces/b/revisions/state-1')).object).toMatchObject({ kind: 'Namespace', name: 'a' });
    expect(await refused('/namespaces/b/revisions/state-2')).toBe('404 revisions.history.decklog.dev "state-2" not found');
    expect(await refused('/namespaces/a/revisions/nonsense')).toBe('404 revisions.history.decklog.dev "nonsense" not found');
  });

  it('hands out pages, each going on where the one before ended', async () => {
    const first = await ask<List<Revision>>('/namespaces/a/revisions?limit=3&fieldSelector=object.kind%3DConfigMap');
    const token = first.metadata.continue ?? '';
    const second = await ask<List<Revision>>(`/namespaces/a/revisions?limit=9&fieldSelector=object.kind%3DConfigMap&continue=${token}`);
    expect([...names(first), ...names(second)]).toEqual(['state-8', 'state-7', 'state-6', 'state-4', 'state-3', 'state-2']);
    expect(second.metadata.continue).toBeUndefined();
  });

  it('tells why something happened, and what came of it', async () => {
    const cause = await ask<Cause>('/namespaces/a/causes/state-4');
    expect(cause.chain.map(({ place }) => place)).toEqual(['state:3', 'state:4']);
    expect(cause.effects.map(({ place, effects }) => [place, effects])).toEqual([
      ['state:5', undefined],
      ['state:6', undefined],
    ]);
    const [whole] = (await ask<List<Cause>>('/namespaces/a/causes?fieldSelector=object.kind%3DConfigMap,object.name%3Dn')).items;
    expect(whole?.chain.map(({ place }) => place)).toEqual(['state:3', 'state:4', 'state:6']);
    expect(await refused('/namespaces/a/causes')).toContain('400 causes are listed of one object');
  });

  it('shows of the past what its reader may get today, and no more', async () => {
    const { items } = await ask<List<Revision>>('/namespaces/a/revisions', viewer);
    expect(new Set(items.map(({ object }) => object.kind))).toEqual(new Set(['ConfigMap']));
    expect(await refused('/namespaces/a/revisions/state-5', viewer)).toBe(
      '403 secrets "s" is forbidden: User "vera" cannot get resource "secrets" in API group "" in the namespace "a"',
    );
    expect(await refused('/namespaces/a/revisions?fieldSelector=object.kind%3DSecret,object.name%3Ds', viewer)).toContain(
      '403 secrets "s"',
    );
    const { effects } = await ask<Cause>('/namespaces/a/causes/state-4', viewer);
    expect(effects).toEqual([{ place: 'state:5', hidden: true }, expect.objectContaining({ place: 'state:6' })]);
    expect(await refused('/namespaces/a/revisions', nobody)).toContain('cannot list resource "revisions"');
    expect(await refused('/revisions', viewer)).toContain('cannot list resource "revisions"');
  });

  it('keeps one trail of changes and other requests', async () => {
    const time = Date.now() + 60_000;
    const shared = { time, id: 'x', user: 'eve', verb: 'get', resource: 'secrets', namespace: 'a', name: 's', code: 403 };
    await api.audit.append([
      { ...shared, kind: 'denied' },
      { ...shared, kind: 'denied', resource: 'configmaps', name: 'm' },
      { kind: 'denied', time, id: 'y', user: 'eve', verb: 'get', path: '/metrics', code: 403 },
    ]);
    const all = await ask<List<Activity>>('/activities?limit=4');
    expect(all.items.map(({ category, actor, object, path }) => `${category} ${actor.user} ${object?.name ?? path ?? ''}`)).toEqual([
      'denied eve /metrics',
      'denied eve m',
      'denied eve s',
      'change tester past',
    ]);
    const rest = await ask<List<Activity>>(`/activities?continue=${all.metadata.continue ?? ''}`);
    expect(rest.items).toHaveLength(9);
    const denied = await ask<List<Activity>>('/namespaces/a/activities?fieldSelector=category%3Ddenied', viewer);
    expect(denied.items.map(({ object }) => object?.name)).toEqual(['m']);
  });

  it('follows the trail from a moment on', async () => {
    const stream = await api.open(
      '/apis/history.decklog.dev/v1/namespaces/a/activities?watch=true&timeoutSeconds=30&fieldSelector=category%3Dchange',
    );
    await put(configMap('w', { k: '1' }));
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.includes('\n')) break;
    }
    stream.destroy();
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({ type: 'ADDED', object: { kind: 'Activity', object: { name: 'w' } } });
  });

  it.each([
    ['fieldSelector=nonsense%3D1', 'field label not supported: nonsense'],
    ['fieldSelector=actor!%3Dbob', 'the past is selected by = alone'],
    ['fieldSelector=since%3Dyesterday', 'invalid field selector: since=yesterday'],
    ['fieldSelector=object.kind%3DUnicorn', 'no kind "Unicorn" is served'],
    ['labelSelector=a%3Db', 'the past has no labels'],
    ['continue=abc', 'continue key is not valid'],
    ['limit=x', 'strconv.ParseInt'],
  ])('refuses %s', async (query, words) => {
    expect(await refused(`/namespaces/a/revisions?${query}`)).toMatch(/^400 /);
    expect(await refused(`/namespaces/a/revisions?${query}`)).toContain(words);
  });

  it('records who read what a Secret once held as a reader of the Secret', async () => {
    await ask('/namespaces/a/revisions/state-5');
    await api.server.close();
    const read: object[] = [];
    for await (const { entries } of api.audit.read())
      read.push(...entries.filter(({ kind, user }) => kind === 'secret' && user === 'admin'));
    expect(read).toContainEqual(expect.objectContaining({ verb: 'get', resource: 'secrets', namespace: 'a', name: 's', code: 200 }));
  });
});
