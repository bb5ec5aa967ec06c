import {
  APPLY_CONFIGURATION_TYPE,
  JSON_PATCHES_TYPE,
  modelOf,
  MUTATINGADMISSIONPOLICIES,
  MUTATINGADMISSIONPOLICYBINDINGS,
  type MutatingAdmissionPolicy,
} from '#libs/api';
import { StructValue, toJson, type Value } from '#libs/cel';
import { apiVersionOf, deepEqual, forbidden, jsonPatch, StatusError, type KubeObject } from '#libs/apimachinery';
import { isMap, memberType, merge, problemsOf, resolved, type MergeType } from '#libs/structured-merge';
import type { Case } from '../../case.js';
import { mergeTypeFor } from '../../field-management/index.js';
import type { Attributes, MutatingPlugin } from '../plugin.js';
import { Budget, evaluate, expressionOf, OutOfBudget, POLICY_BUDGET, type Expression } from './expressions.js';
import { activationFor, holds, invocations, policyCompiler, type BindingObject, type Invocation } from './policies.js';
import { redecoded } from './webhooks.js';

const RESOURCES = { policies: MUTATINGADMISSIONPOLICIES, bindings: MUTATINGADMISSIONPOLICYBINDINGS };
const PLUGIN = 'MutatingAdmissionPolicy';

interface Mutator {
  readonly patchType: 'ApplyConfiguration' | 'JSONPatch';
  readonly expression: Expression;
}

const compile = policyCompiler<MutatingAdmissionPolicy, readonly Mutator[]>(({ spec = {} }, scope) =>
  (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch: patch }) =>
    patchType === 'JSONPatch'
      ? { patchType, expression: expressionOf(patch?.expression ?? '', { ...scope, patches: true }, [JSON_PATCHES_TYPE]) }
      : {
          patchType: 'ApplyConfiguration',
          expression: expressionOf(applyConfiguration?.expression ?? '', { ...scope, patches: true }, [APPLY_CONFIGURATION_TYPE]),
        },
  ),
);

type Invoked = Invocation<MutatingAdmissionPolicy, readonly Mutator[]>;

/** A policy could not mutate; judged by its failure policy. */
class Failed extends Error {}

/** A struct's name says where it belongs: `Object.spec` at `.spec`. */
function checkNames(value: Value, expected: string): void {
  if (Array.isArray(value)) for (const item of value) checkNames(item as Value, expected);
  if (!(value instanceof StructValue)) return;
  if (value.type !== expected) {
    const why = `unexpected type name ${JSON.stringify(value.type)}, expected ${JSON.stringify(expected)}`;
    throw new Failed(`type mismatch: ${why}, which matches field name path from root Object type`);
  }
  for (const [name, field] of value.fields) checkNames(field, `${expected}.${name}`);
}

/** Paths of atomic lists, maps and structs in a patch: they would be replaced as a whole. */
function atomicsIn(type: MergeType, value: unknown, path: string): readonly string[] {
  const known = resolved(type, value);
  const isAtomic = known.kind === 'map' ? isMap(value) && known.atomic : known.kind === 'list' && known.type === 'atomic';
  const own = isAtomic ? [path] : [];
  if (isMap(value) && known.kind === 'map') {
    const members = Object.entries(value).flatMap(([name, member]) => {
      const memberOf = memberType(known, name);
      return memberOf ? atomicsIn(memberOf, member, `${path}.${name}`) : [];
    });
    return [...own, ...members];
  }
  if (Array.isArray(value) && known.kind === 'list')
    return [...own, ...value.flatMap((item, i) => atomicsIn(known.item(), item, `${path}[${i}]`))];
  return own;
}

/** How an object of the request merges: one of another version of the kind, or of a subresource's own, as what it is. */
function typeOf({ definition, read: { catalog } }: Case, { apiVersion, kind }: KubeObject): MergeType {
  if (kind === definition.kind && apiVersion === apiVersionOf(definition.resource)) return mergeTypeFor(definition);
  const served = catalog.definitionByKind(apiVersion, kind);
  if (served) return mergeTypeFor(served);
  const model = modelOf(apiVersion, kind);
  if (model === undefined) throw new Failed(`error applying patch: no corresponding type for ${apiVersion}, Kind=${kind}`);
  return mergeTypeFor({ model });
}

