import { ENDPOINTSLICES, NODES, SERVICES, SERVICE_NAME_LABEL, type EndpointSlice, type Node, type Service } from '#libs/api';
import { objectKey, keyOf, type Controller, type WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { hasPods, selectedPods, selectingServices } from '../service-pods.js';
import { ownKey, splitKey } from '../watching.js';
import { MANAGED_BY, MANAGER, reconcileEndpointSlices, type EndpointSliceSnapshot } from './reconcile.js';

/** A slice of this controller wakes its Service: whoever changes one by hand finds it put right. */
const ownSlices: WatchRule = {
  resource: ENDPOINTSLICES,
  keys(next, old) {
    const { labels, namespace } = (next ?? old)?.metadata ?? {};
    const service = labels?.[SERVICE_NAME_LABEL];
    return service !== undefined && labels?.[MANAGED_BY] === MANAGER ? [objectKey(namespace, service)] : [];
  },
};

/** A node that comes, goes or changes zone wakes the Services: their endpoints say where they are. */
const nodesMoved: WatchRule = {
  resource: NODES,
  keys(next, old, lister) {
    const zone = (node: typeof next): string => node?.metadata.labels?.['topology.kubernetes.io/zone'] ?? '';
    if (next && old && zone(next) === zone(old)) return [];
    return (lister.list(SERVICES) as readonly Service[]).filter(hasPods).map(keyOf);
  },
};

/** Keeps EndpointSlices for Services with selectors: kube-controller-manager's `endpointslice`. */
export const endpointSliceController: Controller<EndpointSliceSnapshot> = {
  name: 'endpointslice-controller',
  actor: 'system:serviceaccount:kube-system:endpointslice-controller',
  watches: [ownKey(SERVICES), selectingServices, ownSlices, nodesMoved],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const service = lister.get(SERVICES, namespace, name) as Service | undefined;
    if (!service || !hasPods(service)) return undefined;
    const pods = selectedPods(service, lister);
    const nodes = new Map<string, Node>();
    for (const nodeName of new Set(pods.map(({ spec }) => spec?.nodeName))) {
      const node = nodeName === undefined ? undefined : (lister.get(NODES, undefined, nodeName) as Node | undefined);
      if (nodeName !== undefined && node) nodes.set(nodeName, node);
    }
    const slices = (lister.list(ENDPOINTSLICES, namespace) as readonly EndpointSlice[])
      .filter(({ metadata: { labels } }) => labels?.[SERVICE_NAME_LABEL] === name && labels[MANAGED_BY] === MANAGER)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort(byName);
    return { service, pods, slices, nodes };
  },
  reconcile: reconcileEndpointSlices,
};
