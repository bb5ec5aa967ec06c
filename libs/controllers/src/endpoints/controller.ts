import { ENDPOINTS, SERVICES, type Endpoints, type Service } from '#libs/api';
import type { Controller } from '#libs/apimachinery';
import { hasPods, selectedPods, selectingServices } from '../service-pods.js';
import { ownKey, splitKey } from '../watching.js';
import { reconcileEndpoints, type EndpointsSnapshot } from './reconcile.js';

/** Keeps Endpoints for Services with selectors: kube-controller-manager's `endpoints`. */
export const endpointsController: Controller<EndpointsSnapshot> = {
  name: 'endpoint-controller',
  actor: 'system:serviceaccount:kube-system:endpoint-controller',
  watches: [ownKey(SERVICES), selectingServices, ownKey(ENDPOINTS)],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const service = lister.get(SERVICES, namespace, name) as Service | undefined;
    const endpoints = lister.get(ENDPOINTS, namespace, name) as Endpoints | undefined;
    if (!service) return endpoints ? { service, pods: [], endpoints } : undefined;
    return hasPods(service) ? { service, pods: selectedPods(service, lister), endpoints } : undefined;
  },
  reconcile: reconcileEndpoints,
};
