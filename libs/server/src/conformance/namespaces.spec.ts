import type { KubeObject } from '#libs/apimachinery';
import { aConfigMap, aNamespace, aPod, aService, aServiceAccount, startCustomResources, type CustomResources } from '#libs/testing';

interface Namespace extends KubeObject {
  readonly spec: { readonly finalizers?: readonly string[] };
  readonly status: { readonly phase: string; readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources();
});
afterAll(() => cluster.close());

const at = (name: string, rest = ''): string => `/api/v1/namespaces/${name}${rest}`;
const get = async (name: string): Promise<Namespace> => (await cluster.ask(at(name))).json<Namespace & Record<string, unknown>>();
const isGone = async (path: string): Promise<boolean> => (await cluster.ask(path)).code === 404;

async function make(name: string): Promise<Namespace> {
  const made = await cluster.post('/api/v1/namespaces', aNamespace(name));
  expect(made.code).toBe(201);
  return made.json<Namespace & Record<string, unknown>>();
}

async function fill(namespace: string, resource: string, object: KubeObject): Promise<void> {
  const body = { ...object, metadata: { ...object.metadata, namespace } };
  const answer = await cluster.post(at(namespace, `/${resource}`), body);
  if (answer.code !== 201) throw new Error(answer.text);
}

describe('a namespace', () => {
  it('is labelled by a patch and by an update', async () => {
    await make('labelled');
    const patched = await cluster.send('PATCH', at('labelled'), { metadata: { labels: { testLabel: 'testValue' } } }, STRATEGIC);
    expect(patched.json()).toMatchObject({ metadata: { labels: { testLabel: 'testValue', 'kubernetes.io/metadata.name': 'labelled' } } });
    const now = await get('labelled');
    const labels = { ...now.metadata.labels, 'labelled-namespace': 'updated' };
    const updated = await cluster.send('PUT', at('labelled'), { ...now, metadata: { ...now.metadata, labels } });
    expect([updated.code, updated.json<Namespace & Record<string, unknown>>().metadata.labels]).toEqual([200, labels]);
  });

  it('has a status that is patched and updated, and read at a path of its own', async () => {
    await make('stated');
    const condition = { type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by an e2e test' };
    const patched = await cluster.send('PATCH', at('stated', '/status'), { status: { conditions: [condition] } }, MERGE);
    expect(patched.json()).toMatchObject({ status: { phase: 'Active', conditions: [condition] } });
    const read = (await cluster.ask(at('stated', '/status'))).json<Namespace & Record<string, unknown>>();
    const next = { ...condition, type: 'StatusUpdate' };
    const status = { ...read.status, conditions: [...(read.status.conditions ?? []), next] };
    const updated = await cluster.send('PUT', at('stated', '/status'), { ...read, status });
    expect(updated.json()).toMatchObject({ status: { conditions: [condition, next] } });
  });

  it('is given a finalizer through `finalize` alone, and waits for it when it is deleted', async () => {
    const made = await make('finalized');
    expect(made.spec.finalizers).toEqual(['kubernetes']);
    const added = await cluster.send('PUT', at('finalized', '/finalize'), {
      ...made,
      spec: { finalizers: ['kubernetes', 'e2e.example.com/f'] },
    });
    expect(added.json()).toMatchObject({ spec: { finalizers: ['kubernetes', 'e2e.example.com/f'] } });
    await cluster.send('DELETE', at('finalized'), undefined);
    await cluster.until(async () => (await get('finalized')).spec.finalizers?.length === 1);
    const left = await get('finalized');
    expect([left.spec.finalizers, left.status.phase]).toEqual([['e2e.example.com/f'], 'Terminating']);
    await cluster.send('PUT', at('finalized', '/finalize'), { ...left, spec: { finalizers: [] } });
    await cluster.until(() => isGone(at('finalized')));
  });

  const CONTENTS: readonly (readonly [string, () => KubeObject])[] = [
    ['pods', () => aPod('one')],
    ['services', () => aService('one')],
  ];
  it.each(CONTENTS)('takes its %s along, and has none of them when it is made again', async (resource, object) => {
    const name = `taken-${resource}`;
    await make(name);
    await fill(name, 'serviceaccounts', aServiceAccount('default'));
    await fill(name, resource, object());
    await cluster.send('DELETE', at(name), undefined);
    await cluster.until(() => isGone(at(name)));
    await make(name);
    expect((await cluster.ask(at(name, `/${resource}`))).json()['items']).toEqual([]);
  });

  it('that is deleted loses its pods before anything else, and says what holds it', async () => {
    await make('ordered');
    await fill('ordered', 'serviceaccounts', aServiceAccount('default'));
    const pod = aPod('held');
    await fill('ordered', 'pods', { ...pod, metadata: { ...pod.metadata, finalizers: ['e2e.example.com/f'] } });
    await fill('ordered', 'configmaps', aConfigMap('last'));
    await cluster.send('DELETE', at('ordered'), undefined);
    const said = async (): Promise<readonly string[]> =>
      ((await get('ordered')).status.conditions ?? []).filter(({ status }) => status === 'True').map(({ type }) => type);
    await cluster.until(async () => (await said()).includes('NamespaceFinalizersRemaining'));
    expect((await cluster.ask(at('ordered', '/pods/held'))).json()).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) as string },
    });
    expect((await cluster.ask(at('ordered', '/configmaps/last'))).code).toBe(200);
    await cluster.send('PATCH', at('ordered', '/pods/held'), { metadata: { finalizers: null } }, MERGE);
    await cluster.until(() => isGone(at('ordered')));
  });
});
