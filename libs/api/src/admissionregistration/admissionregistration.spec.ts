import { definitionByKind } from '../registry.js';
import type { KubeObject } from '#libs/apimachinery';

const GROUP = 'admissionregistration.k8s.io/v1';
const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const HOOK = {
  name: 'a.b.c',
  clientConfig: { url: 'https://hook' },
  rules: [RULE],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const POLICY = { matchConstraints: { resourceRules: [RULE] }, validations: [{ expression: 'object.spec.x > 1' }] };
const MUTATING = {
  matchConstraints: { resourceRules: [RULE] },
  reinvocationPolicy: 'Never',
  mutations: [
    { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' } },
  ],
};
const BINDING = { policyName: 'p', validationActions: ['Deny'] };

function problems(kind: string, members: object): readonly string[] {
  const definition = definitionByKind(GROUP, kind);
  if (!definition) throw new Error(`no ${kind}`);
  const object = { apiVersion: GROUP, kind, metadata: { name: 'x' }, ...members } as KubeObject;
  return definition.strategy.validate(definition.strategy.defaults(object)).map(({ field, message }) => `${field}: ${message}`);
}

const hook = (members: object): readonly string[] => problems('MutatingWebhookConfiguration', { webhooks: [{ ...HOOK, ...members }] });
const policy = (members: object): readonly string[] => problems('ValidatingAdmissionPolicy', { spec: { ...POLICY, ...members } });
const mutating = (members: object): readonly string[] => problems('MutatingAdmissionPolicy', { spec: { ...MUTATING, ...members } });
const binding = (members: object): readonly string[] => problems('ValidatingAdmissionPolicyBinding', { spec: { ...BINDING, ...members } });

const CASES: readonly (readonly [rule: string, found: readonly string[], wanted: readonly string[]])[] = [
  ['a webhook may be as plain as this', hook({}), []],
  ['a policy may be as plain as this', policy({}), []],
  ['a mutating policy may be as plain as this', mutating({}), []],
  ['a binding may be as plain as this', binding({}), []],
  [
    'a webhook has a name of three parts',
    hook({ name: 'a.b' }),
    ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
  ],
  [
    'names of webhooks differ within a configuration',
    problems('ValidatingWebhookConfiguration', { webhooks: [HOOK, HOOK] }),
    ['webhooks[1].name: Duplicate value: "a.b.c"'],
  ],
  [
    'a webhook says what it touches besides',
    hook({ sideEffects: undefined }),
    ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
  ],
  [
    'a webhook answers within 30 seconds',
    hook({ timeoutSeconds: 31 }),
    ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
  ],
  [
    'a webhook listens at one place',
    hook({ clientConfig: {} }),
    ['webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  ],
  [
    'a webhook speaks HTTPS',
    hook({ clientConfig: { url: 'http://u@h/p?q#f' } }),
    [
      'webhooks[0].clientConfig.url: Invalid value: "http": \'https\' is the only allowed URL scheme; desired format: https://host[/path]',
      'webhooks[0].clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
      'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
      'webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
    ],
  ],
  [
    'a webhook knows a version of reviews',
    hook({ admissionReviewVersions: ['v9'] }),
    ['webhooks[0].admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
  ],
  [
    'match conditions compile, and have names that differ',
    hook({
      matchConditions: [
        { name: 'a', expression: 'true' },
        { name: 'a', expression: 'nope' },
      ],
    }),
    [
      "webhooks[0].matchConditions[1].expression: Invalid value: \"nope\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^",
      'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
    ],
  ],
  [
    'match conditions are true or false',
    hook({ matchConditions: [{ name: 'a', expression: '1' }] }),
    ['webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int'],
  ],
  [
    'there are at most 64 match conditions',
    hook({ matchConditions: Array.from({ length: 65 }, (_, i) => ({ name: `a${i}`, expression: 'true' })) }),
    ['webhooks[0].matchConditions: Too many: 65: must have at most 64 items'],
  ],
  [
    'a rule with a wildcard has nothing beside it',
    hook({ rules: [{ ...RULE, operations: ['*', 'CREATE'], apiGroups: ['*', ''], resources: ['*', 'pods'] }] }),
    [
      'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations',
      'webhooks[0].rules[0].apiGroups: Invalid value: ["*",""]: if \'*\' is present, must not specify other API groups',
      'webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources',
    ],
  ],
  [
    'a policy matches something and says something',
    policy({ matchConstraints: {}, validations: [] }),
    [
      'spec.matchConstraints.resourceRules: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  ],
  [
    'params are known only with a paramKind',
    policy({ validations: [{ expression: 'params.x == 1' }] }),
    [
      "spec.validations[0].expression: Invalid value: \"params.x == 1\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x == 1\n | ^",
    ],
  ],
  [
    'params are known with a paramKind',
    policy({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'params.x == 1' }] }),
    [],
  ],
  [
    'variables name those before them',
    policy({
      variables: [
        { name: 'a', expression: '1' },
        { name: 'b', expression: 'variables.a + 1' },
      ],
      validations: [{ expression: 'variables.b == 2' }],
    }),
    [],
  ],
  [
    "variables don't name those after them",
    policy({ variables: [{ name: 'a', expression: 'variables.b' }] }),
    [
      'spec.variables[0].expression: Invalid value: "variables.b": compilation failed: ERROR: <input>:1:10: undefined field \'b\'\n | variables.b\n | .........^',
    ],
  ],
  [
    'authorizer and request are known',
    policy({
      validations: [
        {
          expression:
            'authorizer.group("").resource("pods").check("get").allowed() && authorizer.requestResource.check("x").allowed() && request.namespace == "a"',
        },
      ],
    }),
    [],
  ],
  [
    'a message has one line',
    policy({ validations: [{ expression: 'true', message: 'a\nb' }] }),
    ['spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks'],
  ],
  [
    'a reason is one of four',
    policy({ validations: [{ expression: 'true', reason: 'Bad' }] }),
    [
      'spec.validations[0].reason: Unsupported value: "Bad": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
    ],
  ],
  [
    'a mutation evaluates to an Object',
    mutating({ mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: '1' } }] }),
    ['spec.mutations[0].applyConfiguration.expression: Invalid value: "1": must evaluate to Object but got int'],
  ],
  [
    'a mutation by patches evaluates to a list of them',
    mutating({
      mutations: [
        { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/a/" + jsonpatch.escapeKey("b/c"), value: 1}]' } },
      ],
    }),
    [],
  ],
  [
    'a mutating policy says when it is asked again',
    mutating({ reinvocationPolicy: undefined }),
    ['spec.reinvocationPolicy: Required value'],
  ],
  [
    'a binding does not both deny and warn',
    binding({ validationActions: ['Deny', 'Warn'] }),
    [
      'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  ],
  [
    'a binding finds params by name or by selector',
    binding({ paramRef: {} }),
    ['spec.paramRef: Required value: one of name or selector must be specified'],
  ],
];

test.each(CASES)('%s', (_, found, wanted) => {
  expect(found).toEqual(wanted);
});

test('what a webhook leaves out is filled in', () => {
  const definition = definitionByKind(GROUP, 'MutatingWebhookConfiguration');
  const sent = {
    apiVersion: GROUP,
    kind: 'MutatingWebhookConfiguration',
    metadata: {},
    webhooks: [{ ...HOOK, clientConfig: { service: { name: 's', namespace: 'n' } } }],
  };
  expect(definition?.strategy.defaults(sent as KubeObject)).toMatchObject({
    webhooks: [
      {
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
        clientConfig: { service: { port: 443 } },
        rules: [{ scope: '*' }],
      },
    ],
  });
});
