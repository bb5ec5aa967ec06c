import { invalidValue, pathSegmentNames, required, validateLabelSelector, duplicate } from '#libs/apimachinery';
import { each, fill } from '../../defaulting.js';
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../../generated/types.js';
import { oneOf, oneOfIfSet, type Problems } from '../../problems.js';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];
export const MATCH_POLICIES = ['Equivalent', 'Exact'];
export const FAILURE_POLICIES = ['Fail', 'Ignore'];

export const ruleDefaults = <T extends RuleWithOperations>(rule: T): T => fill<RuleWithOperations>(rule, { scope: '*' }) as T;

/** Defaults of a policy's or binding's matches (SetDefaults_MatchResources). */
export function matchDefaults(sent: MatchResources): MatchResources {
  const { resourceRules, excludeResourceRules } = sent;
  return fill(
    {
      ...sent,
      ...(resourceRules ? { resourceRules: each(resourceRules, ruleDefaults) } : {}),
      ...(excludeResourceRules ? { excludeResourceRules: each(excludeResourceRules, ruleDefaults) } : {}),
    },
    { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
  );
}

function words(into: Problems, path: string, list: readonly string[] | undefined, what: string): void {
  if (!list || list.length === 0) into.push(required(path));
  else if (list.length > 1 && list.includes('*')) into.push(invalidValue(path, list, `if '*' is present, must not specify other ${what}`));
}

function subresource(into: Problems, at: string, text: string, resources: Set<string>, subresources: Set<string>): void {
  const slash = text.indexOf('/');
  const [resource, sub] = [text.slice(0, slash), text.slice(slash + 1)];
  if (resources.has(resource)) into.push(invalidValue(at, text, `if '${resource}/*' is present, must not specify ${text}`));
  if (subresources.has(sub)) into.push(invalidValue(at, text, `if '*/${sub}' is present, must not specify ${text}`));
  if (sub === '*') resources.add(resource);
  if (resource === '*') subresources.add(sub);
}

function resources(into: Problems, path: string, list: readonly string[] | undefined): void {
  if (!list || list.length === 0) return void into.push(required(path));
  const withWildcard = new Set<string>();
  const ofWildcard = new Set<string>();
  list.forEach((text, i) => {
    if (text === '') into.push(required(`${path}[${i}]`));
    else if (text.includes('/')) subresource(into, `${path}[${i}]`, text, withWildcard, ofWildcard);
  });
  if (list.length > 1 && list.includes('*/*')) into.push(invalidValue(path, list, "if '*/*' is present, must not specify other resources"));
  if (list.includes('*') && list.some((text) => text !== '*' && !text.includes('/'))) {
    into.push(invalidValue(path, list, "if '*' is present, must not specify other resources without subresources"));
  }
}

/** One rule of a webhook or policy. */
export function validateRule(into: Problems, path: string, rule: RuleWithOperations): void {
  const { operations = [], apiGroups, apiVersions, scope } = rule;
  words(into, `${path}.operations`, operations, 'operations');
  operations.forEach((operation, i) => oneOf(into, `${path}.operations[${i}]`, operation, OPERATIONS));
  words(into, `${path}.apiGroups`, apiGroups, 'API groups');
  words(into, `${path}.apiVersions`, apiVersions, 'API versions');
  (apiVersions ?? []).forEach((version, i) => {
    if (version === '') into.push(required(`${path}.apiVersions[${i}]`));
  });
  resources(into, `${path}.resources`, rule.resources);
  oneOfIfSet(into, `${path}.scope`, scope, SCOPES);
}

function validateNamedRule(into: Problems, path: string, rule: NamedRuleWithOperations): void {
  const names = rule.resourceNames ?? [];
  names.forEach((name, i) => {
    const at = `${path}.resourceNames[${i}]`;
    for (const message of pathSegmentNames(name, false)) into.push(invalidValue(at, name, message));
    if (names.indexOf(name) < i) into.push(duplicate(at, name));
  });
  validateRule(into, path, rule);
}

/** What a policy or binding matches. */
export function validateMatchResources(into: Problems, path: string, match: MatchResources): void {
  if (match.matchPolicy === undefined) into.push(required(`${path}.matchPolicy`));
  else oneOfIfSet(into, `${path}.matchPolicy`, match.matchPolicy, MATCH_POLICIES);
  for (const name of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[name] === undefined) into.push(required(`${path}.${name}`));
    else into.push(...validateLabelSelector(match[name], `${path}.${name}`));
  }
  (match.resourceRules ?? []).forEach((rule, i) => validateNamedRule(into, `${path}.resourceRules[${i}]`, rule));
  (match.excludeResourceRules ?? []).forEach((rule, i) => validateNamedRule(into, `${path}.excludeResourceRules[${i}]`, rule));
}
