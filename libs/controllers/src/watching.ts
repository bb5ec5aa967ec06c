import {
  controllerOf,
  keyOf,
  labelSelectorOf,
  objectKey,
  parseApiVersion,
  type GroupVersionResource,
  type KubeObject,
  type LabelSelector,
  type WatchRule,
} from '#libs/apimachinery';

/** The namespace and name in a key; the namespace is undefined for a cluster-scoped object. */
export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** An object wakes its own key. */
export const ownKey = (resource: GroupVersionResource): WatchRule => ({
  resource,
  keys(next, old) {
    const object = next ?? old;
    return object ? [keyOf(object)] : [];
  },
});

/** An object wakes the key of the object of this group and kind that controls it, before and after the change. */
export const controllersKey = (resource: GroupVersionResource, group: string, kind: string): WatchRule => ({
  resource,
  keys(next, old) {
    const keys = new Set<string>();
    for (const object of [next, old]) {
      const owner = object && controllerOf(object);
      if (owner?.kind === kind && parseApiVersion(owner.apiVersion).group === group)
        keys.add(objectKey(object?.metadata.namespace, owner.name));
    }
    return [...keys];
  },
});

const SELECTORS = new WeakMap<KubeObject, LabelSelector>();

/** By which labels an owner selects what it takes on: its spec's selector. Made once for each owner, which many objects are held against. */
function selectorOfSpec(owner: KubeObject): LabelSelector {
  const known = SELECTORS.get(owner);
  if (known) return known;
  const { spec } = owner as KubeObject & { readonly spec?: { readonly selector?: Parameters<typeof labelSelectorOf>[0] } };
  const selector = labelSelectorOf(spec?.selector);
  SELECTORS.set(owner, selector);
  return selector;
}

/** An object without a controller wakes every owner in its namespace that would select it. */
export const selectingOrphans = (
  resource: GroupVersionResource,
  owners: GroupVersionResource,
  selectorOf: (owner: KubeObject) => LabelSelector = selectorOfSpec,
): WatchRule => ({
  resource,
  keys(next, _old, lister) {
    if (!next || controllerOf(next) || next.metadata.labels === undefined) return [];
    const { namespace, labels } = next.metadata;
    return lister
      .list(owners, namespace)
      .filter((owner) => selectorOf(owner).matches(labels))
      .map(keyOf);
  },
});

/** The one object of a name wakes one key, whatever that stands for. */
export const namedKey = (resource: GroupVersionResource, namespace: string | undefined, name: string, key: string): WatchRule => ({
  resource,
  keys(next, old) {
    const { metadata } = next ?? old ?? {};
    return metadata?.name === name && metadata.namespace === namespace ? [key] : [];
  },
});
