import type { ResourceDefinition } from '../../definition.js';
import type { IPAddress } from '../../generated/types.js';
import { NODEPORTS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

/**
 * A node port that a Service holds, e.g. `tcp-30080`: written and deleted with the Service, so that no two hold
 * the same. It has the shape of an IPAddress, its parent being the Service. Ours, stored and not served: no
 * verbs, and discovery leaves it out.
 */
export const nodeports: ResourceDefinition<IPAddress> = {
  resource: NODEPORTS,
  kind: 'NodePort',
  listKind: 'NodePortList',
  singular: 'nodeport',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  verbs: [],
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<IPAddress>({}),
  columns: [],
};
