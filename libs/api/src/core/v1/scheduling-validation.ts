import {
  dnsLabelNames,
  dnsSubdomainNames,
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  isValidLabelValue,
  required,
  validateLabelName,
  validateLabelSelector,
} from '#libs/apimachinery';
import type {
  Affinity,
  LabelSelector,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types.js';
import { judge, oneOfIfSet, present, unsupported, type Problems } from '../../problems.js';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** What a pod tolerates of nodes' taints. */
export function tolerations(into: Problems, path: string, list: readonly Toleration[] | undefined): void {
  for (const [index, { key = '', operator = '', value = '', effect = '', tolerationSeconds }] of (list ?? []).entries()) {
    const field = `${path}[${index}]`;
    if (key !== '') into.push(...validateLabelName(key, `${field}.key`));
    else if (operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      into.push(invalidValue(`${field}.operator`, operator, detail));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      into.push(invalidValue(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === '' || operator === 'Equal') {
      const messages = isValidLabelValue(value);
      if (messages.length > 0) into.push(invalidValue(`${field}.operator`, value, messages.join(';')));
    } else if (operator !== 'Exists') into.push(unsupported(`${field}.operator`, operator, ['Equal', 'Exists']));
    else if (value !== '') into.push(invalidValue(`${field}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    if (effect !== '' && !EFFECTS.includes(effect)) into.push(unsupported(`${field}.effect`, effect, EFFECTS));
  }
}

/** What keeps pods off a node; one of each key and effect. */
export function taints(into: Problems, path: string, list: readonly Taint[] | undefined): void {
  const seen = new Set<string>();
  for (const [index, taint] of (list ?? []).entries()) {
    const { key, value = '', effect } = taint;
    const field = `${path}[${index}]`;
    into.push(...validateLabelName(key, `${field}.key`));
    const messages = isValidLabelValue(value);
    if (messages.length > 0) into.push(invalidValue(`${field}.value`, value, messages.join(';')));
    if (effect === '') into.push(required(`${field}.effect`));
    else if (!EFFECTS.includes(effect)) into.push(unsupported(`${field}.effect`, effect, EFFECTS));
    if (seen.has(`${effect} ${key}`)) {
      const { message, ...rest } = duplicate(field, taint);
      into.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(`${effect} ${key}`);
  }
}

function expression(into: Problems, field: string, { key, operator, values = [] }: NodeSelectorRequirement, anyValue: boolean): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) into.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      into.push(forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1) into.push(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else into.push(invalidValue(`${field}.operator`, operator, 'not a valid selector operator'));
  into.push(...validateLabelName(key, `${field}.key`));
  if (anyValue) return;
  for (const [index, value] of values.entries()) judge(into, `${field}.values[${index}]`, value, isValidLabelValue);
}

function fieldExpression(into: Problems, field: string, { key, operator, values = [] }: NodeSelectorRequirement): void {
  if (operator !== 'In' && operator !== 'NotIn') into.push(invalidValue(`${field}.operator`, operator, 'not a valid selector operator'));
  else if (values.length !== 1) {
    into.push(required(`${field}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  }
  if (key !== 'metadata.name') into.push(invalidValue(`${field}.key`, key, 'not a valid field selector key'));
  else
    for (const [index, value] of values.entries())
      judge(into, `${field}.values[${index}]`, value, (name) => dnsSubdomainNames(name, false));
}

function term(into: Problems, field: string, { matchExpressions, matchFields }: NodeSelectorTerm, anyValue: boolean): void {
  for (const [index, one] of (matchExpressions ?? []).entries()) expression(into, `${field}.matchExpressions[${index}]`, one, anyValue);
  for (const [index, one] of (matchFields ?? []).entries()) fieldExpression(into, `${field}.matchFields[${index}]`, one);
}

function weight(into: Problems, field: string, value: number): void {
  if (value <= 0 || value > 100) into.push(invalidValue(`${field}.weight`, value, 'must be in the range 1-100'));
}

function labelKeys(into: Problems, field: string, keys: readonly string[] | undefined, selector: LabelSelector | undefined): void {
  if (!keys?.length) return;
  if (!selector) into.push(forbiddenField(field, 'must not be specified when labelSelector is not set'));
  else for (const [index, key] of keys.entries()) into.push(...validateLabelName(key, `${field}[${index}]`));
}

function podTerm(into: Problems, field: string, asked: PodAffinityTerm): void {
  into.push(...validateLabelSelector(asked.labelSelector, `${field}.labelSelector`));
  into.push(...validateLabelSelector(asked.namespaceSelector, `${field}.namespaceSelector`));
  for (const name of asked.namespaces ?? []) judge(into, `${field}.namespace`, name, (value) => dnsLabelNames(value, false));
  labelKeys(into, `${field}.matchLabelKeys`, asked.matchLabelKeys, asked.labelSelector);
  labelKeys(into, `${field}.mismatchLabelKeys`, asked.mismatchLabelKeys, asked.labelSelector);
  const seen = new Set(Object.keys(asked.labelSelector?.matchLabels ?? {}));
  for (const { key } of asked.labelSelector?.matchExpressions ?? []) {
    const index = asked.matchLabelKeys?.indexOf(key) ?? -1;
    if (index >= 0 && seen.has(key)) into.push(invalidValue(`${field}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
    seen.add(key);
  }
  for (const [index, key] of (asked.matchLabelKeys ?? []).entries()) {
    if (!asked.mismatchLabelKeys?.includes(key)) continue;
    into.push(invalidValue(`${field}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'));
  }
  present(into, `${field}.topologyKey`, asked.topologyKey, 'can not be empty');
  into.push(...validateLabelName(asked.topologyKey, `${field}.topologyKey`));
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

function podAffinity(into: Problems, field: string, asked: PodAffinity | undefined): void {
  for (const [index, one] of (asked?.[REQUIRED] ?? []).entries()) podTerm(into, `${field}.${REQUIRED}[${index}]`, one);
  for (const [index, one] of (asked?.[PREFERRED] ?? []).entries()) {
    weight(into, `${field}.${PREFERRED}[${index}]`, one.weight);
    podTerm(into, `${field}.${PREFERRED}[${index}].podAffinityTerm`, one.podAffinityTerm);
  }
}

/** Nodes that are asked for by their labels: at least one term, each of them right. */
export function nodeSelector(into: Problems, path: string, selector: NodeSelector): void {
  const nodeSelectorTerms = (selector.nodeSelectorTerms as NodeSelector['nodeSelectorTerms'] | null) ?? [];
  if (nodeSelectorTerms.length === 0) into.push(required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term'));
  for (const [index, one] of nodeSelectorTerms.entries()) term(into, `${path}.nodeSelectorTerms[${index}]`, one, false);
}

/** Which nodes, and which neighbours, a pod wants or avoids. */
export function affinity(into: Problems, path: string, asked: Affinity | undefined): void {
  if (!asked) return;
  const node = `${path}.nodeAffinity`;
  const selector = asked.nodeAffinity?.[REQUIRED];
  if (selector) nodeSelector(into, `${node}.${REQUIRED}`, selector);
  for (const [index, one] of (asked.nodeAffinity?.[PREFERRED] ?? []).entries()) {
    weight(into, `${node}.${PREFERRED}[${index}]`, one.weight);
    term(into, `${node}.${PREFERRED}[${index}].preference`, one.preference, true);
  }
  podAffinity(into, `${path}.podAffinity`, asked.podAffinity);
  podAffinity(into, `${path}.podAntiAffinity`, asked.podAntiAffinity);
}

function spreadKeys(into: Problems, field: string, { matchLabelKeys, labelSelector }: TopologySpreadConstraint): void {
  if (!matchLabelKeys?.length) return;
  if (!labelSelector) into.push(forbiddenField(field, 'must not be specified when labelSelector is not set'));
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  for (const [index, key] of matchLabelKeys.entries()) {
    into.push(...validateLabelName(key, `${field}[${index}]`));
    if (selected.has(key)) into.push(invalidValue(`${field}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'));
  }
}

/** How evenly pods are to be spread. */
export function spreadConstraints(into: Problems, path: string, list: readonly TopologySpreadConstraint[] | undefined): void {
  for (const [index, constraint] of (list ?? []).entries()) {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    const field = `${path}[${index}]`;
    if (maxSkew <= 0) into.push(invalidValue(`${field}.maxSkew`, maxSkew, 'must be greater than zero'));
    present(into, `${field}.topologyKey`, topologyKey, 'can not be empty');
    oneOfIfSet(into, `${field}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const again = list?.slice(index + 1).some((one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === whenUnsatisfiable);
    if (again) into.push(duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`));
    if (minDomains !== undefined) {
      if (minDomains <= 0) into.push(invalidValue(`${field}.minDomains`, minDomains, 'must be greater than zero'));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        into.push(invalidValue(`${field}.minDomains`, minDomains, detail));
      }
    }
    oneOfIfSet(into, `${field}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ['Honor', 'Ignore']);
    oneOfIfSet(into, `${field}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ['Honor', 'Ignore']);
    spreadKeys(into, `${field}.matchLabelKeys`, constraint);
    into.push(...validateLabelSelector(constraint.labelSelector, `${field}.labelSelector`));
  }
}

/** Gates that hold a pod back from the scheduler; each once. */
export function schedulingGates(into: Problems, path: string, gates: readonly { readonly name: string }[] | undefined): void {
  const seen = new Set<string>();
  for (const [index, { name }] of (gates ?? []).entries()) {
    judge(into, `${path}[${index}]`, name, isQualifiedName);
    if (seen.has(name)) into.push(duplicate(`${path}[${index}]`, name));
    seen.add(name);
  }
}
