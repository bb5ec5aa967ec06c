import type { CelType } from '#libs/cel';
import type { GroupVersionKind, GroupVersionResource } from '#libs/apimachinery';
import type { ExpressionWarning, Rule, ValidatingAdmissionPolicy, Variable } from '../generated/types.js';
import { compileAdmissionExpression } from './expressions.js';

/** As upstream: a policy is checked against the first ten kinds that it matches. */
const MOST_KINDS = 10;

/** A kind that a policy matches, and what expressions see of it. */
export interface TypedKind {
  readonly kind: GroupVersionKind;
  readonly type: CelType;
}

/** Where kinds and their types are found: the built-in ones, and those of custom resources. */
export interface TypedKinds {
  ofResource(resource: GroupVersionResource): TypedKind | undefined;
  ofKind(apiVersion: string, kind: string): TypedKind | undefined;
}

const plain = (words: readonly string[] | undefined): readonly string[] => [...(words ?? [])].filter((word) => word !== '*').sort();

function resourcesOf({ apiGroups, apiVersions, resources }: Rule): readonly GroupVersionResource[] {
  if ([apiGroups, apiVersions, resources].some((words) => words?.includes('*'))) return [];
  const named = plain(resources).filter((resource) => !resource.includes('/'));
  return plain(apiGroups).flatMap((group) =>
    plain(apiVersions).flatMap((version) => named.map((resource) => ({ group, version, resource }))),
  );
}

const sortKey = ({ kind: { group, version, kind } }: TypedKind): string => `${group}\0${version}\0${kind}`;

function kindsOf(policy: ValidatingAdmissionPolicy, kinds: TypedKinds): readonly TypedKind[] {
  const found = new Map<string, TypedKind>();
  for (const rule of policy.spec?.matchConstraints?.resourceRules ?? []) {
    for (const resource of resourcesOf(rule)) {
      const kind = kinds.ofResource(resource);
      if (kind && found.size < MOST_KINDS) found.set(sortKey(kind), kind);
    }
  }
  return [...found.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

const shown = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}, Kind=${kind}`;

function variableTypes(
  variables: readonly Variable[],
  types: Readonly<Record<string, CelType>>,
  params: boolean,
): Readonly<Record<string, CelType>> {
  const known: Record<string, CelType> = {};
  for (const { name = '', expression = '' } of variables) {
    const compiled = compileAdmissionExpression(expression, { types, params, variables: { ...known } });
    known[name] = 'program' in compiled ? compiled.program.type : { kind: 'dyn' };
  }
  return known;
}

/**
 * What the expressions of a policy would find amiss with the kinds that it matches (apiserver
 * `policy/validating/typechecking.go`): it says so in its status, and works all the same.
 */
export function expressionWarnings(policy: ValidatingAdmissionPolicy, kinds: TypedKinds): readonly ExpressionWarning[] {
  const { paramKind, validations = [], variables = [] } = policy.spec ?? {};
  const params = paramKind && kinds.ofKind(paramKind.apiVersion ?? '', paramKind.kind ?? '');
  const scopes = kindsOf(policy, kinds).map(({ kind, type }) => {
    const types = { object: type, oldObject: type, ...(params ? { params: params.type } : {}) };
    return { kind, scope: { types, params: paramKind !== undefined, variables: variableTypes(variables, types, paramKind !== undefined) } };
  });
  const check = (expression: string | undefined, fieldRef: string): readonly ExpressionWarning[] => {
    if (!expression) return [];
    const warnings = scopes.flatMap(({ kind, scope }) => {
      const compiled = compileAdmissionExpression(expression, scope);
      return 'problem' in compiled ? [`${shown(kind)}: ${compiled.problem}\n`] : [];
    });
    return warnings.length === 0 ? [] : [{ fieldRef, warning: warnings.join('\n') }];
  };
  return validations.flatMap(({ expression, messageExpression }, i) => [
    ...check(expression, `spec.validations[${i}].expression`),
    ...check(messageExpression, `spec.validations[${i}].messageExpression`),
  ]);
}
