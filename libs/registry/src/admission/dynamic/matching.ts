import { isServed, NAMESPACES, type Catalog, type LabelSelector as SelectorSpec, type ResourceDefinition } from '#libs/api';
import {
  apiVersionOf,
  labelSelectorOf,
  notFound,
  type GroupVersionKind,
  type GroupVersionResource,
  type KubeObject,
  type LabelSelector,
} from '#libs/apimachinery';
import { convertedTo, storedResource, type Case } from '../../case.js';
import type { Attributes } from '../plugin.js';

/** A rule of a webhook or a policy. */
export interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

/** Selects requests: what webhooks, policies and bindings have in common. */
export interface Matcher {
  readonly rules: readonly Rule[];
  readonly excluded: readonly Rule[];
  readonly equivalent: boolean;
  readonly namespaces: LabelSelector;
  readonly objects: LabelSelector;
}

/** The form in which a request was matched: its own, or that of an equivalent resource. */
export interface Matched {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
  readonly convert: (object: KubeObject | undefined) => KubeObject | undefined;
  /** Back into the form of the request. */
  readonly back: (object: KubeObject) => KubeObject;
}

/** What configures admission is never admitted by it: nobody locks himself out. */
const EXEMPT = new Set([
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

export const isExempt = ({ resource: { group, resource } }: ResourceDefinition): boolean =>
  group === 'admissionregistration.k8s.io' && EXEMPT.has(resource);

export const matcherOf = (spec: {
  readonly rules: readonly Rule[];
  readonly excluded?: readonly Rule[];
  readonly matchPolicy: string | undefined;
  readonly namespaceSelector: SelectorSpec | undefined;
  readonly objectSelector: SelectorSpec | undefined;
}): Matcher => ({
  rules: spec.rules,
  excluded: spec.excluded ?? [],
  equivalent: spec.matchPolicy !== 'Exact',
  namespaces: labelSelectorOf(spec.namespaceSelector ?? {}),
  objects: labelSelectorOf(spec.objectSelector ?? {}),
});

const isNamespaces = ({ group, resource }: GroupVersionResource): boolean => group === '' && resource === NAMESPACES.resource;

/** The namespace that a request is said to be in: that of a Namespace is itself. */
export const requestNamespace = ({ definition }: Case, { namespace, name, object }: Attributes): string =>
  isNamespaces(definition.resource) ? name || (object?.metadata.name ?? '') : namespace;

const has = (list: readonly string[] | undefined, word: string): boolean => list?.includes('*') === true || list?.includes(word) === true;

function hasScope(scope: string | undefined, resource: GroupVersionResource, namespace: string): boolean {
  if (scope === undefined || scope === '*') return true;
  const cluster = namespace === '' || isNamespaces(resource);
  return scope === 'Cluster' ? cluster : !cluster;
}

function hasResource(list: readonly string[] | undefined, resource: string, subresource: string): boolean {
  return (list ?? []).some((text) => {
    const [name = '', sub = ''] = text.split('/');
    return (name === '*' || name === resource) && (sub === '*' || sub === subresource);
  });
}

function ruleMatches(rule: Rule, resource: GroupVersionResource, attributes: Attributes, namespace: string): boolean {
  if (!has(rule.operations, attributes.operation) || !has(rule.apiGroups, resource.group) || !has(rule.apiVersions, resource.version))
    return false;
  const { resourceNames = [] } = rule;
  if (resourceNames.length > 0 && !resourceNames.includes(attributes.name)) return false;
  return hasScope(rule.scope, resource, namespace) && hasResource(rule.resources, resource.resource, attributes.subresource);
}

const same = (object: KubeObject | undefined): KubeObject | undefined => object;

function requestKind({ definition }: Case, { object, old }: Attributes): GroupVersionKind {
  const [apiVersion = '', kind = ''] = [(object ?? old)?.apiVersion, (object ?? old)?.kind];
  if (kind === '') return { group: definition.resource.group, version: definition.resource.version, kind: definition.kind };
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}

/** The request in its own form. */
export const ownForm = (given: Case, attributes: Attributes): Matched => ({
  resource: given.definition.resource,
  kind: requestKind(given, attributes),
  convert: same,
  back: (object) => object,
});

const equivalents = new WeakMap<Catalog, Map<ResourceDefinition, readonly ResourceDefinition[]>>();

/** Other resources that serve the same objects: in another group, or in another version. */
function equivalentsOf({ definition, read: { catalog } }: Case): readonly ResourceDefinition[] {
  const all = equivalents.get(catalog) ?? new Map<ResourceDefinition, readonly ResourceDefinition[]>();
  equivalents.set(catalog, all);
  const known = all.get(definition);
  if (known) return known;
  const { group, resource } = storedResource(definition);
  const found = catalog.definitions.filter((other) => {
    const stored = storedResource(other);
    return other !== definition && stored.group === group && stored.resource === resource && isServed(other);
  });
  all.set(definition, found);
  return found;
}

/** An object of one resource in the form of another: by the webhook of a custom resource, or by way of how it is stored. */
function reshaped(given: Case, from: ResourceDefinition, to: ResourceDefinition, object: KubeObject): KubeObject {
  const webhook = from.storage?.webhook ?? to.storage?.webhook;
  if (webhook) return convertedTo(apiVersionOf(to.resource), object, webhook, given);
  const stored = from.storage?.toStored(object) ?? object;
  return to.storage?.fromStored(stored) ?? stored;
}

const converted = (given: Case, to: ResourceDefinition): Matched => ({
  resource: to.resource,
  kind: { group: to.resource.group, version: to.resource.version, kind: to.kind },
  convert: (object) => object && reshaped(given, given.definition, to, object),
  back: (object) => reshaped(given, to, given.definition, object),
});

function matchForm(given: Case, attributes: Attributes, rules: readonly Rule[], equivalent: boolean): Matched | undefined {
  const namespace = requestNamespace(given, attributes);
  const { definition } = given;
  if (rules.some((rule) => ruleMatches(rule, definition.resource, attributes, namespace))) return ownForm(given, attributes);
  if (!equivalent) return undefined;
  for (const rule of rules) {
    const other = equivalentsOf(given).find(({ resource }) => ruleMatches(rule, resource, attributes, namespace));
    if (other) return converted(given, other);
  }
  return undefined;
}

const labelsOf = (object: KubeObject | undefined): Readonly<Record<string, string>> => object?.metadata.labels ?? {};

function inNamespaces(given: Case, attributes: Attributes, selector: LabelSelector): boolean {
  if (selector.requirements.length === 0) return true;
  if (isNamespaces(given.definition.resource)) return selector.matches(labelsOf(attributes.object ?? attributes.old));
  if (attributes.namespace === '') return true;
  const found = given.read.object(NAMESPACES, '', attributes.namespace)?.object;
  if (!found) throw notFound(NAMESPACES, attributes.namespace);
  return selector.matches(labelsOf(found));
}

function hasLabels({ object, old }: Attributes, selector: LabelSelector): boolean {
  if (selector.requirements.length === 0) return true;
  return (object !== undefined && selector.matches(labelsOf(object))) || (old !== undefined && selector.matches(labelsOf(old)));
}

/** The form in which a request is matched; undefined where it is not. `anything`: no rules match all requests, as in bindings. */
export function match(given: Case, attributes: Attributes, matcher: Matcher, anything = false): Matched | undefined {
  const { rules, excluded, equivalent } = matcher;
  const form = anything && rules.length === 0 ? ownForm(given, attributes) : matchForm(given, attributes, rules, equivalent);
  if (!form || (excluded.length > 0 && matchForm(given, attributes, excluded, equivalent))) return undefined;
  return inNamespaces(given, attributes, matcher.namespaces) && hasLabels(attributes, matcher.objects) ? form : undefined;
}
