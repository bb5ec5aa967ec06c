import { NAMESPACES, type Namespace, type ResourceDefinition } from '#libs/api';
import type { Controller, WatchRule } from '#libs/apimachinery';
import { byName } from '../ordering.js';
import { ownKey } from '../watching.js';
import { reconcileNamespace, SYSTEM_NAMESPACES, type NamespaceSnapshot } from './reconcile.js';

/** What lives in a namespace, each resource once: two groups may serve the same objects. */
const contents = (definitions: readonly ResourceDefinition[]): readonly ResourceDefinition[] =>
  definitions.filter(({ scope, storage, verbs }) => scope === 'Namespaced' && storage === undefined && verbs.includes('delete'));

/** An object that goes from a namespace being deleted, or slips into it, wakes the namespace. */
const contentRule = ({ resource }: ResourceDefinition): WatchRule => ({
  resource,
  keys(next, old, lister) {
    const name = (next ?? old)?.metadata.namespace;
    if (name === undefined || (next && old)) return [];
    return lister.get(NAMESPACES, undefined, name)?.metadata.deletionTimestamp === undefined ? [] : [name];
  },
});

/** kube-controller-manager's `namespace`, over all namespaced resources of the definitions. */
export function namespaceController(definitions: readonly ResourceDefinition[]): Controller<NamespaceSnapshot> {
  const namespaced = contents(definitions);
  return {
    name: 'namespace-controller',
    actor: 'system:serviceaccount:kube-system:namespace-controller',
    initialKeys: SYSTEM_NAMESPACES,
    watches: [ownKey(NAMESPACES), ...namespaced.map(contentRule)],
    snapshot(name, lister) {
      const namespace = lister.get(NAMESPACES, undefined, name) as Namespace | undefined;
      if (namespace?.metadata.deletionTimestamp === undefined) return { name, namespace, content: [] };
      const content = namespaced.map(({ resource }) => ({ resource, objects: [...lister.list(resource, name)].sort(byName) }));
      return { name, namespace, content: content.filter(({ objects }) => objects.length > 0) };
    },
    reconcile: reconcileNamespace,
  };
}
