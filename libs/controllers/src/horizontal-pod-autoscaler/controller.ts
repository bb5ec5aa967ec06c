import {
  DEPLOYMENTS,
  HORIZONTALPODAUTOSCALERS,
  REPLICASETS,
  REPLICATIONCONTROLLERS,
  STATEFULSETS,
  type HorizontalPodAutoscaler,
} from '#libs/api';
import { parseApiVersion, keyOf, type Controller, type GroupVersionResource, type WatchRule } from '#libs/apimachinery';
import { ownKey, splitKey } from '../watching.js';
import { reconcileAutoscaler, refuseAutoscaler, type AutoscalerSnapshot, type ScaleTarget } from './reconcile.js';

/** What can be scaled, by its kind. */
const SCALABLE: ReadonlyMap<string, GroupVersionResource> = new Map([
  ['apps/Deployment', DEPLOYMENTS],
  ['apps/ReplicaSet', REPLICASETS],
  ['apps/StatefulSet', STATEFULSETS],
  ['/ReplicationController', REPLICATIONCONTROLLERS],
]);

const reference = ({ spec }: HorizontalPodAutoscaler): { readonly group: string; readonly kind: string; readonly name: string } => {
  const { apiVersion = '', kind = '', name = '' } = spec?.scaleTargetRef ?? {};
  return { group: parseApiVersion(apiVersion).group, kind, name };
};

const resourceOf = (autoscaler: HorizontalPodAutoscaler): GroupVersionResource | undefined => {
  const { group, kind } = reference(autoscaler);
  return SCALABLE.get(`${group}/${kind}`);
};

/** A target wakes the autoscalers that scale it. */
const scaledBy = (resource: GroupVersionResource): WatchRule => ({
  resource,
  keys(next, old, lister) {
    const { name = '', namespace } = (next ?? old)?.metadata ?? {};
    return (lister.list(HORIZONTALPODAUTOSCALERS, namespace) as readonly HorizontalPodAutoscaler[])
      .filter((autoscaler) => reference(autoscaler).name === name && resourceOf(autoscaler) === resource)
      .map(keyOf);
  },
});

/** Scales workloads between their bounds: kube-controller-manager's `horizontal-pod-autoscaler`, where no metrics are. */
export const autoscalerController: Controller<AutoscalerSnapshot> = {
  name: 'horizontal-pod-autoscaler',
  actor: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  watches: [ownKey(HORIZONTALPODAUTOSCALERS), ...[...SCALABLE.values()].map(scaledBy)],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const autoscaler = lister.get(HORIZONTALPODAUTOSCALERS, namespace, name) as HorizontalPodAutoscaler | undefined;
    if (!autoscaler) return undefined;
    const { group, kind, name: wanted } = reference(autoscaler);
    const resource = resourceOf(autoscaler);
    if (!resource) return { autoscaler, target: undefined, missing: `no matches for kind "${kind}" in group "${group}"` };
    const object = lister.get(resource, namespace, wanted) as ScaleTarget['object'] | undefined;
    const qualified = `${resource.resource}${group === '' ? '' : `.${group}`}`;
    return { autoscaler, target: object && { resource, object }, missing: `${qualified} "${wanted}" not found` };
  },
  reconcile: reconcileAutoscaler,
  refused: refuseAutoscaler,
};
