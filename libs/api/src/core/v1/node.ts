import { within } from '../../defaulting.js';
import type { ResourceDefinition } from '../../definition.js';
import type { Node, NodeSpec, NodeStatus } from '../../generated/types.js';
import { NODES } from '../../resources.js';
import { standardStrategy } from '../../strategy.js';
import { ALL_VERBS, proxyOf, statusOf } from '../../verbs.js';
import { NODE_COLUMNS } from './node-columns.js';
import { validateNode, validateNodeUpdate } from './node-validation.js';
import { roundedList } from './resource-list.js';

function statusDefaults(sent: NodeStatus): NodeStatus {
  const status = within(within(sent, 'capacity', roundedList), 'allocatable', roundedList);
  return status.allocatable === undefined && status.capacity !== undefined ? { ...status, allocatable: status.capacity } : status;
}

/** podCIDR is the first of podCIDRs; where both are sent and differ, the single one counts. */
function sameRanges(spec: NodeSpec): NodeSpec {
  const first = spec.podCIDRs?.[0];
  const { podCIDR = first } = spec;
  if (podCIDR === undefined || (spec.podCIDR === podCIDR && first === podCIDR)) return spec;
  return { ...spec, podCIDR, podCIDRs: first === podCIDR && spec.podCIDRs ? spec.podCIDRs : [podCIDR] };
}

export const nodes: ResourceDefinition<Node> = {
  resource: NODES,
  kind: 'Node',
  listKind: 'NodeList',
  singular: 'node',
  shortNames: ['no'],
  categories: [],
  scope: 'Cluster',
  verbs: ALL_VERBS,
  model: 'io.k8s.api.core.v1.Node',
  stream: 'state',
  subresources: [proxyOf('Node'), statusOf('Node')],
  fields: { 'spec.unschedulable': ({ spec }) => `${spec?.unschedulable ?? false}` },
  strategy: standardStrategy<Node>({
    defaults: (node) => within(within(node, 'spec', sameRanges), 'status', statusDefaults),
    prepareForCreate: (node) => node,
    validate: validateNode,
    validateUpdate: validateNodeUpdate,
    validateStatusUpdate: validateNodeUpdate,
  }),
  columns: NODE_COLUMNS,
};
