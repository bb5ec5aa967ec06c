/** The kinds that are written and watched: two that nobody else writes, and pods, which the cluster goes on with by itself. */
export const KIND_NAMES = ['configmaps', 'entries', 'pods'] as const;
export type KindName = (typeof KIND_NAMES)[number];

export const NAMESPACE = 'consistency';
const GROUP = 'consistency.decklog.dev';
const CONTENT = `${GROUP}/content`;

interface Body {
  readonly data?: { readonly content?: string };
  readonly spec?: { readonly content?: string };
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

/** How a kind is written: where it is, and where in it the one word stands that tells a write from all others. */
export interface Kind {
  readonly group: string;
  readonly place: string;
  readonly object: (name: string, content: string) => object;
  readonly patch: (content: string) => object;
  readonly contentOf: (body: unknown) => string;
}

export const KINDS: Readonly<Record<KindName, Kind>> = {
  configmaps: {
    group: '',
    place: `/api/v1/namespaces/${NAMESPACE}/configmaps`,
    object: (name, content) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { content } }),
    patch: (content) => ({ data: { content } }),
    contentOf: (body) => (body as Body).data?.content ?? '',
  },
  entries: {
    group: GROUP,
    place: `/apis/${GROUP}/v1/namespaces/${NAMESPACE}/entries`,
    object: (name, content) => ({ apiVersion: `${GROUP}/v1`, kind: 'Entry', metadata: { name }, spec: { content } }),
    patch: (content) => ({ spec: { content } }),
    contentOf: (body) => (body as Body).spec?.content ?? '',
  },
  pods: {
    group: '',
    place: `/api/v1/namespaces/${NAMESPACE}/pods`,
    object: (name, content) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations: { [CONTENT]: content } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'registry.example/none:1' }] },
    }),
    patch: (content) => ({ metadata: { annotations: { [CONTENT]: content } } }),
    contentOf: (body) => (body as Body).metadata?.annotations?.[CONTENT] ?? '',
  },
};

/** What the kind of entries is defined by. */
export const ENTRIES = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `entries.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'entries', singular: 'entry', kind: 'Entry' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { content: { type: 'string' } } } } },
        },
      },
    ],
  },
};
