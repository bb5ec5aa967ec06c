import type { KubeObject } from '#libs/apimachinery';
import { startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = 'stable.example.com';
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let custom: CustomResources;

beforeAll(async () => {
  custom = await startCustomResources();
});
afterAll(() => custom.close());

interface Wanted {
  readonly plural: string;
  readonly kind: string;
  readonly scope?: string;
  readonly schema?: Json;
  readonly version?: Json;
  readonly names?: Json;
}

const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const object = (properties: Json, more: Json = {}): Json => ({ type: 'object', properties, ...more });

const manifest = ({ plural, kind, scope = 'Namespaced', schema = OPEN, version = {}, names = {} }: Wanted): KubeObject & Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${GROUP}` },
  spec: {
    group: GROUP,
    scope,
    names: { plural, kind, ...names },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
  },
});

const define = (wanted: Wanted): Promise<void> => custom.define(manifest(wanted));

const place = (plural: string, name = '', namespace = 'default'): string =>
  `/apis/${GROUP}/v1/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`;

const made = (kind: string, name: string, rest: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: `${GROUP}/v1`,
  kind,
  metadata: { name, ...metadata },
  ...rest,
});

const outcome = (answer: TestAnswer): readonly [number, unknown] => [answer.code, answer.json()['message']];

async function changeSchema(plural: string, schema: Json): Promise<void> {
  const crd = (await custom.ask(`${CRDS}/${plural}.${GROUP}`)).json<KubeObject & { spec: Json & { versions: readonly Json[] } }>();
  const versions = [{ ...crd.spec.versions[0], schema: { openAPIV3Schema: schema } }];
  const answer = await custom.send('PUT', `${CRDS}/${plural}.${GROUP}`, { ...crd, spec: { ...crd.spec, versions } });
  if (answer.code !== 200) throw new Error(answer.text);
}

describe('the life of a definition', () => {
  it('is served at once after it is established, and gone at once with all its objects after it is deleted', async () => {
    await define({ plural: 'lives', kind: 'Life', names: { shortNames: ['lf'], categories: ['all'] } });
    expect((await custom.ask(`/apis/${GROUP}/v1`)).json()['resources']).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'lives', kind: 'Life', shortNames: ['lf'], namespaced: true })]),
    );
    const created = await custom.post(place('lives'), made('Life', 'one', { spec: { a: 1 } }));
    expect(created.code).toBe(201);
    expect(created.json()).toMatchObject({ kind: 'Life', metadata: { name: 'one', generation: 1 }, spec: { a: 1 } });
    const removed = await custom.send('DELETE', `${CRDS}/lives.${GROUP}`, undefined);
    expect(removed.json()).toMatchObject({ metadata: { finalizers: ['customresourcecleanup.apiextensions.k8s.io'] } });
    await custom.until(async () => (await custom.ask(`${CRDS}/lives.${GROUP}`)).code === 404);
    expect((await custom.ask(place('lives'))).code).toBe(404);
    expect(custom.server.logged).toEqual([]);
  });

  it('lets watches see its last objects go, and ends them when its kind is served no more, or differently', async () => {
    await define({ plural: 'watcheds', kind: 'Watched' });
    await custom.post(place('watcheds'), made('Watched', 'one'));
    const changed = await custom.watch(`${place('watcheds')}?watch=true`);
    await changed.take(1);
    await changeSchema('watcheds', object({ spec: { type: 'object' } }));
    await changed.ended;
    const last = await custom.watch(`${place('watcheds')}?watch=true`);
    await custom.send('DELETE', `${CRDS}/watcheds.${GROUP}`, undefined);
    expect(await last.take(2)).toMatchObject([{ type: 'ADDED' }, { type: 'DELETED', object: { metadata: { name: 'one' } } }]);
    await last.ended;
  });

  it('refuses new objects while it waits for the last ones to go', async () => {
    await define({ plural: 'lasts', kind: 'Last' });
    await custom.post(place('lasts'), made('Last', 'held', {}, { finalizers: ['example.com/held'] }));
    await custom.send('DELETE', `${CRDS}/lasts.${GROUP}`, undefined);
    expect(outcome(await custom.post(place('lasts'), made('Last', 'new')))).toEqual([
      405,
      'create not allowed while custom resource definition is terminating',
    ]);
    await custom.until(async () => (await custom.ask(place('lasts', 'held'))).json<KubeObject>().metadata.deletionTimestamp !== undefined);
    await custom.send('PATCH', place('lasts', 'held'), { metadata: { finalizers: null } }, MERGE);
    await custom.until(async () => (await custom.ask(`${CRDS}/lasts.${GROUP}`)).code === 404);
  });

  it('is not established while another one has its names', async () => {
    await define({ plural: 'firsts', kind: 'First', names: { shortNames: ['fst'] } });
    await custom.post(CRDS, manifest({ plural: 'seconds', kind: 'First', names: { shortNames: ['fst'] } }));
    const conditions = async (): Promise<readonly Json[]> =>
      (await custom.ask(`${CRDS}/seconds.${GROUP}`)).json<{ status: { conditions: readonly Json[] | null } }>().status.conditions ?? [];
    await custom.until(async () => (await conditions()).length > 0);
    expect(await conditions()).toMatchObject([
      { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"FirstList" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
    ]);
    expect((await custom.ask(place('seconds'))).code).toBe(404);
    await custom.send('DELETE', `${CRDS}/firsts.${GROUP}`, undefined);
    await custom.until(async () => (await custom.ask(place('seconds'))).code === 200);
  });

  it('has a status that can be read, replaced and patched by itself', async () => {
    await define({ plural: 'states', kind: 'State' });
    const at = `${CRDS}/states.${GROUP}/status`;
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' };
    const crd = (await custom.ask(at)).json<KubeObject & { status: { conditions: readonly Json[] } }>();
    const replaced = await custom.send('PUT', at, { ...crd, status: { ...crd.status, conditions: [...crd.status.conditions, condition] } });
    expect(replaced.json<typeof crd>().status.conditions).toEqual(expect.arrayContaining([expect.objectContaining(condition)]));
    const patched = await custom.send('PATCH', at, { status: { conditions: [condition] } }, MERGE);
    expect(patched.json<typeof crd>().status.conditions).toEqual([expect.objectContaining(condition)]);
  });

  it('is itself applied by several managers', async () => {
    const { metadata, ...rest } = manifest({ plural: 'applieds', kind: 'Applied', schema: object({ spec: { type: 'object' } }) });
    const apply = (manager: string, body: Json): Promise<TestAnswer> =>
      custom.send('PATCH', `${CRDS}/${metadata.name ?? ''}?fieldManager=${manager}`, body, APPLY);
    expect((await apply('a', { ...rest, metadata })).code).toBe(201);
    const { apiVersion, kind } = rest;
    expect((await apply('b', { apiVersion, kind, metadata: { ...metadata, labels: { b: 'b' } } })).json()).toMatchObject({
      metadata: { labels: { b: 'b' }, generation: 1 },
    });
    const conflicting = { apiVersion, kind, metadata, spec: { scope: 'Cluster' } };
    expect(outcome(await apply('b', conflicting))[1]).toBe('Apply failed with 1 conflict: conflict with "a": .spec.scope');
  });

  it('refuses a definition in upstream’s words', async () => {
    const answer = await custom.post(CRDS, manifest({ plural: 'bads', kind: 'Bad', schema: object({ a: {} }) }));
    expect(outcome(answer)).toEqual([
      422,
      `CustomResourceDefinition.apiextensions.k8s.io "bads.${GROUP}" is invalid: spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields`,
    ]);
    const named = { ...manifest({ plural: 'bads', kind: 'Bad' }), metadata: { name: 'other' } };
    expect(outcome(await custom.post(CRDS, named))[1]).toBe(
      'CustomResourceDefinition.apiextensions.k8s.io "other" is invalid: metadata.name: Invalid value: "other": must be spec.names.plural+"."+spec.group',
    );
  });
});

describe('objects of a definition', () => {
  const crontab = object(
    {
      spec: object({
        schedule: { type: 'string', pattern: '^[0-9* ]+$' },
        replicas: { type: 'integer', minimum: 0 },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: object({ name: { type: 'string' }, port: { type: 'integer' } }, { required: ['name'] }),
        },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        color: { type: 'string' },
      }),
      status: object({ replicas: { type: 'integer' }, selector: { type: 'string' } }),
    },
    { required: ['spec'] },
  );
  const CRONTAB: Wanted = {
    plural: 'crontabs',
    kind: 'CronTab',
    schema: crontab,
    version: {
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
      },
      additionalPrinterColumns: [
        { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule' },
        { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
      selectableFields: [{ jsonPath: '.spec.color' }],
    },
  };
  const create = (name: string, spec: Json, query = ''): Promise<TestAnswer> =>
    custom.post(`${place('crontabs')}${query}`, made('CronTab', name, { spec }));

  beforeAll(() => define(CRONTAB));

  it('are judged by their schema', async () => {
    expect(outcome(await create('bad', { schedule: 'daily', replicas: 'x' }))).toEqual([
      422,
      `CronTab.${GROUP} "bad" is invalid: [spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string", spec.schedule: Invalid value: "daily": spec.schedule in body should match '^[0-9* ]+$']`,
    ]);
    expect(outcome(await custom.post(place('crontabs'), made('CronTab', 'none')))[1]).toBe(
      `CronTab.${GROUP} "none" is invalid: spec: Required value`,
    );
    expect(outcome(await custom.post(place('crontabs'), made('Other', 'kind', { spec: {} })))).toEqual([
      422,
      `Other.${GROUP} "kind" is invalid: kind: Invalid value: "Other": must be CronTab`,
    ]);
  });

  it('lose unknown fields, and say so as the request asks', async () => {
    const unknown = { spec: { extra: 1, template: { apiVersion: 'v1', kind: 'Pod', metadata: { unknownSub: 1 } } } };
    const body = made('CronTab', 'strict', unknown, { unknownMeta: 1 });
    const sentence = 'unknown field "metadata.unknownMeta", unknown field "spec.extra", unknown field "spec.template.metadata.unknownSub"';
    expect(outcome(await custom.post(`${place('crontabs')}?fieldValidation=Strict`, body))).toEqual([
      400,
      `CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: ${sentence}`,
    ]);
    const warned = await custom.post(`${place('crontabs')}?fieldValidation=Warn`, body);
    expect(warned.headers['warning']).toContain('unknown field \\"spec.extra\\"');
    expect(warned.json()['spec']).toEqual({ template: { apiVersion: 'v1', kind: 'Pod', metadata: {} } });
    const twice = `{"apiVersion":"${GROUP}/v1","kind":"CronTab","metadata":{"name":"twice"},"spec":{"replicas":1,"replicas":2}}`;
    expect(outcome(await custom.post(`${place('crontabs')}?fieldValidation=Strict`, twice))[1]).toContain(
      'duplicate field "spec.replicas"',
    );
  });

  it('count their generation by what is neither metadata nor status', async () => {
    const at = place('crontabs', 'counted');
    await create('counted', { replicas: 1 });
    const generation = async (patch: Json, to = at): Promise<number | undefined> =>
      (await custom.send('PATCH', to, patch, MERGE)).json<KubeObject>().metadata.generation;
    expect(await generation({ metadata: { labels: { a: 'b' } } })).toBe(1);
    expect(await generation({ spec: { replicas: 2 } })).toBe(2);
    expect(await generation({ status: { replicas: 7 } })).toBe(2);
    expect((await custom.ask(at)).json()['status']).toBeUndefined();
    expect(await generation({ status: { replicas: 7 }, spec: { replicas: 9 } }, `${at}/status`)).toBe(2);
    expect((await custom.ask(at)).json()).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 7 } });
  });

  it('are scaled where their definition says', async () => {
    const at = place('crontabs', 'scaled');
    await create('scaled', { replicas: 3 });
    await custom.send('PATCH', `${at}/status`, { status: { replicas: 2, selector: 'app=x' } }, MERGE);
    const scale = (await custom.ask(`${at}/scale`)).json<KubeObject & Json>();
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { replicas: 2, selector: 'app=x' } });
    const wanted = await custom.send('PUT', `${at}/scale`, { ...scale, spec: { replicas: 5 } });
    expect(wanted.json()).toMatchObject({ spec: { replicas: 5 } });
    expect((await custom.send('PATCH', `${at}/scale`, { spec: { replicas: 6 } }, MERGE)).json()).toMatchObject({ spec: { replicas: 6 } });
    expect((await custom.ask(at)).json()).toMatchObject({ metadata: { generation: 3 }, spec: { replicas: 6 } });
  });

  it('are printed by their columns', async () => {
    await create('printed', { schedule: '* *', replicas: 4 });
    const table = await custom.server.ask(`${place('crontabs')}?fieldSelector=metadata.name=printed`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    const { columnDefinitions, rows } = table.json<{ columnDefinitions: readonly Json[]; rows: readonly Json[] }>();
    expect(columnDefinitions).toMatchObject([
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Schedule', type: 'string', priority: 0 },
      { name: 'Replicas', type: 'integer', priority: 1 },
      { name: 'Age', type: 'date', priority: 0 },
    ]);
    expect(rows).toMatchObject([{ cells: ['printed', '* *', 4, expect.stringMatching(/^\d+s$/) as string] }]);
  });

  it('are selected by the fields that their definition names', async () => {
    await create('red', { color: 'red' });
    await create('blue', { color: 'blue' });
    const names = (await custom.ask(`${place('crontabs')}?fieldSelector=spec.color=red`)).json<{ items: readonly KubeObject[] }>().items;
    expect(names.map(({ metadata }) => metadata.name)).toEqual(['red']);
    const watch = await custom.watch(`${place('crontabs')}?watch=true&fieldSelector=spec.color=green`);
    await custom.send('PATCH', place('crontabs', 'blue'), { spec: { color: 'green' } }, MERGE);
    await custom.send('PATCH', place('crontabs', 'blue'), { spec: { color: 'blue' } }, MERGE);
    expect(await watch.take(2)).toMatchObject([{ type: 'ADDED' }, { type: 'DELETED' }]);
    watch.end();
    expect(outcome(await custom.ask(`${place('crontabs')}?fieldSelector=spec.replicas=1`))).toEqual([
      400,
      'field label not supported: spec.replicas',
    ]);
  });

  it('are patched in every way but the strategic one', async () => {
    const at = place('crontabs', 'patched');
    await create('patched', { replicas: 1 });
    const json = await custom.send('PATCH', at, [{ op: 'replace', path: '/spec/replicas', value: 2 }], 'application/json-patch+json');
    expect(json.json()).toMatchObject({ spec: { replicas: 2 } });
    const strategic = await custom.send('PATCH', at, { spec: { replicas: 3 } }, 'application/strategic-merge-patch+json');
    expect(strategic.code).toBe(415);
  });

  it('are applied by several managers, who share lists by their keys', async () => {
    const at = place('crontabs', 'applied');
    const apply = (manager: string, spec: Json, query = ''): Promise<TestAnswer> =>
      custom.send('PATCH', `${at}?fieldManager=${manager}${query}`, made('CronTab', 'applied', { spec }), APPLY);
    expect((await apply('a', { ports: [{ name: 'x', port: 1 }], replicas: 1 })).code).toBe(201);
    const both = await apply('b', { ports: [{ name: 'y', port: 2 }] });
    expect(both.json()).toMatchObject({
      spec: {
        ports: [
          { name: 'x', port: 1 },
          { name: 'y', port: 2 },
        ],
      },
    });
    expect(outcome(await apply('b', { replicas: 2 }))).toEqual([409, 'Apply failed with 1 conflict: conflict with "a": .spec.replicas']);
    expect((await apply('b', { replicas: 2 }, '&force=true')).json()).toMatchObject({
      spec: { replicas: 2, ports: [{ name: 'x', port: 1 }] },
    });
  });

  it('are applied where nobody says what fields they have, or that a list is a set', async () => {
    await define({ plural: 'opens', kind: 'Open' });
    const apply = (plural: string, kind: string, manager: string, spec: Json): Promise<TestAnswer> =>
      custom.send('PATCH', `${place(plural, 'x')}?fieldManager=${manager}&fieldValidation=Strict`, made(kind, 'x', { spec }), APPLY);
    await apply('opens', 'Open', 'a', { anything: { goes: 1 }, list: [1, 2] });
    expect((await apply('opens', 'Open', 'b', { anything: { more: 2 } })).json()).toMatchObject({
      spec: { anything: { goes: 1, more: 2 }, list: [1, 2] },
    });
    const tags = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } };
    await define({ plural: 'sets', kind: 'Set', schema: object({ spec: object({ tags }) }) });
    await apply('sets', 'Set', 'a', { tags: ['a', 'b'] });
    await apply('sets', 'Set', 'b', { tags: ['c'] });
    expect((await apply('sets', 'Set', 'a', { tags: ['b'] })).json()).toMatchObject({ spec: { tags: ['b', 'c'] } });
    expect(outcome(await apply('sets', 'Set', 'a', { unknown: 1 }))[1]).toContain('.spec.unknown: field not declared in schema');
    expect(outcome(await custom.send('PATCH', place('sets', 'x'), { spec: { tags: ['a', 'a'] } }, MERGE))[1]).toContain(
      'spec.tags[1]: Duplicate value: "a"',
    );
  });

  it('need their version to be replaced, and are not made by it', async () => {
    await create('put', {});
    expect(outcome(await custom.send('PUT', place('crontabs', 'put'), made('CronTab', 'put', { spec: {} })))[1]).toContain(
      'metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    );
    expect((await custom.send('PUT', place('crontabs', 'gone'), made('CronTab', 'gone', { spec: {} }))).code).toBe(404);
  });

  it('live outside of namespaces where their definition says so', async () => {
    await define({ plural: 'worlds', kind: 'World', scope: 'Cluster' });
    const at = `/apis/${GROUP}/v1/worlds`;
    const created = await custom.post(at, made('World', 'earth', { spec: { a: 1 } }));
    expect(created.json<KubeObject>().metadata.namespace).toBeUndefined();
    expect((await custom.ask(`${at}/earth`)).json()).toMatchObject({ kind: 'World', spec: { a: 1 } });
    const watch = await custom.watch(`${at}?watch=true&resourceVersion=0`);
    expect(await watch.take(1)).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'earth' } } }]);
    watch.end();
    expect((await custom.ask(place('worlds', 'earth'))).code).toBe(404);
    expect((await custom.send('DELETE', `${at}/earth`, undefined)).json()).toMatchObject({
      status: 'Success',
      details: { kind: 'worlds' },
    });
  });

  it('can be given a name, and deleted together', async () => {
    await define({ plural: 'manys', kind: 'Many' });
    for (let i = 0; i < 3; i++) {
      const answer = await custom.post(place('manys'), { ...made('Many', ''), metadata: { generateName: 'm-' } });
      expect(answer.json<KubeObject>().metadata.name).toMatch(/^m-[a-z0-9]{5}$/);
    }
    await custom.send('DELETE', place('manys'), undefined);
    expect((await custom.ask(place('manys'))).json()['items']).toEqual([]);
  });
});

