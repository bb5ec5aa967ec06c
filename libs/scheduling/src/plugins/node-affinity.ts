import type { NodeSelectorRequirement, NodeSelectorTerm } from '#libs/api';
import type { NodeInfo } from '../node-info.js';
import type { FilterPlugin, ScorePlugin } from './plugin.js';

const INTEGER = /^[+-]?\d+$/;

/** One requirement of a node selector: label selectors' operators, and Gt and Lt for integers. */
function meets({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const [bound = ''] = values;
      if (value === undefined || !INTEGER.test(value) || !INTEGER.test(bound)) return false;
      return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
    }
    default:
      return false;
  }
}

/** A term holds where all its requirements do; an empty one never does. */
function holds({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { name, node }: NodeInfo): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(requirement, node.metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && meets(requirement, name))
  );
}

/** `spec.nodeSelector`, and the required part of the node affinity: one of its terms has to hold. */
export const nodeAffinityFilter: FilterPlugin = {
  name: 'NodeAffinity',
  prepare({ pod: { spec } }) {
    const labels = Object.entries(spec?.nodeSelector ?? {});
    const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    if (labels.length === 0 && terms === undefined) return () => undefined;
    const unfit = { reasons: ["node(s) didn't match Pod's node affinity/selector"], resolvable: false };
    return (info) => {
      const selected = labels.every(([key, value]) => info.node.metadata.labels?.[key] === value);
      return selected && (terms === undefined || terms.some((term) => holds(term, info))) ? undefined : unfit;
    };
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
    return (info) => preferred.reduce((sum, { weight, preference }) => sum + (holds(preference, info) ? weight : 0), 0);
  },
};
