import type { KubeObject } from '#libs/apimachinery';
import type { ResourceDefinition } from '../../definition.js';
import { NODECLAIMS } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';

/** What of a node is spoken for, named like the node: it moves with every pod that comes to it. */
export interface NodeClaim extends KubeObject {
  readonly spec: {
    /** How many pods have come so far. */
    readonly pods: number;
  };
}

/**
 * Written with whatever brings a pod to a node, and deleted with the node: who places a pod says which claim of its node it has counted
 * on, so that no two fill the same room. Ours, stored and not served: no verbs, and discovery leaves it out.
 */
export const nodeclaims: ResourceDefinition<NodeClaim> = {
  resource: NODECLAIMS,
  kind: 'NodeClaim',
  listKind: 'NodeClaimList',
  singular: 'nodeclaim',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  verbs: [],
  model: 'io.k8s.api.networking.v1.IPAddress',
  stream: 'state',
  subresources: [],
  fields: {},
  strategy: standardStrategy<NodeClaim>({}),
  columns: [],
};
