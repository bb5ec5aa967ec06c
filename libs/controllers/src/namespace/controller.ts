import { catalogOfView, NAMESPACES, type Namespace, type ResourceDefinition } from '#libs/api';
import type { Controller, Lister } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { ownKey } from '../watching.js';
import { reconcileNamespace, refuseNamespace, SYSTEM_NAMESPACES, type NamespaceSnapshot } from './reconcile.js';

/** What lives in a namespace, custom resources included, each resource once: two groups may serve the same objects. */
const contents = (lister: Lister): readonly ResourceDefinition[] =>
  catalogOfView(lister).stored.filter(({ scope, verbs }) => scope === 'Namespaced' && verbs.includes('delete'));

/** An object that goes from a namespace being deleted, or slips into it, wakes the namespace. */
const contentKeys: NonNullable<Controller['watchesAll']> = (_resource, next, old, lister) => {
  const name = (next ?? old)?.metadata.namespace;
  if (name === undefined || (next && old)) return [];
  return lister.get(NAMESPACES, undefined, name)?.metadata.deletionTimestamp === undefined ? [] : [name];
};

/** kube-controller-manager's `namespace`, over all namespaced resources, those of custom resources included. */
export const namespaceController: Controller<NamespaceSnapshot> = {
  name: 'namespace-controller',
  actor: 'system:serviceaccount:kube-system:namespace-controller',
  initialKeys: SYSTEM_NAMESPACES,
  watches: [ownKey(NAMESPACES)],
  watchesAll: contentKeys,
  snapshot(name, lister) {
    const namespace = lister.get(NAMESPACES, undefined, name) as Namespace | undefined;
    if (namespace?.metadata.deletionTimestamp === undefined) return { name, namespace, content: [] };
    const content = contents(lister).map(({ resource }) => ({ resource, objects: [...lister.list(resource, name)].sort(byName) }));
    return { name, namespace, content: content.filter(({ objects }) => objects.length > 0) };
  },
  reconcile: reconcileNamespace,
  refused: refuseNamespace,
};