describe('what a schema fills in', () => {
  it('is filled in on requests and in what was stored before', async () => {
    const plain = object({ spec: object({ a: { type: 'string' }, b: { type: 'string' } }) });
    await define({ plural: 'fills', kind: 'Fill', schema: plain });
    await custom.post(place('fills'), made('Fill', 'old', { spec: { a: 'a' } }));
    const stored = (await custom.ask(place('fills', 'old'))).json<KubeObject>();
    await changeSchema('fills', object({ spec: object({ a: { type: 'string', default: 'A' }, b: { type: 'string', default: 'B' } }) }));
    const read = (await custom.ask(place('fills', 'old'))).json<KubeObject & Json>();
    expect(read['spec']).toEqual({ a: 'a', b: 'B' });
    expect(read.metadata.resourceVersion).toBe(stored.metadata.resourceVersion);
    expect((await custom.post(place('fills'), made('Fill', 'new', { spec: {} }))).json()['spec']).toEqual({ a: 'A', b: 'B' });
    const listed = (await custom.ask(place('fills'))).json<{ items: readonly Json[] }>().items;
    expect(listed.map(({ kind, spec }) => [kind, spec])).toEqual([
      ['Fill', { a: 'A', b: 'B' }],
      ['Fill', { a: 'a', b: 'B' }],
    ]);
  });

  it('is no longer shown where it is no longer specified', async () => {
    await define({ plural: 'drops', kind: 'Drop', schema: object({ spec: object({ a: { type: 'string' } }) }) });
    await custom.post(place('drops'), made('Drop', 'x', { spec: { a: 'a' } }));
    await changeSchema('drops', object({ spec: { type: 'object' } }));
    expect((await custom.ask(place('drops', 'x'))).json()['spec']).toEqual({});
  });
});

