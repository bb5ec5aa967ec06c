import { MemoryAudit } from '#libs/simulation';
import { startTestApiServer, startTestWebhook, type TestAnswer, type TestApiServer, type TestWebhook } from '#libs/testing';

const GROUP = 'admissionregistration.k8s.io/v1';
const audit = new MemoryAudit();
const answers = new Map<string, TestAnswer>();
let api: TestApiServer;
let hook: TestWebhook;

const post = async (id: string, path: string, body: object): Promise<void> => {
  answers.set(id, await api.ask(path, { method: 'POST', body, headers: { 'audit-id': id } }));
};
/** For what has to be there first. */
const make = async (path: string, body: object): Promise<void> => {
  const { code, text } = await api.ask(path, { method: 'POST', body });
  if (code !== 201) throw new Error(text);
};

const rule = (...resources: string[]): object => ({ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources });
const only = (name: string): object => ({ matchExpressions: [{ key: 'only', operator: 'In', values: [name] }] });

/** A policy for config maps that say so in a label, with a binding of its name. */
async function policy(
  name: string,
  spec: object,
  validationActions: readonly string[],
  bindings: readonly string[] = [name],
): Promise<void> {
  const path = `/apis/${GROUP}/validatingadmissionpolic`;
  const matchConstraints = { resourceRules: [rule('configmaps')], objectSelector: only(name) };
  await make(`${path}ies`, {
    apiVersion: GROUP,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { matchConstraints, ...spec },
  });
  for (const binding of bindings) {
    const paramRef = 'paramKind' in spec ? { paramRef: { name: binding, parameterNotFoundAction: 'Deny' } } : {};
    await make(`${path}ybindings`, {
      apiVersion: GROUP,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: binding },
      spec: { policyName: name, validationActions, ...paramRef },
    });
  }
}

async function webhook(kind: 'Mutating' | 'Validating', name: string, response: object): Promise<void> {
  hook.answers.set(`/${name}`, () => ({ response: { allowed: true, ...response } }));
  await make(`/apis/${GROUP}/${kind.toLowerCase()}webhookconfigurations`, {
    apiVersion: GROUP,
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        clientConfig: { url: `https://127.0.0.1:${hook.port}/${name}`, caBundle: hook.caBundle },
        rules: [rule('configmaps')],
        objectSelector: only(name),
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
}

const map = (id: string, label = id, query = ''): Promise<void> =>
  post(id, `/api/v1/namespaces/default/configmaps${query}`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: id, labels: { only: label } },
  });

const pod = (id: string, namespace: string, privileged: boolean): Promise<void> =>
  post(id, `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: id },
    spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged } }] },
  });

async function namespace(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const named = Object.fromEntries(Object.entries(labels).map(([mode, level]) => [`pod-security.kubernetes.io/${mode}`, level]));
  await make('/api/v1/namespaces', { metadata: { name, labels: named } });
  await make(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
}

const FALSE = { validations: [{ expression: 'false', message: 'never' }] };
const failureOf = (name: string, actions: readonly string[]): string =>
  JSON.stringify([{ message: 'never', policy: name, binding: name, expressionIndex: 0, validationActions: actions }]);

async function act(): Promise<void> {
  await namespace('default', {});
  await namespace('audited', { audit: 'baseline' });
  await namespace('enforced', { enforce: 'baseline', audit: 'restricted' });
  for (const name of ['one', 'two']) await map(name);
  await policy('noted', { auditAnnotations: [{ key: 'who', valueExpression: '"by " + request.userInfo.username' }] }, ['Deny']);
  await policy('silent', { auditAnnotations: [{ key: 'who', valueExpression: 'null' }] }, ['Deny']);
  await policy('failing', FALSE, ['Audit', 'Warn']);
  await policy('denied', FALSE, ['Deny', 'Audit']);
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const each = [{ key: 'param', valueExpression: 'string(params.metadata.name)' }];
  await policy('params', { paramKind, auditAnnotations: each }, ['Deny'], ['one', 'two']);
  await webhook('Mutating', 'mutating', { auditAnnotations: { seen: 'yes' } });
  await webhook('Validating', 'refusing', { allowed: false, auditAnnotations: { why: 'so' }, warnings: ['look out'] });
  for (const id of ['plain', 'noted', 'silent', 'failing', 'denied', 'params', 'mutating', 'refusing']) await map(id);
  await map('dry', 'noted', '?dryRun=All');
  await pod('pod-plain', 'default', true);
  await pod('pod-audited', 'audited', true);
  await pod('pod-enforced', 'enforced', false);
  await pod('pod-refused', 'enforced', true);
}

describe('what admission has for the record', () => {
  beforeAll(async () => {
    api = await startTestApiServer({ options: { audit } });
    hook = await startTestWebhook(api.authority, ['hook.default.svc']);
    try {
      await act();
    } finally {
      // What has been recorded is stored when the server ends.
      await hook.close();
      await api.close();
    }
  });

  it.each<[id: string, kind: string | undefined, code: number, annotations: Readonly<Record<string, unknown>>]>([
    ['plain', undefined, 201, {}],
    ['noted', 'annotated', 201, { 'noted/who': 'by admin' }],
    ['silent', undefined, 201, {}],
    ['failing', 'annotated', 201, { 'validation.policy.admission.k8s.io/validation_failure': failureOf('failing', ['Audit', 'Warn']) }],
    ['denied', 'failed', 422, { 'validation.policy.admission.k8s.io/validation_failure': failureOf('denied', ['Deny', 'Audit']) }],
    ['params', 'annotated', 201, { 'params/param': 'one, two' }],
    ['mutating', 'annotated', 201, { 'mutating.example.com/seen': 'yes' }],
    ['refusing', 'failed', 400, { 'refusing.example.com/why': 'so' }],
    ['dry', 'annotated', 201, { 'noted/who': 'by admin' }],
    ['pod-plain', undefined, 201, {}],
    [
      'pod-audited',
      'annotated',
      201,
      {
        'pod-security.kubernetes.io/audit-violations': expect.stringMatching(/^would violate PodSecurity "baseline:latest": privileged \(/),
      },
    ],
    [
      'pod-enforced',
      'annotated',
      201,
      {
        'pod-security.kubernetes.io/enforce-policy': 'baseline:latest',
        'pod-security.kubernetes.io/audit-violations': expect.stringContaining('"restricted:latest": allowPrivilegeEscalation'),
      },
    ],
    [
      'pod-refused',
      'denied',
      403,
      {
        'pod-security.kubernetes.io/enforce-policy': 'baseline:latest',
        'pod-security.kubernetes.io/audit-violations': expect.stringContaining('privileged (container "c"'),
      },
    ],
  ])('of "%s" is recorded as %s', (id, kind, code, annotations) => {
    const answer = answers.get(id);
    expect([answer?.code, answer?.text]).toEqual([code, expect.any(String)]);
    const entry = audit.entries.find((each) => each.id === id);
    expect(entry?.kind).toBe(kind);
    expect(entry?.annotations ?? {}).toEqual(annotations);
    const version = answer?.json<{ metadata: { resourceVersion?: string } }>().metadata.resourceVersion;
    expect(entry?.event).toBe(kind === 'annotated' && id !== 'dry' ? `state:${version}` : undefined);
  });

  it('warns of a write that is refused, too', () => {
    expect(answers.get('refusing')?.headers['warning']).toBe('299 - "look out"');
    expect(answers.get('failing')?.headers['warning']).toContain("Validation failed for ValidatingAdmissionPolicy 'failing'");
  });
});
