import { apiVersionOf, qualifiedResource, type GroupVersionResource } from '#libs/apimachinery';
import type { ResourceDefinition } from './definition.js';

/** The kinds that are served at one moment: the built-in ones, and those that custom resources add. */
export interface Catalog {
  readonly definitions: readonly ResourceDefinition[];
  /** The definitions whose objects are stored as they are: of resources that several versions or groups serve, one. */
  readonly stored: readonly ResourceDefinition[];
  /** The definition of a resource; undefined where there is none. */
  definitionOf(resource: GroupVersionResource): ResourceDefinition | undefined;
  /** The definition of what a manifest names; undefined where there is none. */
  definitionByKind(apiVersion: string, kind: string): ResourceDefinition | undefined;
  /** The definition by which a resource's objects are stored, whatever version was asked for. */
  storedDefinitionOf(place: Pick<GroupVersionResource, 'group' | 'resource'>): ResourceDefinition | undefined;
}

/** A catalog that changes as custom resource definitions come and go. */
export interface CatalogSource {
  readonly current: Catalog;
  /** Called synchronously after each change; returns how to stop. */
  subscribe(listener: (next: Catalog) => void): () => void;
}

const isStored = ({ resource, storage }: ResourceDefinition): boolean =>
  storage === undefined ||
  (storage.resource.group === resource.group &&
    storage.resource.version === resource.version &&
    storage.resource.resource === resource.resource);

/** A catalog of just these definitions. */
export function catalogOf(definitions: readonly ResourceDefinition[]): Catalog {
  const byResource = new Map(definitions.map((one) => [`${apiVersionOf(one.resource)}/${one.resource.resource}`, one]));
  const byKind = new Map(definitions.map((one) => [`${apiVersionOf(one.resource)}/${one.kind}`, one]));
  const stored = definitions.filter(isStored);
  const byPlace = new Map(stored.map((one) => [qualifiedResource(one.resource), one]));
  return {
    definitions,
    stored,
    definitionOf: (resource) => byResource.get(`${apiVersionOf(resource)}/${resource.resource}`),
    definitionByKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    storedDefinitionOf: (place) => byPlace.get(qualifiedResource(place)),
  };
}

/** What is served of the definitions: one without verbs is stored only. */
export const isServed = ({ verbs, served }: ResourceDefinition): boolean => verbs.length > 0 && served !== false;
