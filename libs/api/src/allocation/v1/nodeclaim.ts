import type { KubeObject } from '#libs/apimachinery';
import { NODECLAIMS } from '../../resources.js';
import { internalDefinition } from '../internal.js';

/** What of a node is spoken for, named like the node: it moves with every pod that comes to it. */
export interface NodeClaim extends KubeObject {
  readonly spec: {
    /** How many pods have come so far. */
    readonly pods: number;
  };
}

/**
 * Written with whatever brings a pod to a node, and deleted with the node: who places a pod says which claim of its node it has counted
 * on, so that no two fill the same room.
 */
export const nodeclaims = internalDefinition<NodeClaim>(NODECLAIMS, 'NodeClaim');
