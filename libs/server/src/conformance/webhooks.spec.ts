import type { KubeObject } from '#libs/apimachinery';
import type { Call, CallAnswer } from '#libs/registry';
import { aConfigMap, aPod, patchOf, startCustomResources, type CustomResources, type TestAnswer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;
type Sort = 'mutating' | 'validating';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const CORE = '/api/v1/namespaces/default';
const MERGE = 'application/merge-patch+json';
const BOTH: readonly Sort[] = ['mutating', 'validating'];

interface Asked {
  readonly request: { readonly uid: string; readonly name: string; readonly object: (KubeObject & Json) | null } & Json;
}

/** What the webhook says to what it is asked; by default a mark on whatever it may change, and no to all else. */
let answers: (request: Asked['request'], path: string) => Json;
const asked: Asked['request'][] = [];
const DENIED = { allowed: false, status: { message: 'this webhook denies all requests' } };
const marked = (path = '/data', value: unknown = { mutated: 'yes' }): Json => ({ allowed: true, ...patchOf([{ op: 'add', path, value }]) });

async function call({ body, target }: Call): Promise<CallAnswer> {
  await Promise.resolve();
  const { request } = body as unknown as Asked;
  asked.push(request);
  const path = 'url' in target ? new URL(target.url).pathname : '';
  return {
    body: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid: request.uid, ...answers(request, path) } },
  };
}

let cluster: CustomResources;
beforeAll(async () => {
  cluster = await startCustomResources({ call });
  await cluster.post(`${CORE}/serviceaccounts`, { metadata: { name: 'default' } });
});
afterAll(() => cluster.close());
beforeEach(() => {
  answers = (_, path) => (path === '/mutating' ? marked() : DENIED);
  asked.length = 0;
});
afterEach(async () => {
  for (const sort of BOTH) await cluster.send('DELETE', configurations(sort), undefined);
});

const configurations = (sort: Sort): string => `${GROUP}/${sort}webhookconfigurations`;
const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const hookOf = (sort: Sort, more: object = {}): Json => ({
  name: `${sort}.example.com`,
  clientConfig: { url: `https://hook.example.com/${sort}` },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...more,
});
const configure = (sort: Sort, more: object = {}, name = 'hook'): Promise<TestAnswer> =>
  cluster.post(configurations(sort), { metadata: { name, labels: { e2e: 'list' } }, webhooks: [hookOf(sort, more)] });

let count = 0;
/** What becomes of a config map that is made now. */
async function fate(name = `m${count++}`): Promise<'mutated' | 'denied' | 'as it is'> {
  const answer = await cluster.post(`${CORE}/configmaps`, aConfigMap(name));
  if (answer.code === 400) return 'denied';
  if (answer.code !== 201) throw new Error(answer.text);
  return answer.json()['data'] === undefined ? 'as it is' : 'mutated';
}
const EFFECT = { mutating: 'mutated', validating: 'denied' } as const;
const told = (answer: TestAnswer): readonly [number, unknown] => [answer.code, answer.json()['message']];

describe.each(BOTH)('%s webhooks', (sort) => {
  it('that are several are listed by their label, and work until they are deleted together', async () => {
    for (const name of ['one', 'two', 'three']) expect((await configure(sort, {}, name)).code).toBe(201);
    const list = `${configurations(sort)}?labelSelector=e2e%3Dlist`;
    expect((await cluster.ask(list)).json<{ items: readonly KubeObject[] }>().items).toHaveLength(3);
    expect(await fate()).toBe(EFFECT[sort]);
    expect((await cluster.send('DELETE', list, undefined)).code).toBe(200);
    expect(await fate()).toBe('as it is');
  });

  it('hear of what their rules name, as an update and a patch leave these', async () => {
    const made = (await configure(sort)).json<KubeObject & Json>();
    const path = `${configurations(sort)}/hook`;
    expect(await fate()).toBe(EFFECT[sort]);
    const webhooks = [hookOf(sort, { rules: [{ ...RULE, operations: ['UPDATE'] }] })];
    expect((await cluster.send('PUT', path, { ...made, webhooks })).code).toBe(200);
    expect(await fate()).toBe('as it is');
    const patch = [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }];
    expect((await cluster.send('PATCH', path, patch, 'application/json-patch+json')).code).toBe(200);
    expect(await fate()).toBe(EFFECT[sort]);
  });

  it('keep the conditions they are made and updated with, and spare the objects that these leave out', async () => {
    const first = [{ name: 'expression-1', expression: `object.metadata.name != 'skip-${sort}'` }];
    const made = (await configure(sort, { matchConditions: first })).json<KubeObject & { webhooks: readonly Json[] } & Json>();
    expect(made.webhooks).toMatchObject([{ matchConditions: first }]);
    expect([await fate(`skip-${sort}`), await fate()]).toEqual(['as it is', EFFECT[sort]]);
    const next = [...first, { name: 'expression-2', expression: `object.metadata.name != 'skip-too-${sort}'` }];
    const updated = await cluster.send('PUT', `${configurations(sort)}/hook`, {
      ...made,
      webhooks: [hookOf(sort, { matchConditions: next })],
    });
    expect(updated.json<typeof made>().webhooks).toMatchObject([{ matchConditions: next }]);
    expect([await fate(`skip-too-${sort}`), await fate()]).toEqual(['as it is', EFFECT[sort]]);
  });

  it('with conditions that do not compile are refused', async () => {
    const [code, message] = told(
      await configure(sort, { matchConditions: [{ name: 'invalid-expression', expression: '... [] bad expression' }] }),
    );
    expect(code).toBe(422);
    expect(message).toContain('webhooks[0].matchConditions[0].expression: Invalid value: "... [] bad expression": compilation failed');
  });

  it('do not hear of configurations of webhooks, which can be made and deleted whatever they say', async () => {
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
    answers = () => DENIED;
    await configure(sort, { rules });
    expect(await fate()).toBe('denied');
    asked.length = 0;
    for (const other of BOTH) {
      expect((await configure(other, { rules }, 'other')).code).toBe(201);
      expect((await cluster.send('DELETE', `${configurations(other)}/other`, undefined)).code).toBe(200);
    }
    expect(asked).toEqual([]);
  });
});

