import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable, ExpressionScope } from '#libs/api';
import { CelError, LazyFields, type CelType, type Value } from '#libs/cel';
import { StatusError, type GroupVersionResource, type KubeObject } from '#libs/apimachinery';
import type { Case } from '../../case.js';
import type { Attributes } from '../plugin.js';
import { activationOf, type Activation } from './activation.js';
import { conditionsHold, conditionsOf, evaluate, expressionOf, type Budget, type Conditions, type Expression } from './expressions.js';
import { isExempt, match, matcherOf, ownForm, requestNamespace, type Matched, type Matcher } from './matching.js';
import { checkParamKind, Misconfigured, paramsOf } from './params.js';

/** A policy of either kind, as far as both are the same. */
export interface PolicyObject extends KubeObject {
  readonly spec?: {
    readonly paramKind?: ParamKind;
    readonly matchConstraints?: MatchResources;
    readonly variables?: readonly Variable[];
    readonly failurePolicy?: string;
    readonly matchConditions?: readonly MatchCondition[];
  };
}

/** A binding of either kind, as far as both are the same. */
export interface BindingObject extends KubeObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
    readonly validationActions?: readonly string[];
  };
}

/** A policy made ready to be evaluated; `own` is what its kind adds. */
export interface Policy<P extends PolicyObject, Own> {
  readonly object: P;
  readonly name: string;
  readonly matcher: Matcher;
  readonly conditions: Conditions;
  readonly variables: ReadonlyMap<string, Expression>;
  readonly ignoresFailure: boolean;
  readonly own: Own;
}

/** One evaluation that is due: a policy, a binding of it, and one of its params. */
export interface Invocation<P extends PolicyObject, Own> {
  readonly policy: Policy<P, Own>;
  readonly binding: BindingObject;
  readonly params: KubeObject | null | undefined;
  readonly matched: Matched;
}

/** A policy (or its binding) that could not be used. */
export interface ConfigurationError<P extends PolicyObject, Own> {
  readonly policy: Policy<P, Own>;
  readonly binding: BindingObject | undefined;
  readonly message: string;
}

const toMatcher = (resources: MatchResources | undefined): Matcher =>
  matcherOf({
    rules: resources?.resourceRules ?? [],
    excluded: resources?.excludeResourceRules ?? [],
    matchPolicy: resources?.matchPolicy,
    namespaceSelector: resources?.namespaceSelector,
    objectSelector: resources?.objectSelector,
  });

function compileVariables(
  variables: readonly Variable[] | undefined,
  scope: ExpressionScope,
): readonly [Map<string, Expression>, ExpressionScope] {
  const compiled = new Map<string, Expression>();
  const types: Record<string, CelType> = {};
  for (const { name = '', expression = '' } of variables ?? []) {
    const found = expressionOf(expression, { ...scope, variables: { ...types } }, []);
    compiled.set(name, found);
    types[name] = 'program' in found.compiled ? found.compiled.program.type : { kind: 'dyn' };
  }
  return [compiled, { ...scope, variables: types }];
}

/** Makes policies ready, each once for as long as it stays the same. */
export function policyCompiler<P extends PolicyObject, Own>(
  own: (policy: P, scope: ExpressionScope) => Own,
): (policy: P) => Policy<P, Own> {
  const known = new WeakMap<KubeObject, Policy<P, Own>>();
  return (object) => {
    const found = known.get(object);
    if (found) return found;
    const { paramKind, matchConstraints, matchConditions, variables, failurePolicy } = object.spec ?? {};
    const scope = { params: paramKind !== undefined };
    const [compiled, inner] = compileVariables(variables, scope);
    const policy: Policy<P, Own> = {
      object,
      name: object.metadata.name ?? '',
      matcher: toMatcher(matchConstraints),
      conditions: conditionsOf(matchConditions, scope),
      variables: compiled,
      ignoresFailure: failurePolicy === 'Ignore',
      own: own(object, inner),
    };
    known.set(object, policy);
    return policy;
  };
}

const grouped = new WeakMap<object, ReadonlyMap<string, readonly BindingObject[]>>();

/** Bindings by their policies' names; the list stays the same object until one changes. */
function byPolicy(bindings: readonly KubeObject[]): ReadonlyMap<string, readonly BindingObject[]> {
  const known = grouped.get(bindings);
  if (known) return known;
  const found = new Map<string, BindingObject[]>();
  for (const binding of bindings as readonly BindingObject[]) {
    const name = binding.spec?.policyName ?? '';
    found.set(name, [...(found.get(name) ?? []), binding]);
  }
  grouped.set(bindings, found);
  return found;
}

