import { invalidValue, required, type FieldError } from '#libs/apimachinery';
import type { PolicyRule } from '../../generated/types.js';
import type { Problems } from '../../problems.js';

function one(into: Problems, path: string, rule: PolicyRule, namespaced: boolean): void {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (!verbs?.length) into.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const field = `${path}.nonResourceURLs`;
    if (namespaced) into.push(invalidValue(field, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      into.push(invalidValue(field, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    }
    return;
  }
  if (apiGroups.length === 0) into.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) into.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
}

/** Every problem of a role's rules. */
export function ruleProblems(rules: readonly PolicyRule[] | undefined, namespaced: boolean): readonly FieldError[] {
  const into: Problems = [];
  for (const [index, rule] of (rules ?? []).entries()) one(into, `rules[${index}]`, rule, namespaced);
  return into;
}
