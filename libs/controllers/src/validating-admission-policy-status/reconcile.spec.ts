import type { ValidatingAdmissionPolicy } from '#libs/api';
import { validatingAdmissionPolicyStatus, type PolicyTypesSnapshot } from './controller.js';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

const rule = (group: string, ...resources: string[]): object => ({ operations: ['*'], apiGroups: [group], apiVersions: ['v1'], resources });

function statusOf(spec: object, customs: PolicyTypesSnapshot['customs'] = []): unknown {
  const policy = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'p', generation: 3 },
    spec: spec as Spec,
  };
  const { changes } = validatingAdmissionPolicyStatus.reconcile({ policy, customs }, 0);
  const [change] = changes;
  if (change?.verb !== 'update' || change.subresource !== 'status') throw new Error('no update of the status');
  return (change.object as ValidatingAdmissionPolicy).status;
}

const WIDGET = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { replicas: { type: 'integer' } } } } },
        },
      },
    ],
  },
};

test('an expression that suits the kinds it is about has no warning', () => {
  const spec = {
    matchConstraints: { resourceRules: [rule('apps', 'deployments')] },
    validations: [{ expression: 'object.spec.replicas > 1 && object.spec.template.spec.containers.all(c, c.image != "")' }],
  };
  expect(statusOf(spec)).toEqual({ observedGeneration: 3, typeChecking: {} });
});

test('an expression is warned of for each kind that it does not suit', () => {
  const spec = {
    matchConstraints: { resourceRules: [rule('apps', 'deployments', 'replicasets')] },
    validations: [{ expression: 'object.spec.replicas > "1"', messageExpression: 'object.replicas' }],
  };
  const mismatch =
    "compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > \"1\"\n | .....................^\n";
  const missing = "compilation failed: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas\n | ......^\n";
  expect(statusOf(spec)).toEqual({
    observedGeneration: 3,
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: 'spec.validations[0].expression',
          warning: `apps/v1, Kind=Deployment: ${mismatch}\napps/v1, Kind=ReplicaSet: ${mismatch}`,
        },
        {
          fieldRef: 'spec.validations[0].messageExpression',
          warning: `apps/v1, Kind=Deployment: ${missing}\napps/v1, Kind=ReplicaSet: ${missing}`,
        },
      ],
    },
  });
});

test('variables, params and custom resources are checked by their types', () => {
  const spec = {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    matchConstraints: { resourceRules: [rule('example.com', 'widgets')] },
    variables: [{ name: 'n', expression: 'object.spec.replicas' }],
    validations: [
      { expression: 'variables.n > 1 && params.data["a"] == "b" && object.metadata.name != ""' },
      { expression: 'variables.n == "x"' },
      { expression: 'params.nope == 1' },
    ],
  };
  expect(statusOf(spec, [WIDGET])).toMatchObject({
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: 'spec.validations[1].expression',
          warning: expect.stringContaining(
            "example.com/v1, Kind=Widget: compilation failed: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(int, string)'",
          ),
        },
        { fieldRef: 'spec.validations[2].expression', warning: expect.stringContaining("undefined field 'nope'") },
      ],
    },
  });
});

test('wildcards and kinds that nobody knows are not checked', () => {
  const spec = {
    matchConstraints: { resourceRules: [rule('*', 'deployments'), rule('apps', '*'), rule('example.com', 'widgets')] },
    validations: [{ expression: 'object.nope' }],
  };
  expect(statusOf(spec)).toEqual({ observedGeneration: 3, typeChecking: {} });
});
