import type { IPAddress } from '../../generated/types.js';
import { NODEPORTS } from '../../resources.js';
import { internalDefinition } from '../internal.js';

/**
 * A node port that a Service holds, e.g. `tcp-30080`: written and deleted with the Service, so that no two hold
 * the same. It has the shape of an IPAddress, its parent being the Service.
 */
export const nodeports = internalDefinition<IPAddress>(NODEPORTS, 'NodePort');
