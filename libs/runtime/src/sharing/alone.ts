import type { Share } from './share.js';

/** The whole of a service's work, where one process does it: nothing is guarded, and nothing comes or goes. */
export const WHOLE: Share = {
  shards: 1,
  owns: () => true,
  guardsOf: () => [],
  subscribe: () => () => undefined,
};
