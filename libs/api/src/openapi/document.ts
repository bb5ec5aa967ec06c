import type { GroupVersionKind } from '#libs/apimachinery';
import { groupsOf, resourcesOf, rootPath, type GroupVersion } from '../api-discovery/group-version.js';
import type { ResourceDefinition } from '../definition.js';
import facts from '../generated/facts.json';
import { discoveryPath, isStream, kindOfSubresource, pathsOf } from './paths.js';
import { closure, COMMON_MODELS, listModel, listSchema, modelOfKind, modelSchema, withKinds, type Schema } from './schemas.js';
import { LIST_META, META_PACKAGE, OBJECT_META } from '../schema/meta-models.js';

/** The `/openapi/v3/...` document of one group and version, as an OpenAPI 3.0 document. */
export interface OpenApiDocument {
  readonly openapi: '3.0.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Schema>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes: Schema };
}

/** The answer of `/openapi/v3`: where each document is, with its hash so that clients may keep it. */
export interface OpenApiIndex {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** The kinds that each model is sent and answered as, within one group and version. */
function kindsByModel(
  served: readonly ResourceDefinition[],
  everywhere: readonly GroupVersion[],
): ReadonlyMap<string, readonly GroupVersionKind[]> {
  const kinds = new Map<string, readonly GroupVersionKind[]>();
  for (const { model, kind, listKind, resource, subresources, schema } of served) {
    const { group, version } = resource;
    kinds.set(model, [{ group, version, kind }]);
    kinds.set(listModel(model, listKind), [{ group, version, kind: listKind }]);
    for (const one of subresources) {
      if ((schema && one.group === undefined) || isStream(one)) continue;
      const spoken = kindOfSubresource({ kind: { group, version, kind } }, one);
      const found = modelOfKind(spoken);
      if (found !== undefined) kinds.set(found, [spoken]);
    }
  }
  for (const kind of ['DeleteOptions', 'WatchEvent'])
    kinds.set(
      `${META_PACKAGE}.${kind}`,
      everywhere.map(({ group, version }) => ({ group, version, kind })),
    );
  kinds.set(`${META_PACKAGE}.Status`, [{ group: '', version: 'v1', kind: 'Status' }]);
  return kinds;
}

/**
 * The OpenAPI document of one group and version: paths of everything served, and every type they mention, from the
 * same facts that decode requests. Undefined where nothing is served. It holds no sentences: upstream's are not taken over.
 */
export function openApiV3(groupVersion: GroupVersion, definitions: readonly ResourceDefinition[]): OpenApiDocument | undefined {
  const served = resourcesOf(groupVersion, definitions);
  if (served.length === 0) return undefined;
  const kinds = kindsByModel(served, groupVersionsOf(groupVersion, definitions));
  const lists = new Map(served.map(({ model, listKind }) => [listModel(model, listKind), model]));
  const custom = new Map(served.flatMap(({ model, schema }) => (schema ? [[model, schema] as const] : [])));
  const models = closure([
    ...[...kinds.keys()].filter((model) => !lists.has(model) && !custom.has(model)),
    ...COMMON_MODELS,
    LIST_META,
    ...(custom.size > 0 ? [OBJECT_META] : []),
  ]);
  const names = [...models, ...lists.keys(), ...custom.keys()].sort();
  const schemas = names.map((name) => {
    const listed = lists.get(name);
    const own = custom.get(name)?.published() ?? (listed === undefined ? modelSchema(name) : listSchema(listed));
    return [name, withKinds(own, kinds.get(name) ?? [])] as const;
  });
  const paths = [discoveryPath(groupVersion), ...served.flatMap((definition) => pathsOf(definition))].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: facts.release },
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas), securitySchemes: SECURITY },
  };
}

/** How a client may say who it is. */
const SECURITY = {
  BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' },
} as const;

/** Where the kinds are known that every group has: in all groups that are built in, and in the document's own. */
function groupVersionsOf(own: GroupVersion, definitions: readonly ResourceDefinition[]): readonly GroupVersion[] {
  const builtIn = groupsOf(definitions.filter(({ schema }) => schema === undefined));
  const all = builtIn.flatMap(([group, versions]) => versions.map((version) => ({ group, version })));
  const known = all.some(({ group, version }) => group === own.group && version === own.version);
  return (known ? all : [...all, own]).sort((a, b) => (rootPath(a) < rootPath(b) ? -1 : 1));
}

/**
 * The index of all documents. `hashOf` gives the fingerprint of a document by its path (`api/v1`, `apis/apps/v1`):
 * any text that changes when the document does, such as `sha256Hex` of its JSON.
 */
export function openApiV3Index(definitions: readonly ResourceDefinition[], hashOf: (path: string) => string, prefix = ''): OpenApiIndex {
  const paths = groupsOf(definitions).flatMap(([group, versions]) => versions.map((version) => rootPath({ group, version })));
  return {
    paths: Object.fromEntries(
      paths.sort().map((path) => [path, { serverRelativeURL: `${prefix}/openapi/v3/${path}?hash=${hashOf(path)}` }]),
    ),
  };
}

/** Every group and version that has a document, by its path: `api/v1`, `apis/apps/v1`. */
export const openApiDocuments = (definitions: readonly ResourceDefinition[]): ReadonlyMap<string, GroupVersion> =>
  new Map(
    groupsOf(definitions).flatMap(([group, versions]) =>
      versions.map((version) => [rootPath({ group, version }), { group, version }] as const),
    ),
  );
