import {
  EVENTS,
  PODS,
  REPLICATIONCONTROLLERS,
  REPLICASETS,
  type Event,
  type Pod,
  type ReplicaSet,
  type ReplicationController,
} from '#libs/api';
import { selectorFromLabels, type Change, type Controller, type KubeObject, type LabelSelector } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { reconcileReplicaSet, refuseReplicaSet, type ReplicaSetSnapshot } from '../replicaset/reconcile.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';

const COMPONENT = 'replication-controller';

/** A ReplicationController in the form of what succeeded it: the same but for how its selector is written. */
function asReplicaSet({ spec, ...rest }: ReplicationController): ReplicaSet {
  if (!spec) return rest as ReplicaSet;
  const { selector = {}, ...others } = spec;
  return { ...rest, spec: { ...others, selector: { matchLabels: selector } } } as ReplicaSet;
}

function fromReplicaSet({ spec, status, ...rest }: ReplicaSet): ReplicationController {
  const { selector, ...others } = spec ?? {};
  const { terminatingReplicas: _unknown, ...known } = status ?? { replicas: 0 };
  return { ...rest, spec: { ...others, selector: selector?.matchLabels ?? {} }, status: known } as ReplicationController;
}

/** A change that was decided for a ReplicaSet, as one for a ReplicationController. */
function translated(change: Change): Change {
  if (change.verb === 'delete') return change;
  const { group, resource } = change.resource;
  if (group === REPLICASETS.group && resource === REPLICASETS.resource) {
    return { ...change, resource: REPLICATIONCONTROLLERS, object: fromReplicaSet(change.object as ReplicaSet) };
  }
  if (resource !== EVENTS.resource) return change;
  const event = change.object as Event;
  const object: Event = { ...event, source: { ...event.source, component: COMPONENT }, reportingComponent: COMPONENT };
  return { ...change, object };
}

/** Their selector is a map of labels. */
const selectorOf = (owner: KubeObject): LabelSelector => selectorFromLabels((owner as ReplicationController).spec?.selector ?? {});

/** Runs the pods that ReplicationControllers ask for, by a ReplicaSet's rules: kube-controller-manager's `replicationcontroller`. */
export const replicationController: Controller<ReplicaSetSnapshot> = {
  name: COMPONENT,
  actor: 'system:serviceaccount:kube-system:replication-controller',
  watches: [
    ownKey(REPLICATIONCONTROLLERS),
    controllersKey(PODS, '', 'ReplicationController'),
    selectingOrphans(PODS, REPLICATIONCONTROLLERS, selectorOf),
  ],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const found = lister.get(REPLICATIONCONTROLLERS, namespace, name) as ReplicationController | undefined;
    if (!found) return undefined;
    const owned = ([...controlledBy(lister, found.metadata.uid ?? '', PODS)] as Pod[]).sort(byName);
    const selector = selectorFromLabels(found.spec?.selector ?? {});
    const orphans = ([...orphansOf(lister, PODS, namespace)] as Pod[])
      .filter(({ metadata }) => selector.matches(metadata.labels))
      .sort(byName);
    return { replicaSet: asReplicaSet(found), owned, orphans, related: () => owned };
  },
  reconcile(snapshot, now) {
    const { changes, ...rest } = reconcileReplicaSet(snapshot, now);
    return { ...rest, changes: changes.map(translated) };
  },
  refused: (snapshot, refusals, now) => refuseReplicaSet(snapshot, refusals, now).map(translated),
};
