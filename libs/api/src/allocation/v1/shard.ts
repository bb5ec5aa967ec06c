import type { ResourceDefinition } from '../../definition.js';
import { SHARDS_OF_WORK } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

/**
 * A shard of a service's work, e.g. `replication-07`: written whenever it changes hands, so that its subject is the fence that every
 * append of its holder guards. Ours, stored and not served: no verbs, and discovery leaves it out.
 */
export const shardsOfWork: ResourceDefinition = {
  resource: SHARDS_OF_WORK,
  kind: 'Shard',
  listKind: 'ShardList',
  singular: 'shard',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  verbs: [],
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy({}),
  columns: [],
};
