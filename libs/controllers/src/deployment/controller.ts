import { DEPLOYMENTS, isPodTerminal, PODS, REPLICASETS, type Deployment, type Pod, type ReplicaSet } from '#libs/api';
import { controllerOf, labelSelectorOf, keyOf, type Controller, type Lister, type WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';
import { reconcileDeployment, refuseDeployment } from './reconcile.js';
import type { DeploymentSnapshot } from './rollout.js';
import { nextName } from './template.js';

/** The end of a pod may be what a Deployment of the Recreate strategy waits for. */
const endedPods: WatchRule = {
  resource: PODS,
  keys(next, old, lister) {
    const gone = (next ?? old) as Pod | undefined;
    const owner = gone && controllerOf(gone);
    if (!gone || owner?.kind !== 'ReplicaSet' || (next && !isPodTerminal(gone))) return [];
    const replicaSet = lister.get(REPLICASETS, gone.metadata.namespace, owner.name);
    const above = replicaSet && controllerOf(replicaSet);
    if (above?.kind !== 'Deployment') return [];
    const deployment = lister.get(DEPLOYMENTS, gone.metadata.namespace, above.name) as Deployment | undefined;
    return deployment?.spec?.strategy?.type === 'Recreate' ? [keyOf(deployment)] : [];
  },
};

const hasRunningPod = (lister: Lister, { metadata }: ReplicaSet): boolean =>
  (controlledBy(lister, metadata.uid ?? '', PODS) as readonly Pod[]).some((pod) => !isPodTerminal(pod));

/** Rolls ReplicaSets over to a Deployment's template: kube-controller-manager's `deployment`. */
export const deploymentController: Controller<DeploymentSnapshot> = {
  name: 'deployment-controller',
  actor: 'system:serviceaccount:kube-system:deployment-controller',
  watches: [ownKey(DEPLOYMENTS), controllersKey(REPLICASETS, 'apps', 'Deployment'), selectingOrphans(REPLICASETS, DEPLOYMENTS), endedPods],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const deployment = lister.get(DEPLOYMENTS, namespace, name) as Deployment | undefined;
    if (!deployment) return undefined;
    const selector = labelSelectorOf(deployment.spec?.selector);
    return {
      deployment,
      owned: [...(controlledBy(lister, deployment.metadata.uid ?? '', REPLICASETS) as readonly ReplicaSet[])].sort(byName),
      orphans: (orphansOf(lister, REPLICASETS, namespace) as readonly ReplicaSet[])
        .filter(({ metadata }) => selector.matches(metadata.labels))
        .sort(byName),
      namesake: lister.get(REPLICASETS, namespace, nextName(deployment)) as ReplicaSet | undefined,
      running: (replicaSet) => hasRunningPod(lister, replicaSet),
    };
  },
  reconcile: reconcileDeployment,
  refused: refuseDeployment,
};
