import type { KubeObject } from '#libs/apimachinery';
import { startCustomResources, type CustomResources } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources();
});
afterAll(() => cluster.close());

const PRESERVE = { 'x-kubernetes-preserve-unknown-fields': true };
const FOO: Json = {
  description: 'Foo CRD for Testing',
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      description: 'Specification of Foo',
      properties: {
        bars: {
          description: 'List of Bars and their specs.',
          type: 'array',
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, age: { type: 'string' }, bazs: { type: 'array', items: { type: 'string' } } },
          },
        },
      },
    },
  },
};

function definition(group: string, plural: string, kind: string, versions: Readonly<Record<string, Json>>, storage?: string): KubeObject {
  const names = Object.keys(versions);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: names.map((name) => ({
        name,
        served: true,
        storage: name === (storage ?? names[0]),
        schema: { openAPIV3Schema: versions[name] },
      })),
    },
  } as KubeObject;
}

/** The models of a kind that both documents publish, OpenAPI v2 and v3; undefined: none. */
async function published(group: string, version: string, kind: string): Promise<readonly unknown[]> {
  const model = `${group.split('.').reverse().join('.')}.${version}.${kind}`;
  const { definitions } = (await cluster.ask('/openapi/v2')).json<{ definitions: Json }>();
  const { components } = (await cluster.ask(`/openapi/v3/apis/${group}/${version}`)).json<{ components?: { schemas: Json } }>();
  return [definitions[model], components?.schemas[model]];
}

const GVK = 'x-kubernetes-group-version-kind';
const gvk = (group: string, version: string, kind: string): Json => ({ [GVK]: [{ group, kind, version }] });

const META = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: {} };
const EMBEDDED = { type: 'object', 'x-kubernetes-embedded-resource': true, ...PRESERVE };

describe('the schema of a definition is published', () => {
  const GROUP = 'shapes.example.com';
  const SHAPES: readonly (readonly [string, string, Json, Json, Json])[] = [
    ['with what it says', 'Foo', FOO, { description: 'Foo CRD for Testing', properties: { ...(FOO['properties'] as Json), ...META } }, {}],
    [
      'where the root keeps unknown fields, as one that names no field to refuse others',
      'Root',
      { ...FOO, ...PRESERVE },
      { ...PRESERVE, properties: META },
      { properties: FOO['properties'] },
    ],
    [
      'where objects inside keep unknown fields',
      'Open',
      { type: 'object', properties: { spec: { type: 'object', ...PRESERVE }, status: { type: 'object', ...PRESERVE } } },
      { properties: { spec: PRESERVE, status: PRESERVE, ...META } },
      {},
    ],
    [
      'where an embedded object keeps unknown fields, with the metadata that it has',
      'Embedded',
      { type: 'object', properties: { spec: { type: 'object', properties: { object: EMBEDDED } } } },
      { properties: { spec: { properties: { object: { ...PRESERVE, properties: META } } } } },
      {},
    ],
  ];
  it.each(SHAPES)('%s', async (_, kind, schema, inBoth, inV3) => {
    await cluster.define(definition(GROUP, `${kind.toLowerCase()}s`, kind, { v1: schema }));
    const [v2, v3] = await published(GROUP, 'v1', kind);
    expect(v2).toMatchObject({ type: 'object', ...inBoth, ...gvk(GROUP, 'v1', kind) });
    expect(v3).toMatchObject({ type: 'object', ...inBoth, ...inV3, ...gvk(GROUP, 'v1', kind) });
  });

  it('takes any object where the root keeps unknown fields, and refuses none of them strictly', async () => {
    const path = `/apis/${GROUP}/v1/namespaces/default/roots?fieldValidation=Strict`;
    const body = { apiVersion: `${GROUP}/v1`, kind: 'Root', metadata: { name: 'one' }, anything: { goes: [1] } };
    const answer = await cluster.post(path, body);
    expect([answer.code, answer.json()['anything']]).toEqual([201, { goes: [1] }]);
  });
});

describe('definitions that differ', () => {
  const [LEFT, RIGHT] = ['left.example.com', 'right.example.com'];
  const schema = (description: string): Json => ({ ...FOO, description });

  const both = async (places: readonly (readonly [group: string, version: string, kind: string])[]): Promise<readonly unknown[]> => {
    const found = await Promise.all(places.map((place) => published(...place)));
    return found.flat().map((model) => (model as Json | undefined)?.['description']);
  };

  it('in their group are published side by side', async () => {
    await cluster.define(definition(LEFT, 'groups', 'Group', { v1: schema('left') }));
    await cluster.define(definition(RIGHT, 'groups', 'Group', { v1: schema('right') }));
    const places = [LEFT, RIGHT].map((group) => [group, 'v1', 'Group'] as const);
    expect(await both(places)).toEqual(['left', 'left', 'right', 'right']);
  });

  it('in their kind are published side by side', async () => {
    await cluster.define(definition(LEFT, 'ones', 'One', { v1: schema('one') }));
    await cluster.define(definition(LEFT, 'twos', 'Two', { v1: schema('two') }));
    const places = ['One', 'Two'].map((kind) => [LEFT, 'v1', kind] as const);
    expect(await both(places)).toEqual(['one', 'one', 'two', 'two']);
  });

  it('in their version are published side by side, whether one definition has both or each its own', async () => {
    await cluster.define(definition(LEFT, 'versions', 'Version', { v2: schema('v2'), v3: schema('v3') }));
    await cluster.define(definition(LEFT, 'olds', 'Older', { v4: schema('v4') }));
    await cluster.define(definition(LEFT, 'news', 'Newer', { v5: schema('v5') }));
    const places = [['v2', 'Version'] as const, ['v3', 'Version'] as const, ['v4', 'Older'] as const, ['v5', 'Newer'] as const];
    expect(await both(places.map(([version, kind]) => [LEFT, version, kind]))).toEqual(['v2', 'v2', 'v3', 'v3', 'v4', 'v4', 'v5', 'v5']);
    expect(await published(LEFT, 'v4', 'Newer')).toEqual([undefined, undefined]);
  });

  it('from what they were by the name of a version are published by the new name, and the other version stays as it was', async () => {
    const group = 'renamed.example.com';
    await cluster.define(definition(group, 'names', 'Name', { v2: schema('kept'), v3: schema('moved') }));
    const before = await published(group, 'v2', 'Name');
    const path = `${CRDS}/names.${group}`;
    const now = (await cluster.ask(path)).json<KubeObject & { spec: object } & Json>();
    const next = definition(group, 'names', 'Name', { v2: schema('kept'), v4: schema('moved') }) as KubeObject & { spec: object };
    expect((await cluster.send('PUT', path, { ...next, metadata: now.metadata })).code).toBe(200);
    await cluster.until(async () => (await published(group, 'v4', 'Name'))[0] !== undefined);
    expect(await both([[group, 'v4', 'Name']])).toEqual(['moved', 'moved']);
    expect(await published(group, 'v3', 'Name')).toEqual([undefined, undefined]);
    expect(await published(group, 'v2', 'Name')).toEqual(before);
  });
});
