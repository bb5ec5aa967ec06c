import {
  BOOL,
  compile,
  DYN,
  formatType,
  INT,
  listOf,
  mapOf,
  objectOf,
  STRING,
  TIMESTAMP,
  unescapeName,
  type CelType,
  type ObjectType,
  type Program,
} from '#libs/cel';

const STRINGS = listOf(STRING);
const GROUP_VERSION_KIND = objectOf('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const GROUP_VERSION_RESOURCE = objectOf('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });

/** The `request` of an admission expression (apiserver `admission/plugin/cel/compile.go`). */
const REQUEST = objectOf('kubernetes.AdmissionRequest', {
  kind: GROUP_VERSION_KIND,
  resource: GROUP_VERSION_RESOURCE,
  subResource: STRING,
  requestKind: GROUP_VERSION_KIND,
  requestResource: GROUP_VERSION_RESOURCE,
  requestSubResource: STRING,
  name: STRING,
  operation: STRING,
  userInfo: objectOf('kubernetes.UserInfo', { username: STRING, uid: STRING, groups: STRINGS, extra: mapOf(STRING, STRINGS) }),
  dryRun: BOOL,
  options: DYN,
});
/** Upstream declares these fields as they are written, unescaped. */
const withNamespace = (type: ObjectType): ObjectType => ({
  ...type,
  field: (name) => (name === 'namespace' ? { json: 'namespace', type: STRING } : type.field(name)),
});

const CONDITION = objectOf('kubernetes.NamespaceCondition', {
  status: STRING,
  type: STRING,
  lastTransitionTime: TIMESTAMP,
  message: STRING,
  reason: STRING,
});
const NAMESPACE_METADATA = withNamespace(
  objectOf('kubernetes.NamespaceMetadata', {
    name: STRING,
    generateName: STRING,
    labels: mapOf(STRING, STRING),
    annotations: mapOf(STRING, STRING),
    UID: STRING,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    deletionTimestamp: TIMESTAMP,
    generation: INT,
    resourceVersion: STRING,
    finalizers: STRINGS,
  }),
);
const NAMESPACE = objectOf('kubernetes.Namespace', {
  metadata: NAMESPACE_METADATA,
  spec: objectOf('kubernetes.NamespaceSpec', { finalizers: STRINGS }),
  status: objectOf('kubernetes.NamespaceStatus', { conditions: listOf(CONDITION), phase: STRING }),
});

const JSON_PATCH = objectOf('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN });

/** `Object`, `Object.spec.template`, ...: structs of a mutation, whose fields nobody declares. */
function patchStruct(name: string): ObjectType | undefined {
  if (name === 'JSONPatch') return JSON_PATCH;
  if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
  return { kind: 'object', name, field: (field) => ({ json: unescapeName(field), type: DYN }) };
}

const AUTHORIZER: Readonly<Record<string, CelType>> = {
  authorizer: { kind: 'opaque', name: 'kubernetes.authorization.Authorizer' },
  'authorizer.requestResource': { kind: 'opaque', name: 'kubernetes.authorization.ResourceCheck' },
};

/** What an admission expression may name besides `object`, `oldObject`, `request` and `namespaceObject`. */
export interface ExpressionScope {
  readonly params?: boolean;
  /** The types of the policy's variables that come before the expression. */
  readonly variables?: Readonly<Record<string, CelType>>;
  /** False where it can't ask the authorizer: in messages and audit annotations. */
  readonly authorizer?: boolean;
  /** Whether it may build `Object{...}` and `JSONPatch{...}`. */
  readonly patches?: boolean;
  /** Types of `object`, `oldObject` and `params` where they are known: for the check of a policy against a schema. */
  readonly types?: Readonly<Record<string, CelType>>;
}

/** A compiled admission expression, or what is wrong with it as upstream says it. */
export type AdmissionExpression = { readonly program: Program } | { readonly problem: string };

/** The type that `variables` has when these come before. */
const variablesType = (variables: Readonly<Record<string, CelType>>): ObjectType => objectOf('kubernetes.variables', variables);

/** Compiles an expression of admission; `returns` are the types it may evaluate to, exactly. None: any. */
export function compileAdmissionExpression(
  expression: string,
  scope: ExpressionScope,
  returns: readonly CelType[] = [],
): AdmissionExpression {
  const compiled = compile(expression, {
    variables: {
      object: DYN,
      oldObject: DYN,
      namespaceObject: NAMESPACE,
      request: withNamespace(REQUEST),
      ...(scope.params ? { params: DYN } : {}),
      ...(scope.authorizer === false ? {} : AUTHORIZER),
      ...(scope.variables ? { variables: variablesType(scope.variables) } : {}),
      ...scope.types,
    },
    ...(scope.patches ? { struct: patchStruct } : {}),
  });
  if ('problem' in compiled) return { problem: `compilation failed: ${compiled.problem}` };
  const got = formatType(compiled.program.type);
  const wanted = returns.map(formatType);
  if (wanted.length === 0 || wanted.includes(got)) return compiled;
  const expected = wanted.length === 1 ? `${wanted[0]}` : `one of [${wanted.join(' ')}]`;
  return { problem: `must evaluate to ${expected} but got ${got}` };
}

/** What the mutations of a policy evaluate to. */
export const APPLY_CONFIGURATION_TYPE: CelType = { kind: 'object', name: 'Object', field: () => undefined };
export const JSON_PATCHES_TYPE: CelType = listOf(JSON_PATCH);
