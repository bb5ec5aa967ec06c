import { SHARDS_OF_WORK } from '../../resources.js';
import { internalDefinition } from '../internal.js';

/**
 * A shard of a service's work, e.g. `replication-07`: written whenever it changes hands, so that its subject is the fence that every
 * append of its holder guards.
 */
export const shardsOfWork = internalDefinition(SHARDS_OF_WORK, 'Shard');
