import type { Node } from '#libs/api';

const NOT_READY = 'node.kubernetes.io/not-ready';

/** TaintNodesByCondition: a new node takes no pods until the node lifecycle controller has seen it ready. */
export function admitNode(node: Node): Node {
  const taints = node.spec?.taints ?? [];
  if (taints.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule')) return node;
  return { ...node, spec: { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] } };
}
