import type { KubeObject, Status } from '#libs/apimachinery';
import { aConfigMap, aDeployment, aNamespace, startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';

/** A Deployment with a field that is not, and with one that is there twice. */
const wrong = (name: string): string =>
  JSON.stringify(aDeployment(name))
    .replace('"spec":{', '"spec":{"paused":true,"unknown":1,')
    .replace('"replicas":2', '"replicas":2,"paused":false');

describe('fields that are unknown or there twice', () => {
  let api: TestApiServer;
  beforeAll(async () => {
    api = await startTestApiServer();
    for (const [path, body] of [
      ['/api/v1/namespaces', aNamespace('default')],
      [DEPLOYMENTS, aDeployment('there')],
      ['/api/v1/namespaces/default/configmaps', aConfigMap('there')],
    ] as const) {
      const { code, text } = await api.ask(path, { method: 'POST', body });
      if (code !== 201) throw new Error(text);
    }
  });
  afterAll(() => api.close());

  const send = (method: string, path: string, type: string, body: unknown, validation: string): Promise<TestAnswer> =>
    api.ask(`${path}${path.includes('?') ? '&' : '?'}dryRun=All${validation}`, { method, headers: { 'content-type': type }, body });
  const unknown = { spec: { unknown: 1 } };
  const applied = { ...aDeployment('there'), spec: { ...(aDeployment('there') as KubeObject & { spec: object }).spec, replicas: 2 } };

  const CASES: readonly (readonly [title: string, method: string, path: string, type: string, body: unknown, says: readonly string[]])[] = [
    ['a create', 'POST', DEPLOYMENTS, 'application/json', wrong('new'), ['unknown field "spec.unknown"', 'duplicate field "spec.paused"']],
    [
      'an update',
      'PUT',
      `${DEPLOYMENTS}/there`,
      'application/json',
      wrong('there'),
      ['unknown field "spec.unknown"', 'duplicate field "spec.paused"'],
    ],
    ['a merge patch', 'PATCH', `${DEPLOYMENTS}/there`, MERGE, unknown, ['unknown field "spec.unknown"']],
    ['a strategic merge patch', 'PATCH', `${DEPLOYMENTS}/there`, STRATEGIC, unknown, ['unknown field "spec.unknown"']],
    [
      'a JSON Patch',
      'PATCH',
      `${DEPLOYMENTS}/there`,
      JSON_PATCH,
      [{ op: 'add', path: '/spec/unknown', value: 1 }],
      ['unknown field "spec.unknown"'],
    ],
    [
      'metadata',
      'POST',
      DEPLOYMENTS,
      'application/json',
      { ...aDeployment('new'), metadata: { name: 'new', unknown: 1 } },
      ['unknown field "metadata.unknown"'],
    ],
    [
      'metadata of a template',
      'PATCH',
      `${DEPLOYMENTS}/there`,
      MERGE,
      { spec: { template: { metadata: { unknown: 1 } } } },
      ['unknown field "spec.template.metadata.unknown"'],
    ],
  ];

  it.each(CASES)('are refused by strict validation: %s', async (_title, method, path, type, body, says) => {
    const answer = await send(method, path, type, body, '&fieldValidation=Strict');
    const { message = '', code } = answer.json<Status>();
    expect([answer.code, code]).toEqual(method === 'PATCH' ? [422, 422] : [400, 400]);
    for (const sentence of says) expect(message).toContain(sentence);
    expect(message).toContain('strict decoding error: ');
  });

  it.each(CASES)('are dropped with a warning unless asked otherwise: %s', async (_title, method, path, type, body, says) => {
    for (const validation of ['', '&fieldValidation=Warn']) {
      const answer = await send(method, path, type, body, validation);
      expect(answer.code).toBeLessThan(300);
      for (const sentence of says) expect(String(answer.headers.warning)).toContain(`299 - "${sentence.replaceAll('"', '\\"')}"`);
      expect(answer.text).not.toContain('"unknown":');
    }
  });

  it.each(CASES)('are dropped in silence where that is asked for: %s', async (_title, method, path, type, body) => {
    const answer = await send(method, path, type, body, '&fieldValidation=Ignore');
    expect([answer.code < 300, answer.headers.warning]).toEqual([true, undefined]);
  });

  it('are refused by an apply whatever the validation: what is not declared can have no owner', async () => {
    const body = { ...applied, spec: { ...applied.spec, unknown: 1 } };
    for (const validation of ['Strict', 'Warn', 'Ignore']) {
      const answer = await send('PATCH', `${DEPLOYMENTS}/there?fieldManager=m`, APPLY, body, `&fieldValidation=${validation}`);
      expect([answer.code, answer.json<Status>().message]).toEqual([
        expect.any(Number),
        expect.stringContaining('.spec.unknown: field not declared in schema'),
      ]);
      expect(answer.code).toBeGreaterThanOrEqual(400);
    }
  });

  it('are told of an apply whose keys are there twice', async () => {
    const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: there\ndata:\n  a: p\n  a: q\n';
    const path = '/api/v1/namespaces/default/configmaps/there?fieldManager=m';
    const warned = await send('PATCH', path, APPLY, body, '');
    expect([warned.code, warned.json<{ data: object }>().data]).toEqual([200, { a: 'q' }]);
    expect(String(warned.headers.warning)).toContain('key \\"a\\" already set in map');
    expect((await send('PATCH', path, APPLY, body, '&fieldValidation=Ignore')).headers.warning).toBeUndefined();
  });
});
