import { PODS, REPLICASETS, type Pod, type ReplicaSet } from '#libs/api';
import { controllerOf, labelSelectorOf, type Controller, type KubeObject, type Lister } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';
import { reconcileReplicaSet, refuseReplicaSet, type ReplicaSetSnapshot } from './reconcile.js';

const podsOf = (lister: Lister, owner: KubeObject): readonly Pod[] =>
  controlledBy(lister, owner.metadata.uid ?? '', PODS) as readonly Pod[];

/** The pods of all ReplicaSets with the same controller; without one, its own. */
function relatedPods(lister: Lister, replicaSet: ReplicaSet): readonly Pod[] {
  const owner = controllerOf(replicaSet);
  if (!owner) return podsOf(lister, replicaSet);
  return controlledBy(lister, owner.uid, REPLICASETS).flatMap((sibling) => podsOf(lister, sibling));
}

/** Runs the pods that ReplicaSets ask for: kube-controller-manager's `replicaset`. */
export const replicaSetController: Controller<ReplicaSetSnapshot> = {
  name: 'replicaset-controller',
  actor: 'system:serviceaccount:kube-system:replicaset-controller',
  watches: [ownKey(REPLICASETS), controllersKey(PODS, 'apps', 'ReplicaSet'), selectingOrphans(PODS, REPLICASETS)],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const replicaSet = lister.get(REPLICASETS, namespace, name) as ReplicaSet | undefined;
    if (!replicaSet) return undefined;
    const selector = labelSelectorOf(replicaSet.spec?.selector);
    return {
      replicaSet,
      owned: [...podsOf(lister, replicaSet)].sort(byName),
      orphans: (orphansOf(lister, PODS, namespace) as readonly Pod[])
        .filter(({ metadata }) => selector.matches(metadata.labels))
        .sort(byName),
      related: () => relatedPods(lister, replicaSet),
    };
  },
  reconcile: reconcileReplicaSet,
  refused: refuseReplicaSet,
};
