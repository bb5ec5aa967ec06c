import { NODES, type Node } from '#libs/api';
import { isAbout } from './about.js';
import type { MutatingPlugin } from './plugin.js';

const NOT_READY = 'node.kubernetes.io/not-ready';

function tainted(node: Node): Node {
  const taints = node.spec?.taints ?? [];
  if (taints.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule')) return node;
  return { ...node, spec: { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] } };
}

/** TaintNodesByCondition: a new node takes no pods until the node lifecycle controller has seen it ready. */
export const taintNodesByCondition: MutatingPlugin = {
  name: 'TaintNodesByCondition',
  operations: ['CREATE'],
  mutate: (object, attributes, given) => (isAbout(given, attributes, NODES) ? tainted(object as Node) : object),
};
