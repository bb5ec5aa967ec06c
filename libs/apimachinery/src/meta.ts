/** Names one served resource: what appears in a URL path. */
export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Names one kind: what a manifest says. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Points from a dependent to its owner; `controller` marks the one that manages it. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Which manager set which fields, and when. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: unknown;
  readonly subresource?: string;
}

/** The metadata every object has. Times are RFC 3339 with whole seconds, in UTC. */
export interface ObjectMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly selfLink?: string;
  readonly uid?: string;
  /** Opaque to clients. Inside, the decimal sequence of the event that last wrote the object. Never in an event's body. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** Any object of any kind. Kinds with types of their own are in the `api` room. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** `replicasets.apps`, or `pods` in the core group: how Kubernetes names a resource in messages. */
export const qualifiedResource = ({ group, resource }: Pick<GroupVersionResource, 'group' | 'resource'>): string =>
  group === '' ? resource : `${resource}.${group}`;

/** `apps/v1`, or `v1` in the core group: how a manifest names a group and version. */
export const apiVersionOf = ({ group, version }: Pick<GroupVersionResource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/** The group and version of an `apiVersion`. */
export function parseApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `namespace/name`, or `name` for a cluster-scoped object: how a work queue names an object. */
export const objectKey = (namespace: string | undefined, name: string): string => (namespace ? `${namespace}/${name}` : name);

/** The key of an object. */
export const keyOf = ({ metadata }: KubeObject): string => objectKey(metadata.namespace, metadata.name ?? '');

/** The owner that manages an object, if any. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(({ controller }) => controller === true);
