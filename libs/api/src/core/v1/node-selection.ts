import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../../generated/types.js';

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

/** Whether a node meets a term of a node selector: all its requirements hold; an empty term never does. */
export function meetsNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, { metadata }: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => meets(requirement, metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && meets(requirement, metadata.name))
  );
}

/** Whether a node is one that a pod asks for: by `nodeSelector`, and by the required part of its node affinity. */
export function selectsNode({ nodeSelector = {}, affinity }: PodSpec, node: Node): boolean {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const labelled = Object.entries(nodeSelector).every(([key, value]) => node.metadata.labels?.[key] === value);
  return labelled && (terms === undefined || terms.some((term) => meetsNodeTerm(term, node)));
}