describe('rules of a schema', () => {
  it('are asked on every write, with what was before', async () => {
    const rules = [
      { rule: 'self.min <= self.max', messageExpression: '"min " + string(self.min) + " is above max"' },
      { rule: 'self.max >= oldSelf.max', message: 'max may not fall', fieldPath: '.max' },
    ];
    const spec = object({ min: { type: 'integer' }, max: { type: 'integer' } }, { 'x-kubernetes-validations': rules });
    await define({ plural: 'rules', kind: 'Rule', schema: object({ spec }) });
    const at = place('rules', 'x');
    expect(outcome(await custom.post(place('rules'), made('Rule', 'x', { spec: { min: 2, max: 1 } })))).toEqual([
      422,
      `Rule.${GROUP} "x" is invalid: spec: Invalid value: "object": min 2 is above max`,
    ]);
    expect((await custom.post(place('rules'), made('Rule', 'x', { spec: { min: 1, max: 5 } }))).code).toBe(201);
    expect(outcome(await custom.send('PATCH', at, { spec: { max: 4 } }, MERGE))[1]).toBe(
      `Rule.${GROUP} "x" is invalid: spec.max: Invalid value: "object": max may not fall`,
    );
    expect(outcome(await custom.send('PATCH', at, { spec: { max: 'x' } }, MERGE))[1]).toContain(
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    );
  });
});

