import type { PolicyRule } from '#libs/api';
import type { Attributes } from './attributes.js';

const ALL = '*';
const NONE: readonly string[] = [];

const has = (values: readonly string[] | undefined, value: string): boolean =>
  values !== undefined && (values.includes(value) || values.includes(ALL));

function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  if (resources.includes(ALL) || resources.includes(full)) return true;
  return subresource !== '' && resources.includes(`*/${subresource}`);
}

const pathMatches = (patterns: readonly string[], path: string): boolean =>
  patterns.some((pattern) => pattern === ALL || pattern === path || (pattern.endsWith(ALL) && path.startsWith(pattern.slice(0, -1))));

/** Whether one rule allows what is asked (pkg/registry/rbac/validation `RuleAllows`). */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.kind === 'path') return pathMatches(rule.nonResourceURLs ?? NONE, attributes.path);
  const { group, resource, subresource, name } = attributes;
  const { resourceNames = NONE } = rule;
  return (
    has(rule.apiGroups, group) &&
    resourceMatches(rule.resources ?? NONE, resource, subresource) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

/** A rule as the single things it allows: one verb, group, resource and name, or one verb and path. */
function pieces(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = rule;
  const out: PolicyRule[] = [];
  for (const verb of verbs) {
    for (const url of nonResourceURLs) out.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of apiGroups) {
      for (const resource of resources) {
        const one = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (resourceNames.length === 0) out.push(one);
        else for (const name of resourceNames) out.push({ ...one, resourceNames: [name] });
      }
    }
  }
  return out;
}

function covers(owned: PolicyRule, piece: PolicyRule): boolean {
  if (!has(owned.verbs, piece.verbs[0] ?? '')) return false;
  const url = piece.nonResourceURLs?.[0];
  if (url !== undefined) return pathMatches(owned.nonResourceURLs ?? NONE, url);
  const [resource = '', subresource = ''] = (piece.resources?.[0] ?? '').split('/');
  const { resourceNames = NONE } = owned;
  const name = piece.resourceNames?.[0];
  return (
    has(owned.apiGroups, piece.apiGroups?.[0] ?? '') &&
    resourceMatches(owned.resources ?? NONE, resource, subresource) &&
    (resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name)))
  );
}

/**
 * The pieces of `wanted` that no rule of `owned` allows: what somebody who holds `owned` would gain. Empty where there
 * is nothing to gain (component-helpers `auth/rbac/validation` `Covers`).
 */
export const uncovered = (owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] =>
  wanted.flatMap(pieces).filter((piece) => !owned.some((rule) => covers(rule, piece)));

const quotedList = (name: string, values: readonly string[] | undefined): readonly string[] =>
  values === undefined || values.length === 0 ? [] : [`${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`];

/** A rule as upstream prints it in refusals: `{APIGroups:[""] Resources:["pods"] Verbs:["get"]}`. */
export const printedRule = ({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string =>
  `{${[
    ...quotedList('APIGroups', apiGroups),
    ...quotedList('Resources', resources),
    ...quotedList('ResourceNames', resourceNames),
    ...quotedList('NonResourceURLs', nonResourceURLs),
    ...quotedList('Verbs', verbs),
  ].join(', ')}}`;

/** Rules that differ in their verbs alone, put together, in a stable order (validation `CompactRules`). */
export function compacted(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const byRest = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    const key = JSON.stringify(rest);
    const known = byRest.get(key);
    byRest.set(key, known ? { ...known, verbs: [...known.verbs, ...verbs.filter((verb) => !known.verbs.includes(verb))] } : rule);
  }
  return [...byRest.values()];
}