const bindingMatchers = new WeakMap<object, Matcher>();

function bindingMatches(given: Case, attributes: Attributes, { spec }: BindingObject): boolean {
  const resources = spec?.matchResources;
  if (!resources) return true;
  const matcher = bindingMatchers.get(resources) ?? toMatcher(resources);
  bindingMatchers.set(resources, matcher);
  return match(given, attributes, matcher, true) !== undefined;
}

/** The evaluations that a request is due, in the order of policies and bindings; `misconfigured` hears of those that can't be. */
export function* invocations<P extends PolicyObject, Own>(
  given: Case,
  attributes: Attributes,
  resources: { readonly policies: GroupVersionResource; readonly bindings: GroupVersionResource },
  compile: (policy: P) => Policy<P, Own>,
  misconfigured: (error: ConfigurationError<P, Own>) => void,
): Generator<Invocation<P, Own>> {
  const policies = given.read.list(resources.policies, undefined);
  if (policies.length === 0 || isExempt(given.definition)) return;
  const bindings = byPolicy(given.read.list(resources.bindings, undefined));
  for (const object of policies) {
    const own = bindings.get(object.metadata.name ?? '');
    if (!own) continue;
    const policy = compile(object as P);
    const matched = match(given, attributes, policy.matcher);
    if (matched) yield* ofPolicy(given, attributes, policy, matched, own, misconfigured);
  }
}

function* ofPolicy<P extends PolicyObject, Own>(
  given: Case,
  attributes: Attributes,
  policy: Policy<P, Own>,
  matched: Matched,
  bindings: readonly BindingObject[],
  misconfigured: (error: ConfigurationError<P, Own>) => void,
): Generator<Invocation<P, Own>> {
  const kind = policy.object.spec?.paramKind;
  const attempt = <T>(make: () => T, binding: BindingObject | undefined): T | undefined => {
    try {
      return make();
    } catch (thrown) {
      if (!(thrown instanceof Misconfigured) && !(thrown instanceof StatusError)) throw thrown;
      misconfigured({ policy, binding, message: `failed to configure ${binding ? 'binding' : 'policy'}: ${thrown.message}` });
      return undefined;
    }
  };
  if (attempt(() => (checkParamKind(given, kind), true), undefined) === undefined) return;
  for (const binding of bindings) {
    if (attempt(() => bindingMatches(given, attributes, binding), binding) !== true) continue;
    const params = attempt(() => paramsOf(given, kind, binding.spec?.paramRef, requestNamespace(given, attributes)), binding);
    for (const each of params ?? []) yield { policy, binding, params: each, matched };
  }
}

/** A policy's variables: each is evaluated when an expression first names it, once for all of them. */
class Variables extends LazyFields {
  readonly #known = new Map<string, { readonly value: Value } | { readonly error: string }>();

  constructor(
    private readonly expressions: ReadonlyMap<string, Expression>,
    private readonly activation: Activation,
    private readonly budget: Budget,
  ) {
    super();
  }

  get(name: string): Value | undefined {
    const expression = this.expressions.get(name);
    if (!expression) return undefined;
    const result = this.#known.get(name) ?? evaluate(expression, this.activation, this.budget);
    this.#known.set(name, result);
    if ('error' in result) throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${result.error}`);
    return result.value;
  }
}

/** What the expressions of an invocation see; its variables draw on the budget. */
export function activationFor<P extends PolicyObject, Own>(
  given: Case,
  attributes: Attributes,
  { policy, params, matched }: Invocation<P, Own>,
  budget: Budget,
): Activation {
  const base = activationOf(given, attributes, matched, ownForm(given, attributes), params);
  const activation: Activation = (name) => (name === 'variables' ? variables : base(name));
  const variables = new Variables(policy.variables, activation, budget);
  return activation;
}

/** Whether an invocation's match conditions hold. */
export function holds<P extends PolicyObject, Own>(
  given: Case,
  attributes: Attributes,
  { policy, params, matched }: Invocation<P, Own>,
): boolean | { readonly error: string } {
  if (policy.conditions.length === 0) return true;
  return conditionsHold(
    policy.conditions,
    activationOf(given, attributes, matched, ownForm(given, attributes), params),
    policy.ignoresFailure,
  );
}
