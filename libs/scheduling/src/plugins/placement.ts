import type { FilterPlugin, ScorePlugin } from './plugin.js';

/** A pod that names its node goes there or nowhere. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  prepare({ pod }) {
    const wanted = pod.spec?.nodeName ?? '';
    const unfit = { reasons: ["node(s) didn't match the requested node name"], resolvable: false };
    return ({ name }) => (wanted === '' || wanted === name ? undefined : unfit);
  },
};

const ANY = '0.0.0.0';

/** Whether two bindings of host ports collide: an address of all hosts collides with every one. */
function collides(a: string, b: string): boolean {
  const [protocol, ip, port] = a.split('/');
  const [otherProtocol, otherIp, otherPort] = b.split('/');
  return protocol === otherProtocol && port === otherPort && (ip === otherIp || ip === ANY || otherIp === ANY);
}

/** Host ports have to be free. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  prepare({ ports }) {
    const unfit = { reasons: ["node(s) didn't have free ports for the requested pod ports"], resolvable: true };
    if (ports.length === 0) return () => undefined;
    return ({ use }) => ([...use.ports.keys()].some((used) => ports.some((port) => collides(used, port))) ? unfit : undefined);
  },
};

/** Pods of one controller are to be spread over the nodes: the fewer a node has of them, the better. */
export const spreading: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  normalize: 'reverse',
  prepare({ group }) {
    return group === undefined ? undefined : ({ use }) => use.groups.get(group) ?? 0;
  },
};
