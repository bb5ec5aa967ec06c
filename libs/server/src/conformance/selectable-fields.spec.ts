import type { KubeObject } from '#libs/apimachinery';
import type { Call, CallAnswer } from '#libs/registry';
import { startCustomResources, type CustomResources } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const MERGE = 'application/merge-patch+json';

interface Review {
  readonly request: {
    readonly uid: string;
    readonly desiredAPIVersion: string;
    readonly objects: readonly (KubeObject & { readonly spec: Json })[];
  };
}

/** v1 says `hostPort: a:1`, v2 says `host: a` and `port: 1`. */
function specIn(version: string, { hostPort, host, port }: Json): Json {
  if (version.endsWith('/v2')) {
    const [name, number] = String(hostPort).split(':');
    return { host: name, port: number };
  }
  return { hostPort: `${String(host)}:${String(port)}` };
}

async function convert({ body }: Call): Promise<CallAnswer> {
  await Promise.resolve();
  const { uid, desiredAPIVersion, objects } = (body as Review).request;
  const convertedObjects = objects.map((object) => ({
    ...object,
    apiVersion: desiredAPIVersion,
    spec: specIn(desiredAPIVersion, object.spec),
  }));
  return { body: { kind: 'ConversionReview', response: { uid, result: { status: 'Success' }, convertedObjects } } };
}

const version = (name: string, fields: readonly string[]): Json => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])) } },
    },
  },
  selectableFields: fields.map((field) => ({ jsonPath: `.spec.${field}` })),
});

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ call: convert });
  await cluster.define({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'places.picked.example.com' },
    spec: {
      group: 'picked.example.com',
      scope: 'Namespaced',
      names: { plural: 'places', kind: 'Place' },
      conversion: {
        strategy: 'Webhook',
        webhook: { clientConfig: { url: 'https://converter.example.com' }, conversionReviewVersions: ['v1'] },
      },
      versions: [version('v1', ['hostPort']), version('v2', ['host', 'port'])],
    },
  } as KubeObject);
});
afterAll(() => cluster.close());

const at = (in_: string, rest = ''): string => `/apis/picked.example.com/${in_}/namespaces/default/places${rest}`;
const place = (name: string, host: string, port: string): Json => ({
  apiVersion: 'picked.example.com/v2',
  kind: 'Place',
  metadata: { name },
  spec: { host, port },
});
const found = async (in_: string, selector: string): Promise<readonly unknown[]> =>
  (await cluster.ask(at(in_, `?fieldSelector=${encodeURIComponent(selector)}`)))
    .json<{ items: readonly KubeObject[] }>()
    .items.map(({ metadata }) => metadata.name);

describe('custom resources of two versions with fields of their own to select by', () => {
  it('are listed, watched and deleted by the fields of the version that is asked for', async () => {
    const watches = {
      v1: await cluster.watch(at('v1', '?watch=true&fieldSelector=spec.hostPort%3Dhost1:80')),
      v2: await cluster.watch(at('v2', '?watch=true&fieldSelector=spec.host%3Dhost1')),
    };
    for (const [name, host, port] of [
      ['one', 'host1', '80'],
      ['two', 'host1', '8080'],
      ['three', 'host2', '80'],
    ] as const) {
      expect((await cluster.post(at('v2'), place(name, host, port))).code).toBe(201);
    }
    expect(await found('v1', 'spec.hostPort=host1:80')).toEqual(['one']);
    expect(await found('v2', 'spec.host=host1')).toEqual(['one', 'two']);
    expect(await found('v2', 'spec.host=host1,spec.port!=80')).toEqual(['two']);
    expect((await cluster.ask(at('v1', '?fieldSelector=spec.host%3Dhost1'))).code).toBe(400);
    await cluster.send('PATCH', at('v1', '/three'), { spec: { hostPort: 'host1:80' } }, MERGE);
    await cluster.send('DELETE', at('v2', '?fieldSelector=spec.host%3Dhost1,spec.port%3D8080'), undefined);
    const told = async (watch: keyof typeof watches, events: number): Promise<readonly string[]> =>
      ((await watches[watch].take(events)) as readonly { readonly type: string; readonly object: KubeObject }[]).map(
        ({ type, object }) => `${type} ${object.metadata.name ?? ''} ${object.apiVersion}`,
      );
    expect(await told('v1', 2)).toEqual(['ADDED one picked.example.com/v1', 'ADDED three picked.example.com/v1']);
    expect(await told('v2', 4)).toEqual([
      'ADDED one picked.example.com/v2',
      'ADDED two picked.example.com/v2',
      'ADDED three picked.example.com/v2',
      'DELETED two picked.example.com/v2',
    ]);
    for (const watch of Object.values(watches)) watch.end();
    expect(await found('v2', 'spec.host=host1')).toEqual(['one', 'three']);
  });
});