describe('a validating webhook that denies', () => {
  const SERVED = `admission webhook "validating.example.com" denied the request: this webhook denies all requests`;

  it('creations and updates lets neither be, but in namespaces that are left out', async () => {
    await cluster.post(`${CORE}/configmaps`, aConfigMap('before'));
    await cluster.post('/api/v1/namespaces', { metadata: { name: 'exempted', labels: { 'skip-webhook': 'yes' } } });
    const rules = [{ ...RULE, operations: ['CREATE', 'UPDATE'], resources: ['configmaps', 'pods'] }];
    const namespaceSelector = { matchExpressions: [{ key: 'skip-webhook', operator: 'NotIn', values: ['yes'] }] };
    await configure('validating', { rules, namespaceSelector });
    const before = (await cluster.ask(`${CORE}/configmaps/before`)).json();
    for (const answer of [
      await cluster.post(`${CORE}/pods`, aPod('denied')),
      await cluster.post(`${CORE}/configmaps`, aConfigMap('denied')),
      await cluster.send('PUT', `${CORE}/configmaps/before`, { ...before, data: { a: 'b' } }),
      await cluster.send('PATCH', `${CORE}/configmaps/before`, { data: { a: 'b' } }, MERGE),
    ]) {
      expect(told(answer)).toEqual([400, SERVED]);
    }
    expect((await cluster.post('/api/v1/namespaces/exempted/configmaps', { metadata: { name: 'spared' } })).code).toBe(201);
  });

  it('connections keeps clients from attaching to a pod', async () => {
    await cluster.post(`${CORE}/pods`, aPod('attached'));
    await configure('validating', { rules: [{ ...RULE, operations: ['CONNECT'], resources: ['pods/attach'] }] });
    const path = `${CORE}/pods/attached/attach?container=main&stdin=true&stdout=true`;
    expect(told(await cluster.post(path, undefined))).toEqual([400, SERVED]);
    expect(asked).toMatchObject([
      {
        operation: 'CONNECT',
        name: 'attached',
        subResource: 'attach',
        kind: { kind: 'PodAttachOptions' },
        object: { stdin: true, stdout: true, container: 'main' },
      },
    ]);
  });
});

describe('a mutating webhook', () => {
  it('gives a pod a container, which is filled in as if the client had sent it', async () => {
    answers = () => marked('/spec/initContainers', [{ name: 'webhook-added-init-container', image: 'webhook-added-image' }]);
    await configure('mutating', { rules: [{ ...RULE, resources: ['pods'] }] });
    const pod = (await cluster.post(`${CORE}/pods`, aPod('filled'))).json<{ spec: { initContainers: readonly Json[] } }>();
    expect(pod.spec.initContainers).toMatchObject([
      { name: 'webhook-added-init-container', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' },
    ]);
  });

  it('changes a custom resource that is stored in another version than is stored by now', async () => {
    const schema = {
      openAPIV3Schema: { type: 'object', properties: { data: { type: 'object', additionalProperties: { type: 'string' } } } },
    };
    const versions = (storage: string): readonly Json[] =>
      ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === storage, schema }));
    const spec = (storage: string): Json => ({
      group: 'moved.example.com',
      scope: 'Namespaced',
      names: { plural: 'movers', kind: 'Mover' },
      versions: versions(storage),
    });
    const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/movers.moved.example.com';
    const kind = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
    await cluster.define({ ...kind, metadata: { name: 'movers.moved.example.com' }, spec: spec('v1') } as KubeObject);
    const at = (version: string, name = ''): string => `/apis/moved.example.com/${version}/namespaces/default/movers${name}`;
    const rules = [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['moved.example.com'], apiVersions: ['*'], resources: ['movers'] }];
    await configure('mutating', { rules });
    const object = { apiVersion: 'moved.example.com/v1', kind: 'Mover', metadata: { name: 'one' } };
    expect((await cluster.post(at('v1'), object)).json()).toMatchObject({ data: { mutated: 'yes' } });
    const now = (await cluster.ask(crd)).json();
    expect((await cluster.send('PUT', crd, { ...now, spec: { ...(now['spec'] as Json), ...spec('v2') } })).code).toBe(200);
    answers = () => marked('/data/again', 'yes');
    const patched = await cluster.send('PATCH', at('v1', '/one'), { data: { dummy: 'test' } }, MERGE);
    expect(patched.json()).toMatchObject({ apiVersion: 'moved.example.com/v1', data: { mutated: 'yes', dummy: 'test', again: 'yes' } });
    expect((await cluster.ask(at('v2', '/one'))).json()).toMatchObject({ apiVersion: 'moved.example.com/v2', data: { dummy: 'test' } });
  });
});
