import {
  CONTROLLERREVISIONS,
  PERSISTENTVOLUMECLAIMS,
  PODS,
  STATEFULSETS,
  type ControllerRevision,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
} from '#libs/api';
import { labelSelectorOf, keyOf, type Controller, type WatchRule } from '#libs/apimachinery';
import { oldestFirst } from '../history/revisions.js';
import { byName } from '../ordering.js';
import { controlledBy, orphansOf } from '../ownership.js';
import { controllersKey, ownKey, selectingOrphans, splitKey } from '../watching.js';
import { reconcileStatefulSet, refuseStatefulSet, type StatefulSetSnapshot } from './reconcile.js';

/** The end of a claim may be what a StatefulSet waits for. */
const goneClaims: WatchRule = {
  resource: PERSISTENTVOLUMECLAIMS,
  keys(next, old, lister) {
    const { name = '', namespace } = (next ?? old)?.metadata ?? {};
    if (next) return [];
    return (lister.list(STATEFULSETS, namespace) as readonly StatefulSet[])
      .filter(({ metadata, spec }) =>
        spec?.volumeClaimTemplates?.some((template) => name.startsWith(`${template.metadata.name ?? ''}-${metadata.name ?? ''}-`)),
      )
      .map(keyOf);
  },
};

/** Keeps pods with names and claims of their own: kube-controller-manager's `statefulset`. */
export const statefulSetController: Controller<StatefulSetSnapshot> = {
  name: 'statefulset-controller',
  actor: 'system:serviceaccount:kube-system:statefulset-controller',
  watches: [
    ownKey(STATEFULSETS),
    controllersKey(PODS, 'apps', 'StatefulSet'),
    controllersKey(CONTROLLERREVISIONS, 'apps', 'StatefulSet'),
    selectingOrphans(PODS, STATEFULSETS),
    goneClaims,
  ],
  snapshot(key, lister) {
    const { namespace = '', name } = splitKey(key);
    const set = lister.get(STATEFULSETS, namespace, name) as StatefulSet | undefined;
    if (!set) return undefined;
    const { uid = '' } = set.metadata;
    const selector = labelSelectorOf(set.spec?.selector);
    return {
      set,
      owned: [...(controlledBy(lister, uid, PODS) as readonly Pod[])].sort(byName),
      orphans: (orphansOf(lister, PODS, namespace) as readonly Pod[])
        .filter(({ metadata }) => selector.matches(metadata.labels))
        .sort(byName),
      history: {
        revisions: oldestFirst(controlledBy(lister, uid, CONTROLLERREVISIONS) as readonly ControllerRevision[]),
        named: (revision) => lister.get(CONTROLLERREVISIONS, namespace, revision) as ControllerRevision | undefined,
      },
      claims: (claim) => lister.get(PERSISTENTVOLUMECLAIMS, namespace, claim) as PersistentVolumeClaim | undefined,
    };
  },
  reconcile: reconcileStatefulSet,
  refused: refuseStatefulSet,
};
