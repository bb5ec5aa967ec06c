import { controllerOf, objectKey, parseApiVersion, keyOf, type GroupVersionResource, type WatchRule } from '#libs/apimachinery';

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

/** The one object of a name wakes one key, whatever that stands for. */
export const namedKey = (resource: GroupVersionResource, namespace: string | undefined, name: string, key: string): WatchRule => ({
  resource,
  keys(next, old) {
    const { metadata } = next ?? old ?? {};
    return metadata?.name === name && metadata.namespace === namespace ? [key] : [];
  },
});
