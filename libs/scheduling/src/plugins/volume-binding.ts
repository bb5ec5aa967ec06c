import { meetsNodeTerm } from '#libs/api';
import type { FilterPlugin } from './plugin.js';

/** A pod goes where its volumes are. */
export const volumeBinding: FilterPlugin = {
  name: 'VolumeBinding',
  prepare({ volumes }) {
    const affinities = volumes?.affinities ?? [];
    if (affinities.length === 0) return () => undefined;
    const unfit = { reasons: ["node(s) didn't match PersistentVolume's node affinity"], resolvable: false };
    return ({ node }) => (affinities.every((terms) => terms.some((term) => meetsNodeTerm(term, node))) ? undefined : unfit);
  },
};
