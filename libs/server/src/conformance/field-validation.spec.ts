import type { KubeObject } from '#libs/apimachinery';
import { startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const GROUP = 'strict.example.com';
const APPLY = 'application/apply-patch+yaml';
const PRESERVE = { 'x-kubernetes-preserve-unknown-fields': true };

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources();
});
afterAll(() => cluster.close());

const definition = (plural: string, kind: string, schema: Json): KubeObject =>
  ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  }) as KubeObject;

const place = (plural: string): string => `/apis/${GROUP}/v1/namespaces/default/${plural}`;
const text = (kind: string, name: string, rest: string, metadata = ''): string =>
  `{"apiVersion":"${GROUP}/v1","kind":"${kind}","metadata":{"name":"${name}"${metadata}},${rest}}`;
const outcome = (answer: TestAnswer): readonly [number, unknown] => [answer.code, answer.json()['message']];

/** The same object created and applied, both strictly. */
async function bothWays(collection: string, name: string, body: (name: string) => string): Promise<readonly TestAnswer[]> {
  const created = await cluster.post(`${collection}?fieldValidation=Strict`, body(`${name}-created`));
  const path = `${collection}/${name}-applied?fieldManager=field_validation&fieldValidation=Strict`;
  return [created, await cluster.send('PATCH', path, body(`${name}-applied`), APPLY)];
}

describe('strict validation of a Deployment', () => {
  const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict';
  const deployment = (metadata: string, spec: string): string =>
    `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"strict"${metadata}},"spec":{"selector":{"matchLabels":{"a":"b"}},` +
    `"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}${spec}}}`;
  const ROWS: readonly (readonly [string, string, string])[] = [
    [
      'unknown and duplicate fields',
      deployment('', ',"unknownNested":"a","paused":true,"paused":false'),
      'unknown field "spec.unknownNested", duplicate field "spec.paused"',
    ],
    ['unknown fields of its metadata', deployment(',"unknownMeta":"a"', ''), 'unknown field "metadata.unknownMeta"'],
  ];
  it.each(ROWS)('names %s', async (_, body, said) => {
    const [code, message] = outcome(await cluster.post(DEPLOYMENTS, body));
    expect(code).toBe(400);
    const names = said.split(', ').sort();
    const [prefix = '', found = ''] = String(message).split('strict decoding error: ');
    expect([prefix, found.split(', ').sort()]).toEqual(['Deployment in version "v1" cannot be handled as a Deployment: ', names]);
  });
});

describe('strict validation of custom resources', () => {
  const port = {
    type: 'object',
    properties: { hostPort: { type: 'integer' }, containerPort: { type: 'integer' }, protocol: { type: 'string' } },
  };
  const SPEC = { type: 'object', properties: { replicas: { type: 'integer' }, ports: { type: 'array', items: port } } };
  const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, ...PRESERVE };
  const VALID = '"spec":{"replicas":1,"ports":[{"hostPort":80,"containerPort":81,"protocol":"TCP"}]}';

  beforeAll(async () => {
    await cluster.define(definition('knowns', 'Known', { type: 'object', properties: { spec: SPEC, embedded } }));
    await cluster.define(definition('anys', 'Any', { type: 'object', ...PRESERVE }));
  });

  it('lets pass what the schema describes', async () => {
    for (const answer of await bothWays(place('knowns'), 'valid', (name) => text('Known', name, VALID))) {
      expect([answer.code, answer.headers['warning'], answer.json()['spec']]).toEqual([
        201,
        undefined,
        expect.objectContaining({ replicas: 1 }),
      ]);
    }
  });

  it('lets pass fields that nobody knows where there is no schema', async () => {
    for (const answer of await bothWays(place('anys'), 'unknown', (name) => text('Any', name, '"spec":{"unknown":"a"},"other":1'))) {
      expect([answer.code, answer.headers['warning'], answer.json()]).toEqual([
        201,
        undefined,
        expect.objectContaining({ spec: { unknown: 'a' }, other: 1 }),
      ]);
    }
  });

  it('refuses fields that the schema does not know', async () => {
    const extra = VALID.replace('"protocol":"TCP"', '"protocol":"TCP","extraProperty":"arbitrary-value"').replace('{', '{"unknown":1,');
    const [created, applied] = await bothWays(place('knowns'), 'extra', (name) => text('Known', name, extra));
    expect(created && outcome(created)).toEqual([
      400,
      'Known in version "v1" cannot be handled as a Known: strict decoding error: unknown field "spec.ports[0].extraProperty", unknown field "spec.unknown"',
    ]);
    expect(applied && outcome(applied)).toEqual([
      400,
      'failed to create typed patch object (default/extra-applied; strict.example.com/v1, Kind=Known): errors:\n' +
        '  .spec.unknown: field not declared in schema\n  .spec.ports[0].extraProperty: field not declared in schema',
    ]);
  });

  it('refuses unknown metadata, that of the object and that of an object inside', async () => {
    const rest = `${VALID},"embedded":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","unknownSubMeta":"a"}}`;
    const [created] = await bothWays(place('knowns'), 'meta', (name) => text('Known', name, rest, ',"unknownMeta":"a"'));
    expect(created && outcome(created)).toEqual([
      400,
      'Known in version "v1" cannot be handled as a Known: strict decoding error: unknown field "metadata.unknownMeta", unknown field "embedded.metadata.unknownSubMeta"',
    ]);
  });

  it('refuses fields that are there twice, where unknown ones are kept too', async () => {
    for (const [plural, kind] of [
      ['knowns', 'Known'],
      ['anys', 'Any'],
    ] as const) {
      const body = text(kind, 'twice', '"spec":{"replicas":1,"replicas":2}');
      expect(outcome(await cluster.post(`${place(plural)}?fieldValidation=Strict`, body))).toEqual([
        400,
        `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: duplicate field "spec.replicas"`,
      ]);
    }
    const yaml = `apiVersion: ${GROUP}/v1\nkind: Any\nmetadata:\n  name: twice\nspec:\n  foo: a\n  foo: b\n`;
    const path = `${place('anys')}/twice?fieldManager=field_validation&fieldValidation=Strict`;
    const applied = await cluster.send('PATCH', path, yaml, APPLY);
    expect([applied.code, applied.text]).toEqual([400, expect.stringContaining('key \\"foo\\" already set in map')]);
  });
});
