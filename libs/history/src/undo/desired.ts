import type { KubeObject, ObjectMeta } from '#libs/apimachinery';

type Json = Readonly<Record<string, unknown>>;

/** Fields that the server gives an object of a kind, by `group/resource`: nobody asks for them, and a new object gets its own. */
const GIVEN: Readonly<Record<string, readonly (readonly string[])[]>> = {
  '/namespaces': [['spec']],
  '/persistentvolumeclaims': [['spec', 'volumeName']],
  '/persistentvolumes': [
    ['spec', 'claimRef', 'uid'],
    ['spec', 'claimRef', 'resourceVersion'],
  ],
  '/pods': [['spec', 'nodeName']],
  '/serviceaccounts': [['secrets']],
  '/services': [
    ['spec', 'clusterIP'],
    ['spec', 'clusterIPs'],
    ['spec', 'healthCheckNodePort'],
  ],
  'batch/jobs': [
    ['spec', 'selector'],
    ['spec', 'template', 'metadata', 'labels', 'controller-uid'],
    ['spec', 'template', 'metadata', 'labels', 'job-name'],
    ['spec', 'template', 'metadata', 'labels', 'batch.kubernetes.io/controller-uid'],
    ['spec', 'template', 'metadata', 'labels', 'batch.kubernetes.io/job-name'],
  ],
};

/** Annotations that controllers keep their own books with. */
const KEPT_BY_CONTROLLERS = [
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
];
/** Finalizers that say how a deletion goes on, or that controllers put on by themselves. */
const OF_DELETIONS = ['foregroundDeletion', 'orphan', 'kubernetes.io/pvc-protection', 'kubernetes.io/pv-protection', 'kubernetes'];
const TOKEN_VOLUME = 'kube-api-access-';

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value without what stands at a path. */
function without(value: unknown, [first = '', ...rest]: readonly string[]): unknown {
  if (!isJson(value) || !Object.hasOwn(value, first)) return value;
  const { [first]: inner, ...others } = value;
  return rest.length === 0 ? others : { ...others, [first]: without(inner, rest) };
}

function givenTo(key: string, object: KubeObject): readonly (readonly string[])[] {
  const { spec } = object as KubeObject & { readonly spec?: Json };
  // A headless Service asks for having no address, and a Job may choose its pods by itself.
  if (key === '/services' && spec?.['clusterIP'] === 'None') return [];
  if (key === 'batch/jobs' && spec?.['manualSelector'] === true) return [];
  return GIVEN[key] ?? [];
}

const notToken = (item: unknown): boolean => !(isJson(item) && String(item['name']).startsWith(TOKEN_VOLUME));

/** A pod's spec without the volume that admission gave it for its token. */
function withoutToken(spec: Json): Json {
  const containers = (list: unknown): unknown =>
    Array.isArray(list)
      ? list.map((one: unknown) =>
          isJson(one) && Array.isArray(one['volumeMounts']) ? { ...one, volumeMounts: one['volumeMounts'].filter(notToken) } : one,
        )
      : list;
  return Object.fromEntries(
    Object.entries(spec).map(([name, value]) => [
      name,
      name === 'volumes' && Array.isArray(value) ? value.filter(notToken) : name.endsWith('ontainers') ? containers(value) : value,
    ]),
  );
}

const filtered = <T>(values: readonly T[] | undefined, keep: (value: T) => boolean): readonly T[] | undefined => {
  const kept = values?.filter(keep);
  return kept === undefined || kept.length === 0 ? undefined : kept;
};

function desiredMetadata({ name, namespace, labels, annotations, finalizers, ownerReferences }: ObjectMeta): ObjectMeta {
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !KEPT_BY_CONTROLLERS.includes(key));
  const held = filtered(finalizers, (one) => !OF_DELETIONS.includes(one));
  return {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    ...(held === undefined ? {} : { finalizers: held }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
}

/** What somebody wants of an object: without its status, what the server gave it, and what controllers note on it. `key`: `group/resource`. */
export function desiredOf(key: string, object: KubeObject): KubeObject {
  const { status: _, metadata, ...rest } = object as KubeObject & { readonly status?: unknown };
  let desired = { ...rest, metadata: desiredMetadata(metadata) } as KubeObject;
  for (const path of givenTo(key, object)) desired = without(desired, path) as KubeObject;
  const { spec } = desired as KubeObject & { readonly spec?: unknown };
  return key === '/pods' && isJson(spec) ? ({ ...desired, spec: withoutToken(spec) } as KubeObject) : desired;
}