function mergedInto(given: Case, object: KubeObject, value: Value): KubeObject {
  checkNames(value, 'Object');
  const patch = { ...(toJson(value) as object), apiVersion: object.apiVersion, kind: object.kind };
  const type = typeOf(given, object);
  const [problem] = problemsOf(type, patch);
  if (problem !== undefined) throw new Failed(`error applying patch: failed to convert patch object to typed object: ${problem}`);
  const atomics = atomicsIn(type, patch, '');
  if (atomics.length > 0) {
    throw new Failed(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  }
  return merge(type, object, patch) as KubeObject;
}

const isFailedTest = (thrown: unknown): boolean =>
  thrown instanceof StatusError && (thrown.cause as { readonly name?: string } | undefined)?.name === 'TEST_OPERATION_FAILED';

function patchedWith(object: KubeObject, value: Value): KubeObject {
  try {
    return jsonPatch(object, toJson(value)) as KubeObject;
  } catch (thrown) {
    // A test that does not hold means that the patch is not for this object.
    if (isFailedTest(thrown)) return object;
    throw new Failed(`JSON Patch: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** The object after one mutation of a policy. Throws Failed. */
function mutated(
  given: Case,
  attributes: Attributes,
  invocation: Invoked,
  { patchType, expression }: Mutator,
  object: KubeObject,
): KubeObject {
  const { matched } = invocation;
  const budget = new Budget(POLICY_BUDGET);
  const activation = activationFor(given, { ...attributes, object }, invocation, budget);
  const result = evaluate(expression, activation, budget);
  if ('error' in result) throw new Failed(result.error);
  const shown = matched.convert(object) as KubeObject;
  const next = patchType === 'JSONPatch' ? patchedWith(shown, result.value) : mergedInto(given, shown, result.value);
  return redecoded(given, matched.back(next), object.kind === given.definition.kind);
}

/** The object after all mutations of one invocation; `failed` hears of those that could not be made. */
function invoked(
  given: Case,
  attributes: Attributes,
  invocation: Invoked,
  start: KubeObject,
  failed: (message: string) => void,
): KubeObject {
  let object = start;
  for (const mutator of invocation.policy.own) {
    try {
      object = mutated(given, attributes, invocation, mutator, object);
    } catch (thrown) {
      if (!(thrown instanceof Failed) && !(thrown instanceof OutOfBudget)) throw thrown;
      failed(thrown.message);
    }
  }
  return object;
}

function keyOf({ policy, binding, params }: Invoked): string {
  const { namespace = '', name = '' } = params?.metadata ?? {};
  return [policy.name, binding.metadata.name, namespace, name].join('/');
}

function refusal({ definition }: Case, { name }: Attributes, messages: readonly string[]): StatusError {
  const { details } = forbidden(definition.resource, name, '');
  const causes = messages.map((message) => ({ message }) as never);
  return new StatusError('Invalid', messages[0] ?? '', { ...details, causes });
}

const denied = (policy: string, binding: BindingObject | undefined, message: string): string =>
  binding
    ? `policy '${policy}' with binding '${binding.metadata.name}' denied request: ${message}`
    : `policy ${JSON.stringify(policy)} denied request: ${message}`;

/** MutatingAdmissionPolicy: mutations in CEL, by apply configurations or JSON patches. Comes before the webhooks. */
export const mutatingPolicies: MutatingPlugin = {
  name: PLUGIN,
  operations: ['CREATE', 'UPDATE', 'CONNECT'],
  mutate(start, attributes, given, reinvocation) {
    if (given.read.list(MUTATINGADMISSIONPOLICIES, undefined).length === 0) return start;
    const messages: string[] = [];
    const due = [
      ...invocations(given, attributes, RESOURCES, compile, ({ policy, binding, message }) => {
        if (!policy.ignoresFailure) messages.push(denied(policy.name, binding, message));
      }),
    ];
    reinvocation.begin(PLUGIN, start);
    let object = start;
    for (const invocation of due) {
      const { policy, binding } = invocation;
      const fail = (message: string): void => {
        if (!policy.ignoresFailure) messages.push(denied(policy.name, binding, message));
      };
      const matches = holds(given, { ...attributes, object }, invocation);
      if (typeof matches !== 'boolean') fail(matches.error);
      if (matches !== true || !reinvocation.asks(PLUGIN, keyOf(invocation))) continue;
      const next = invoked(given, attributes, invocation, object, fail);
      reinvocation.asked(PLUGIN, keyOf(invocation), !deepEqual(next, object), policy.object.spec?.reinvocationPolicy === 'IfNeeded');
      object = next;
    }
    reinvocation.end(PLUGIN, object);
    if (messages.length > 0) throw refusal(given, attributes, messages);
    return object;
  },
};
