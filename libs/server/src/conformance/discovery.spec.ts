import type { KubeObject } from '#libs/apimachinery';
import { startCustomResources, type CustomResources } from '#libs/testing';

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string };
}
interface Discovered {
  readonly kind: string;
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly freshness: string;
      readonly resources: readonly { readonly resource: string; readonly subresources?: readonly { readonly subresource: string }[] }[];
    }[];
  }[];
}
interface ResourceList {
  readonly kind: string;
  readonly groupVersion: string;
  readonly resources: readonly { readonly name: string }[];
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources();
});
afterAll(() => cluster.close());

const read = async <T>(path: string, accept = 'application/json'): Promise<T & Record<string, unknown>> =>
  (await cluster.server.ask(path, { headers: { accept } })).json<T & Record<string, unknown>>();
const groups = async (): Promise<readonly Group[]> => (await read<{ groups: readonly Group[] }>('/apis')).groups;

const definition = (plural: string, kind: string, versions: readonly string[]): KubeObject =>
  ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.found.example.com` },
    spec: {
      group: 'found.example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: { type: 'object' } },
        subresources: { status: {} },
      })),
    },
  }) as KubeObject;

describe('discovery', () => {
  it('says of each group its versions and the one that is preferred, which is the first', async () => {
    const found = await groups();
    expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining(['apps', 'batch', 'apiextensions.k8s.io', 'events.k8s.io']));
    for (const group of found) {
      expect(group.versions.map(({ groupVersion }) => groupVersion)).toContain(group.preferredVersion.groupVersion);
      expect(await read<Group>(`/apis/${group.name}`)).toMatchObject({ kind: 'APIGroup', ...group });
    }
  });

  it('has in each group and version the same resources, one by one and all at once', async () => {
    for (const root of ['/api', '/apis']) {
      const { kind, items } = await read<Discovered>(root, AGGREGATED);
      expect([kind, items.length > 0]).toEqual(['APIGroupDiscoveryList', true]);
      for (const { metadata, versions } of items) {
        for (const { version, freshness, resources } of versions) {
          const path = root === '/api' ? `/api/${version}` : `/apis/${metadata.name ?? ''}/${version}`;
          const one = await read<ResourceList>(path);
          expect([one.kind, one.groupVersion, freshness]).toEqual(['APIResourceList', path.replace(/^\/apis?\//, ''), 'Current']);
          const names = resources.flatMap(({ resource, subresources = [] }) => [
            resource,
            ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
          ]);
          expect(one.resources.map(({ name }) => name).sort()).toEqual(names.sort());
        }
      }
    }
  });

  it.each([
    ['application/json', 'APIGroupList', 'application/json'],
    ['*/*', 'APIGroupList', 'application/json'],
    [AGGREGATED, 'APIGroupDiscoveryList', AGGREGATED],
    [`application/json,${AGGREGATED}`, 'APIGroupDiscoveryList', AGGREGATED],
    [`${AGGREGATED},application/json`, 'APIGroupDiscoveryList', AGGREGATED],
    ['application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json', 'APIGroupList', 'application/json'],
  ])('answers who accepts %s with %s', async (accept, kind, type) => {
    const answer = await cluster.server.ask('/apis', { headers: { accept } });
    expect([answer.code, answer.headers['content-type'], answer.json()['kind']]).toEqual([200, type, kind]);
  });

  it('refuses who accepts nothing that there is', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList';
    expect((await cluster.server.ask('/apis', { headers: { accept } })).code).toBe(406);
  });

  it('has custom resources, in every form and by their versions', async () => {
    await cluster.define(definition('finds', 'Find', ['v1', 'v2beta1']));
    const own = (await groups()).find(({ name }) => name === 'found.example.com');
    expect([own?.preferredVersion.version, own?.versions.map(({ version }) => version)]).toEqual(['v1', ['v1', 'v2beta1']]);
    const { items } = await read<Discovered>('/apis', AGGREGATED);
    const group = items.find(({ metadata }) => metadata.name === 'found.example.com');
    expect(group?.versions).toMatchObject(
      ['v1', 'v2beta1'].map((version) => ({
        version,
        resources: [
          {
            resource: 'finds',
            responseKind: { group: 'found.example.com', version, kind: 'Find' },
            scope: 'Namespaced',
            singularResource: 'find',
            subresources: [{ subresource: 'status' }],
          },
        ],
      })),
    );
    const { resources } = await read<ResourceList>('/apis/found.example.com/v2beta1');
    expect(resources.map(({ name }) => name)).toEqual(['finds', 'finds/status']);
    await cluster.send('DELETE', `${CRDS}/finds.found.example.com`, undefined);
    await cluster.until(async () => !(await groups()).some(({ name }) => name === 'found.example.com'));
  });
});

describe('definitions', () => {
  it('are listed by their label and deleted together', async () => {
    for (const [plural, kind] of [
      ['ones', 'One'],
      ['twos', 'Two'],
    ] as const) {
      const crd = definition(plural, kind, ['v1']);
      await cluster.define({ ...crd, metadata: { ...crd.metadata, labels: { e2e: 'list' } } });
    }
    const listed = async (): Promise<readonly (string | undefined)[]> =>
      (await read<{ items: readonly KubeObject[] }>(`${CRDS}?labelSelector=e2e%3Dlist`)).items.map(({ metadata }) => metadata.name);
    expect(await listed()).toEqual(['ones.found.example.com', 'twos.found.example.com']);
    await cluster.send('DELETE', `${CRDS}?labelSelector=e2e%3Dlist`, undefined);
    await cluster.until(async () => (await listed()).length === 0);
  });
});
