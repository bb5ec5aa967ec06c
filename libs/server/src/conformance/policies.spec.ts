import type { KubeObject } from '#libs/apimachinery';
import { aDeployment, startTestApiServer, type TestAnswer, type TestApiServer } from '#libs/testing';

type Json = Readonly<Record<string, unknown>>;

const API = 'admissionregistration.k8s.io/v1';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const RULE = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] };

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await api.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: 'default', labels: { team: 'blue' } } } });
});
afterAll(() => api.close());

const place = (sort: 'validating' | 'mutating', what: 'policies' | 'policybindings'): string => `/apis/${API}/${sort}admission${what}`;

afterEach(async () => {
  for (const sort of ['validating', 'mutating'] as const) {
    for (const what of ['policies', 'policybindings'] as const) await api.ask(place(sort, what), { method: 'DELETE' });
  }
});

async function bound(sort: 'validating' | 'mutating', spec: Json, binding: Json = {}): Promise<void> {
  for (const [what, body] of [
    ['policies', { matchConstraints: { resourceRules: [RULE] }, failurePolicy: 'Fail', ...spec }],
    ['policybindings', { policyName: 'p', ...binding }],
  ] as const) {
    const answer = await api.ask(place(sort, what), { method: 'POST', body: { metadata: { name: 'p' }, spec: body } });
    if (answer.code !== 201) throw new Error(answer.text);
  }
}

let count = 0;
const deployed = (replicas: number): Promise<TestAnswer> =>
  api.ask(DEPLOYMENTS, { method: 'POST', body: aDeployment(`d${count++}`, { replicas }) });
const refusal = async (replicas: number): Promise<string> => {
  const answer = await deployed(replicas);
  return answer.code === 201 ? '' : String(answer.json()['message']).replace(/.*denied request: /, '');
};
const DENY = { validationActions: ['Deny'] };

describe('a validating policy for Deployments', () => {
  it('refuses those that break one of its rules, and is told where they are', async () => {
    const validations = [
      { expression: 'object.spec.replicas > 1', messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)" },
      { expression: "namespaceObject.metadata.labels.team == 'blue'", message: 'Internal error! Other namespace should not be allowed.' },
    ];
    await bound('validating', { validations }, DENY);
    expect([await refusal(1), await refusal(2)]).toEqual(['wants replicas > 1, got 1', '']);
  });

  it('names what it computes once, and goes by these names', async () => {
    const variables = [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
    ];
    const validations = [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }];
    await bound('validating', { variables, validations }, DENY);
    expect([await refusal(1), await refusal(2), await refusal(3)]).toEqual([
      'failed expression: variables.replicas > 1',
      'failed expression: variables.oddReplicas',
      '',
    ]);
  });
});

describe('a mutating policy for Deployments', () => {
  const mutation = (expression: string): Json => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });

  it.each([
    ['replicas', 'Object{spec: Object.spec{replicas: object.spec.replicas + 1}}', { spec: { replicas: 3 } }],
    [
      'annotations',
      'Object{metadata: Object.metadata{annotations: {"my-foo-annotation": "myAnnotationValue"}}}',
      { metadata: { annotations: { 'my-foo-annotation': 'myAnnotationValue' } }, spec: { replicas: 2 } },
    ],
  ])('changes their %s', async (_, expression, wanted) => {
    await bound('mutating', { reinvocationPolicy: 'Never', mutations: [mutation(expression)] });
    const made = (await deployed(2)).json<KubeObject & Json>();
    expect(made).toMatchObject({ kind: 'Deployment', ...wanted });
  });
});