describe('other parts of the cluster', () => {
  it('collect custom objects whose owners are gone, and empty namespaces of them', async () => {
    await define({ plural: 'owns', kind: 'Own' });
    await custom.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'owned' } });
    const owner = (await custom.post(place('owns', '', 'owned'), made('Own', 'owner'))).json<KubeObject>();
    const ownerReferences = [{ apiVersion: `${GROUP}/v1`, kind: 'Own', name: 'owner', uid: owner.metadata.uid }];
    await custom.post(place('owns', '', 'owned'), made('Own', 'dependent', {}, { ownerReferences }));
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'dependent', ownerReferences } };
    await custom.post('/api/v1/namespaces/owned/configmaps', map);
    await custom.post(place('owns', '', 'owned'), made('Own', 'other'));
    await custom.send('DELETE', place('owns', 'owner', 'owned'), undefined);
    await custom.until(async () => (await custom.ask(place('owns', 'dependent', 'owned'))).code === 404);
    await custom.until(async () => (await custom.ask('/api/v1/namespaces/owned/configmaps/dependent')).code === 404);
    await custom.send('DELETE', '/api/v1/namespaces/owned', undefined);
    await custom.until(async () => (await custom.ask('/api/v1/namespaces/owned')).code === 404);
  });

  it('publish the schema in OpenAPI and the kind in discovery, and withdraw them', async () => {
    const schema = object({ spec: object({ nullable: { type: 'string', description: 'a name that is a word' } }) }, { description: 'Foo' });
    await define({ plural: 'foos', kind: 'Foo', schema });
    const model = 'com.example.stable.v1.Foo';
    const v2 = async (): Promise<Json> => (await custom.ask('/openapi/v2')).json<{ definitions: Json }>().definitions;
    expect((await v2())[model]).toMatchObject({
      description: 'Foo',
      type: 'object',
      properties: { spec: { properties: { nullable: { type: 'string', description: 'a name that is a word' } } }, metadata: {} },
      'x-kubernetes-group-version-kind': [{ group: GROUP, kind: 'Foo', version: 'v1' }],
    });
    const v3 = (await custom.ask(`/openapi/v3/apis/${GROUP}/v1`)).json<{ components: { schemas: Json }; paths: Json }>();
    expect(v3.components.schemas[model]).toMatchObject({ properties: { spec: { type: 'object' } } });
    expect(Object.keys(v3.paths)).toContain(`/apis/${GROUP}/v1/namespaces/{namespace}/foos/{name}`);
    const aggregated = async (): Promise<string> =>
      (
        await custom.server.ask('/apis', {
          headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' },
        })
      ).text;
    expect(await aggregated()).toContain('"resource":"foos"');
    await custom.send('DELETE', `${CRDS}/foos.${GROUP}`, undefined);
    await custom.until(async () => (await custom.ask(`${CRDS}/foos.${GROUP}`)).code === 404);
    expect(await aggregated()).not.toContain('"resource":"foos"');
    expect((await v2())[model]).toBeUndefined();
  });

  it('never let a definition take the place of a built-in kind', async () => {
    const annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
    const crd = manifest({ plural: 'leases', kind: 'Lease' });
    await custom.define({
      ...crd,
      metadata: { name: 'leases.coordination.k8s.io', annotations },
      spec: { ...(crd['spec'] as Json), group: 'coordination.k8s.io' },
    } as unknown as KubeObject);
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: { leaseDurationSeconds: 'x' } };
    expect((await custom.post('/apis/coordination.k8s.io/v1/namespaces/default/leases', lease)).code).toBe(400);
    await custom.post('/apis/coordination.k8s.io/v1/namespaces/default/leases', { ...lease, spec: {} });
    await custom.send('DELETE', `${CRDS}/leases.coordination.k8s.io`, undefined);
    await custom.until(async () => (await custom.ask(`${CRDS}/leases.coordination.k8s.io`)).code === 404);
    expect((await custom.ask('/apis/coordination.k8s.io/v1/namespaces/default/leases/l')).code).toBe(200);
  });
});
