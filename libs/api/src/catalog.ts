import { apiVersionOf, type GroupVersionResource } from '#libs/apimachinery';
import type { ResourceDefinition } from './definition.js';

/** The kinds that are served at one moment: the built-in ones, and those that custom resources add. */
export interface Catalog {
  readonly definitions: readonly ResourceDefinition[];
  /** The definition of a resource; undefined where there is none. */
  definitionOf(resource: GroupVersionResource): ResourceDefinition | undefined;
  /** The definition of what a manifest names; undefined where there is none. */
  definitionByKind(apiVersion: string, kind: string): ResourceDefinition | undefined;
}

/** A catalog that changes as custom resource definitions come and go. */
export interface CatalogSource {
  readonly current: Catalog;
  /** Called synchronously after each change; returns how to stop. */
  subscribe(listener: (next: Catalog) => void): () => void;
}

/** A catalog of just these definitions. */
export function catalogOf(definitions: readonly ResourceDefinition[]): Catalog {
  const byResource = new Map(definitions.map((one) => [`${apiVersionOf(one.resource)}/${one.resource.resource}`, one]));
  const byKind = new Map(definitions.map((one) => [`${apiVersionOf(one.resource)}/${one.kind}`, one]));
  return {
    definitions,
    definitionOf: (resource) => byResource.get(`${apiVersionOf(resource)}/${resource.resource}`),
    definitionByKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
  };
}

/** A source whose catalog never changes. */
export const fixedCatalog = (current: Catalog): CatalogSource => ({ current, subscribe: () => () => undefined });
