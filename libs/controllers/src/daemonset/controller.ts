import { CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS, type ControllerRevision, type DaemonSet, type Node, type Pod } from '#libs/api';
import { deepEqual, labelSelectorOf, keyOf, type Controller, type GroupVersionResource, type WatchRule } from '#libs/apimachinery';
import { oldestFirst } from '../history/revisions.js';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';
import { reconcileDaemonSet, refuseDaemonSet, type DaemonSetSnapshot } from './reconcile.js';

/** What of a node decides who runs there: its reports of being alive wake nobody. */
const relevant = (node: Node | undefined): unknown => node && [node.metadata.labels ?? {}, node.spec?.taints ?? []];

/** A node that comes, goes or changes wakes every DaemonSet. */
const everyDaemonSet: WatchRule = {
  resource: NODES,
  keys: (next, old, lister) =>
    next && old && deepEqual(relevant(next as Node), relevant(old as Node)) ? [] : lister.list(DAEMONSETS).map(keyOf),
};

/** Keeps a pod on each of certain nodes: kube-controller-manager's `daemonset`. */
export const daemonSetController: Controller<DaemonSetSnapshot> = {
  name: 'daemonset-controller',
  actor: 'system:serviceaccount:kube-system:daemon-set-controller',
  watches: [
    ownKey(DAEMONSETS),
    controllersKey(PODS, 'apps', 'DaemonSet'),
    controllersKey(CONTROLLERREVISIONS, 'apps', 'DaemonSet'),
    selectingOrphans(PODS, DAEMONSETS),
    selectingOrphans(CONTROLLERREVISIONS, DAEMONSETS),
    everyDaemonSet,
  ],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const daemonSet = lister.get(DAEMONSETS, namespace, name) as DaemonSet | undefined;
    if (!daemonSet) return undefined;
    const { uid = '' } = daemonSet.metadata;
    const selector = labelSelectorOf(daemonSet.spec?.selector);
    const selected = (resource: GroupVersionResource): unknown =>
      [...orphansOf(lister, resource, namespace)].filter(({ metadata }) => selector.matches(metadata.labels)).sort(byName);
    return {
      daemonSet,
      nodes: ([...lister.list(NODES)] as Node[]).sort(byName),
      owned: ([...controlledBy(lister, uid, PODS)] as Pod[]).sort(byName),
      orphans: selected(PODS) as readonly Pod[],
      history: {
        revisions: oldestFirst(controlledBy(lister, uid, CONTROLLERREVISIONS) as readonly ControllerRevision[]),
        named: (revision) => lister.get(CONTROLLERREVISIONS, namespace, revision) as ControllerRevision | undefined,
      },
      orphanRevisions: selected(CONTROLLERREVISIONS) as readonly ControllerRevision[],
    };
  },
  reconcile: reconcileDaemonSet,
  refused: refuseDaemonSet,
};
