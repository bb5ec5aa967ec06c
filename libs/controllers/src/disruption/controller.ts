import {
  DEPLOYMENTS,
  PODDISRUPTIONBUDGETS,
  PODS,
  REPLICASETS,
  REPLICATIONCONTROLLERS,
  STATEFULSETS,
  type Deployment,
  type Pod,
  type PodDisruptionBudget,
  type ReplicaSet,
} from '#libs/api';
import {
  controllerOf,
  labelSelectorOf,
  keyOf,
  type Controller,
  type GroupVersionResource,
  type KubeObject,
  type Lister,
  type WatchRule,
} from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { ownKey, splitKey } from '../watching.js';
import { reconcileBudget, type BudgetSnapshot } from './reconcile.js';

const budgetsIn = (lister: Lister, namespace: string | undefined): readonly PodDisruptionBudget[] =>
  lister.list(PODDISRUPTIONBUDGETS, namespace) as readonly PodDisruptionBudget[];

const selectingBudgets: WatchRule = {
  resource: PODS,
  keys(next, old, lister) {
    const about = [next, old].filter((pod): pod is KubeObject => pod !== undefined);
    return budgetsIn(lister, about[0]?.metadata.namespace)
      .filter(({ spec }) => {
        const selector = labelSelectorOf(spec?.selector);
        return about.some(({ metadata }) => selector.matches(metadata.labels));
      })
      .map(keyOf);
  },
};

/** A controller that is scaled changes what its pods' budgets expect. */
const scaled = (resource: WatchRule['resource']): WatchRule => ({
  resource,
  keys(next, old, lister) {
    const replicas = (object: KubeObject | undefined): number | undefined =>
      (object as Deployment | ReplicaSet | undefined)?.spec?.replicas;
    const object = next ?? old;
    if (!object || replicas(next) === replicas(old)) return [];
    return budgetsIn(lister, object.metadata.namespace).map(keyOf);
  },
});

/** The controllers of pods that have a size, by their kind. */
const SIZED: ReadonlyMap<string, GroupVersionResource> = new Map([
  ['ReplicaSet', REPLICASETS],
  ['ReplicationController', REPLICATIONCONTROLLERS],
  ['StatefulSet', STATEFULSETS],
]);

type Sized = KubeObject & { readonly spec?: { readonly replicas?: number } };

/** The controller of an object, where it is still the one that is meant. */
function ownerOf(lister: Lister, object: KubeObject, resource: GroupVersionResource): Sized | undefined {
  const owner = controllerOf(object);
  const found = owner && lister.get(resource, object.metadata.namespace, owner.name);
  return found?.metadata.uid === owner?.uid ? (found as Sized | undefined) : undefined;
}

/** The controller at the top whose size says how many pods there should be; undefined where a pod has none. */
function scaleOf(lister: Lister, pod: Pod): { readonly uid: string; readonly replicas: number } | undefined {
  const resource = SIZED.get(controllerOf(pod)?.kind ?? '');
  const owner = resource && ownerOf(lister, pod, resource);
  if (!owner) return undefined;
  const deployed = owner.kind === 'ReplicaSet' && controllerOf(owner)?.kind === 'Deployment';
  const top = (deployed ? ownerOf(lister, owner, DEPLOYMENTS) : undefined) ?? owner;
  return { uid: top.metadata.uid ?? '', replicas: top.spec?.replicas ?? 1 };
}

/** kube-controller-manager's `disruption`. */
export const disruptionController: Controller<BudgetSnapshot> = {
  name: 'disruption-controller',
  actor: 'system:serviceaccount:kube-system:disruption-controller',
  watches: [ownKey(PODDISRUPTIONBUDGETS), selectingBudgets, ...[...SIZED.values(), DEPLOYMENTS].map(scaled)],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const budget = lister.get(PODDISRUPTIONBUDGETS, namespace, name) as PodDisruptionBudget | undefined;
    if (!budget) return undefined;
    const selector = labelSelectorOf(budget.spec?.selector);
    const pods = (lister.list(PODS, namespace) as readonly Pod[]).filter(({ metadata }) => selector.matches(metadata.labels)).sort(byName);
    const scales = new Map<string, number>();
    const unmanaged: Pod[] = [];
    for (const pod of pods) {
      const scale = scaleOf(lister, pod);
      if (scale) scales.set(scale.uid, scale.replicas);
      else unmanaged.push(pod);
    }
    return { budget, pods, scale: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
  },
  reconcile: reconcileBudget,
};
