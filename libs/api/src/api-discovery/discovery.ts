import { apiVersionOf, sha256, base64OfBytes } from '#libs/apimachinery';
import type { ResourceDefinition, SubresourceDefinition } from '../definition.js';
import type { GroupVersionForDiscovery } from '../generated/types.js';
import { groupsOf, resourcesOf, type GroupVersion, type PlacedGroupVersion } from './group-version.js';

/** metav1.APIGroup, as `/apis/<group>` answers; within a list, without kind and apiVersion. */
export interface ApiGroup {
  readonly kind?: 'APIGroup';
  readonly apiVersion?: 'v1';
  readonly name: string;
  readonly versions: readonly GroupVersionForDiscovery[];
  readonly preferredVersion: GroupVersionForDiscovery;
}

/** metav1.APIResource. */
export interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

/** metav1.APIResourceList, as `/api/v1` and `/apis/<group>/<version>` answer. */
export interface ApiResourceList {
  readonly kind: 'APIResourceList';
  readonly apiVersion: 'v1';
  readonly groupVersion: string;
  readonly resources: readonly ApiResource[];
}

/** metav1.APIVersions, as `/api` answers. `serverAddress`: `host:port` at which clients reach the server. */
export const apiVersions = (serverAddress: string) => ({
  kind: 'APIVersions' as const,
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

function groupMembers(name: string, versions: readonly string[]): ApiGroup {
  const all = versions.map((version) => ({ groupVersion: apiVersionOf({ group: name, version }), version }));
  const [preferredVersion = { groupVersion: name, version: '' }] = all;
  return { name, versions: all, preferredVersion };
}

/** metav1.APIGroupList, as `/apis` answers: every group but the core one. */
export const apiGroupList = (definitions: readonly ResourceDefinition[], others: readonly PlacedGroupVersion[] = []) => ({
  kind: 'APIGroupList' as const,
  apiVersion: 'v1' as const,
  groups: groupsOf(definitions, others)
    .filter(([group]) => group !== '')
    .map(([group, versions]) => groupMembers(group, versions)),
});

/** metav1.APIGroup, as `/apis/<group>` answers; undefined for a group that is not served. */
export function apiGroup(
  group: string,
  definitions: readonly ResourceDefinition[],
  others: readonly PlacedGroupVersion[] = [],
): ApiGroup | undefined {
  const versions = group === '' ? undefined : groupsOf(definitions, others).find(([name]) => name === group)?.[1];
  return versions && { kind: 'APIGroup', apiVersion: 'v1', ...groupMembers(group, versions) };
}

/** Tells clients whether two resources are stored as the same kind and version; upstream's formula. */
export function storageVersionHash(definition: ResourceDefinition): string {
  const { group, version } = definition.storage?.resource ?? definition.resource;
  return base64OfBytes(sha256(new TextEncoder().encode(`${group}/${version}/${definition.kind}`)).subarray(0, 8));
}

function apiResource(definition: ResourceDefinition): ApiResource {
  const { resource, singular, kind, scope, verbs, shortNames, categories } = definition;
  return {
    name: resource.resource,
    singularName: singular,
    namespaced: scope === 'Namespaced',
    kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    storageVersionHash: storageVersionHash(definition),
  };
}

const subresource = (
  { resource, scope }: ResourceDefinition,
  { name, kind, group, version, verbs }: SubresourceDefinition,
): ApiResource => ({
  name: `${resource.resource}/${name}`,
  singularName: '',
  namespaced: scope === 'Namespaced',
  ...(group === undefined ? {} : { group }),
  ...(version === undefined ? {} : { version }),
  kind,
  verbs,
});

const byName = <T extends { readonly name: string }>(list: readonly T[]): readonly T[] =>
  [...list].sort((a, b) => (a.name < b.name ? -1 : 1));

/** metav1.APIResourceList of one group and version, subresources included; undefined where nothing is served. */
export function apiResourceList(groupVersion: GroupVersion, definitions: readonly ResourceDefinition[]): ApiResourceList | undefined {
  const served = resourcesOf(groupVersion, definitions);
  if (served.length === 0) return undefined;
  const resources = served.flatMap((definition) => [
    apiResource(definition),
    ...byName(definition.subresources).map((one) => subresource(definition, one)),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(groupVersion), resources };
}

function aggregatedResource(definition: ResourceDefinition) {
  const { resource, singular, kind, scope, verbs, shortNames, categories } = definition;
  const { group, version } = resource;
  const subresources = byName(definition.subresources).map((one) => ({
    subresource: one.name,
    responseKind: { group: one.group ?? group, version: one.version ?? version, kind: one.kind },
    verbs: one.verbs,
  }));
  return {
    resource: resource.resource,
    responseKind: { group, version, kind },
    scope,
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/** What another server answers for, and what it said of it when it was asked last. */
export interface AggregatedGroupVersion extends PlacedGroupVersion {
  readonly resources: readonly ApiResource[];
  /** Whether it still says so: false where it can't be asked. */
  readonly current: boolean;
}

/** Another server's resources in the aggregated form: subresources within what they belong to. */
function otherVersion({ group, version, resources, current }: AggregatedGroupVersion) {
  const kindOf = (one: ApiResource) => ({ group: one.group || group, version: one.version || version, kind: one.kind });
  const parts = resources.filter(({ name }) => name.includes('/'));
  const whole = resources.filter(({ name }) => !name.includes('/'));
  return {
    version,
    resources: whole.map((one) => {
      const subresources = parts
        .filter(({ name }) => name.startsWith(`${one.name}/`))
        .map((part) => ({ subresource: part.name.slice(one.name.length + 1), responseKind: kindOf(part), verbs: part.verbs }));
      return {
        resource: one.name,
        responseKind: kindOf(one),
        scope: one.namespaced ? ('Namespaced' as const) : ('Cluster' as const),
        singularResource: one.singularName,
        verbs: one.verbs,
        ...(one.shortNames ? { shortNames: one.shortNames } : {}),
        ...(one.categories ? { categories: one.categories } : {}),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    }),
    freshness: current ? ('Current' as const) : ('Stale' as const),
  };
}

/**
 * apidiscovery.k8s.io/v2 APIGroupDiscoveryList: everything a client wants to know in one answer. `/api` lists the core
 * group, `/apis` all others.
 */
export const apiGroupDiscoveryList = (
  root: '/api' | '/apis',
  definitions: readonly ResourceDefinition[],
  others: readonly AggregatedGroupVersion[] = [],
) => ({
  kind: 'APIGroupDiscoveryList' as const,
  apiVersion: 'apidiscovery.k8s.io/v2' as const,
  metadata: {},
  items: groupsOf(definitions, others)
    .filter(([group]) => (group === '') === (root === '/api'))
    .map(([group, versions]) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((version) => {
        const other = others.find((one) => one.group === group && one.version === version);
        if (other !== undefined) return otherVersion(other);
        const resources = resourcesOf({ group, version }, definitions).map(aggregatedResource);
        return { version, resources, freshness: 'Current' as const };
      }),
    })),
});
