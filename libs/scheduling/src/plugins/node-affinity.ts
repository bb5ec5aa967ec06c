import { meetsNodeTerm, selectsNode, type PodSpec } from '#libs/api';
import type { FilterPlugin, ScorePlugin } from './plugin.js';

const EMPTY: PodSpec = { containers: [] };

/** `spec.nodeSelector`, and the required part of the node affinity: one of its terms has to hold. */
export const nodeAffinityFilter: FilterPlugin = {
  name: 'NodeAffinity',
  prepare({ pod: { spec } }) {
    const wanted = spec ?? EMPTY;
    const required = wanted.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (wanted.nodeSelector === undefined && required === undefined) return () => undefined;
    const unfit = { reasons: ["node(s) didn't match Pod's node affinity/selector"], resolvable: false };
    return ({ node }) => (selectsNode(wanted, node) ? undefined : unfit);
  },
};

/** The preferred terms: their weights are added up. */
export const nodeAffinityScore: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  normalize: 'straight',
  prepare({ pod: { spec } }) {
    const preferred = spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return ({ node }) => preferred.reduce((sum, { weight, preference }) => sum + (meetsNodeTerm(preference, node) ? weight : 0), 0);
  },
};
