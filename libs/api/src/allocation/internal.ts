import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import type { ResourceDefinition } from '../definition.js';
import { standardStrategy } from '../strategy.js';

/** A resource of our own, stored and not served: it has no verbs, and discovery leaves it out. The control plane alone writes it. */
export const internalDefinition = <T extends KubeObject>(resource: GroupVersionResource, kind: string): ResourceDefinition<T> => ({
  resource,
  kind,
  listKind: `${kind}List`,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  verbs: [],
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<T>({}),
  columns: [],
});
