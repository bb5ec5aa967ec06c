import { ENDPOINTS, ENDPOINTSLICES, SERVICES, type Endpoints, type EndpointSlice, type Service, SERVICE_NAME_LABEL } from '#libs/api';
import { objectKey, type Controller, type WatchRule } from '#libs/apimachinery';
import { MANAGED_BY } from '../endpointslice/reconcile.js';
import { byName } from '../ordering.js';
import { ownKey, splitKey } from '../watching.js';
import { MIRRORING, reconcileMirroring, type MirroringSnapshot } from './reconcile.js';

/** Endpoints that a controller keeps belong to a Service with a selector: they are written often, and never mirrored. */
const writtenEndpoints: WatchRule = {
  resource: ENDPOINTS,
  keys(next, old, lister) {
    const both = [next, old].filter((one) => one !== undefined);
    const managed = both.every(({ metadata }) => metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller');
    return managed ? [] : ownKey(ENDPOINTS).keys(next, old, lister);
  },
};

/** Whoever changes a slice of this controller by hand finds it put right. */
const ownSlices: WatchRule = {
  resource: ENDPOINTSLICES,
  keys(next, old) {
    const { labels, namespace } = (next ?? old)?.metadata ?? {};
    const name = labels?.[SERVICE_NAME_LABEL];
    return name !== undefined && labels?.[MANAGED_BY] === MIRRORING ? [objectKey(namespace, name)] : [];
  },
};

/** A Service that comes, goes, or gets or loses its selector. */
const servicesTurned: WatchRule = {
  resource: SERVICES,
  keys(next, old, lister) {
    const isOurs = (service: typeof next): boolean => service !== undefined && (service as Service).spec?.selector === undefined;
    return isOurs(next) === isOurs(old) ? [] : ownKey(SERVICES).keys(next, old, lister);
  },
};

/** Mirrors the Endpoints of Services without selectors: kube-controller-manager's `endpointslicemirroring`. */
export const endpointSliceMirroringController: Controller<MirroringSnapshot> = {
  name: 'endpointslicemirroring-controller',
  actor: 'system:serviceaccount:kube-system:endpointslicemirroring-controller',
  watches: [writtenEndpoints, servicesTurned, ownSlices],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const slices = (lister.list(ENDPOINTSLICES, namespace) as readonly EndpointSlice[])
      .filter(({ metadata: { labels } }) => labels?.[SERVICE_NAME_LABEL] === name && labels[MANAGED_BY] === MIRRORING)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort(byName);
    const endpoints = lister.get(ENDPOINTS, namespace, name) as Endpoints | undefined;
    if (!endpoints && slices.length === 0) return undefined;
    return { service: lister.get(SERVICES, namespace, name) as Service | undefined, endpoints, slices };
  },
  reconcile: reconcileMirroring,
};
