import { LEASES, NODES, PODS, type Lease, type Node, type Pod } from '#libs/api';
import type { Controller, WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { ownKey } from '../watching.js';
import { reconcileNode, type NodeSnapshot } from './reconcile.js';

/** Where nodes keep their leases. */
export const NODE_LEASES = 'kube-node-lease';

/** A lease that comes or goes wakes its node. A renewal does not: the node is looked at when its time is up, and then has more. */
const nodeLeases: WatchRule = {
  resource: LEASES,
  keys(next, old) {
    const { namespace, name = '' } = (next ?? old)?.metadata ?? {};
    return namespace === NODE_LEASES && !(next && old) ? [name] : [];
  },
};

/** kube-controller-manager's `node-lifecycle`, but for eviction. A key is a node. */
export const nodeLifecycleController: Controller<NodeSnapshot> = {
  name: 'node-lifecycle-controller',
  actor: 'system:serviceaccount:kube-system:node-controller',
  watches: [ownKey(NODES), nodeLeases],
  snapshot(name, lister) {
    const node = lister.get(NODES, undefined, name) as Node | undefined;
    if (!node) return undefined;
    return {
      node,
      lease: lister.get(LEASES, NODE_LEASES, name) as Lease | undefined,
      pods: () => (lister.list(PODS) as readonly Pod[]).filter(({ spec }) => spec?.nodeName === name).sort(byName),
    };
  },
  reconcile: reconcileNode,
};
