import { apiVersionOf, type GroupVersionKind } from '#libs/apimachinery';
import { rootPath, type GroupVersion } from '../api-discovery/group-version.js';
import type { ResourceDefinition, SubresourceDefinition } from '../definition.js';
import { hasProtobuf } from '../protobuf/index.js';
import {
  anyContent,
  answers,
  DELETE,
  DELETE_MANY,
  encodedContent,
  inPath,
  LIST,
  optionParameters,
  PATCH,
  PRETTY,
  WRITE,
} from './content.js';
import { listModel, modelOfKind, schemaPath, type Schema } from './schemas.js';
import { META_PACKAGE } from '../schema/meta-models.js';

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

/** What every operation on one resource shares. */
interface Place {
  readonly definition: ResourceDefinition;
  readonly kind: GroupVersionKind;
  /** In operation ids: `CoreV1`, `AppsV1`. */
  readonly groupName: string;
  readonly tag: string;
  /** Whether its objects have a form in Protocol Buffers. */
  readonly protobuf: boolean;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` as `rbacAuthorization`, the core group as `core`: how operation ids name groups. */
function groupIdentifier(group: string): string {
  if (group === '') return 'core';
  const parts = group.replace(/\.k8s\.io$/, '').split('.');
  return parts.map((part, i) => (i === 0 ? part : capital(part))).join('');
}

function placeOf(definition: ResourceDefinition): Place {
  const { group, version } = definition.resource;
  const name = groupIdentifier(group);
  return {
    definition,
    kind: { group, version, kind: definition.kind },
    groupName: capital(name) + capital(version),
    tag: `${name}_${version}`,
    protobuf: definition.schema === undefined && hasProtobuf(apiVersionOf(definition.resource), definition.kind),
  };
}

interface Operation {
  /** The HTTP method. */
  readonly method: string;
  /** `read`, `list`, ...: the beginning of the operation's id. */
  readonly word: string;
  /** `get`, `list`, `post`, ...: x-kubernetes-action. */
  readonly action: string;
  /** The rest of the id. */
  readonly subject: string;
  readonly kind: GroupVersionKind;
  readonly parameters: readonly Schema[];
  readonly content: Schema;
  readonly codes: readonly number[];
  readonly body?: Schema;
}

const operation = (place: Place, one: Operation): readonly [string, Schema] => [
  one.method,
  {
    tags: [place.tag],
    operationId: `${one.word}${place.groupName}${one.subject}`,
    parameters: one.parameters,
    ...(one.body ? { requestBody: { content: one.body, ...(one.method === 'delete' ? {} : { required: true }) } } : {}),
    responses: answers(one.content, one.codes),
    'x-kubernetes-action': one.action,
    'x-kubernetes-group-version-kind': { group: one.kind.group, kind: one.kind.kind, version: one.kind.version },
  },
];

const patchBody = ({ definition }: Place): Schema =>
  Object.fromEntries(
    PATCH_TYPES.filter((type) => !definition.schema || !type.includes('strategic')).map((type) => [
      type,
      { schema: { $ref: schemaPath(`${META_PACKAGE}.Patch`) } },
    ]),
  );

const scopeWord = ({ definition }: Place): string => (definition.scope === 'Namespaced' ? 'Namespaced' : '');

type Methods = readonly (readonly [string, Schema])[];

/** Read, replace and patch: of an object, or of a subresource that is one. */
function readAndWrite(place: Place, verbs: readonly string[], subject: string, kind: GroupVersionKind, model: string): Methods {
  const content = encodedContent(model, place.protobuf);
  const common = { subject, kind, content };
  const methods: (readonly [string, Schema])[] = [];
  if (verbs.includes('get')) {
    methods.push(operation(place, { ...common, method: 'get', word: 'read', action: 'get', parameters: [], codes: [200] }));
  }
  if (verbs.includes('update')) {
    const replace = { method: 'put', word: 'replace', action: 'put', parameters: WRITE, body: anyContent(model), codes: [200, 201] };
    methods.push(operation(place, { ...common, ...replace }));
  }
  if (verbs.includes('patch')) {
    const patch = { method: 'patch', word: 'patch', action: 'patch', parameters: PATCH, body: patchBody(place), codes: [200, 201] };
    methods.push(operation(place, { ...common, ...patch }));
  }
  return methods;
}

function collectionMethods(place: Place): Methods {
  const { definition, kind } = place;
  const { verbs, model } = definition;
  const subject = `${scopeWord(place)}${definition.kind}`;
  const content = encodedContent(model, place.protobuf);
  const methods: (readonly [string, Schema])[] = [];
  if (verbs.includes('list')) {
    const list = { method: 'get', word: 'list', action: 'list', parameters: LIST, codes: [200] };
    methods.push(
      operation(place, { ...list, subject, kind, content: encodedContent(listModel(model, definition.listKind), place.protobuf, true) }),
    );
  }
  if (verbs.includes('create')) {
    const create = { method: 'post', word: 'create', action: 'post', parameters: WRITE, body: anyContent(model), codes: [200, 201, 202] };
    methods.push(operation(place, { ...create, subject, kind, content }));
  }
  if (verbs.includes('deletecollection')) {
    const remove = {
      method: 'delete',
      word: 'delete',
      action: 'deletecollection',
      parameters: DELETE_MANY,
      body: anyContent(`${META_PACKAGE}.DeleteOptions`),
      codes: [200],
    };
    methods.push(
      operation(place, {
        ...remove,
        subject: `Collection${subject}`,
        kind,
        content: encodedContent(`${META_PACKAGE}.Status`, place.protobuf),
      }),
    );
  }
  return methods;
}

/** Kinds whose deletion answers the object instead of a Status (upstream's ReturnDeletedObject). */
const RETURNED: ReadonlySet<string> = new Set([
  ...['PersistentVolume', 'PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ResourceQuota', 'Service', 'ServiceAccount'].map(
    (kind) => `/${kind}`,
  ),
  ...['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass'].map((kind) => `storage.k8s.io/${kind}`),
]);

function objectMethods(place: Place): Methods {
  const { definition, kind } = place;
  const subject = `${scopeWord(place)}${definition.kind}`;
  const methods = [...readAndWrite(place, definition.verbs, subject, kind, definition.model)];
  if (definition.verbs.includes('delete')) {
    const answered = RETURNED.has(`${kind.group}/${kind.kind}`) ? definition.model : `${META_PACKAGE}.Status`;
    const remove = {
      method: 'delete',
      word: 'delete',
      action: 'delete',
      parameters: DELETE,
      body: anyContent(`${META_PACKAGE}.DeleteOptions`),
      codes: [200, 202],
    };
    methods.push(operation(place, { ...remove, subject, kind, content: encodedContent(answered, place.protobuf) }));
  }
  return methods;
}

/** The kind a subresource speaks. */
export const kindOfSubresource = ({ kind }: Pick<Place, 'kind'>, one: SubresourceDefinition): GroupVersionKind => ({
  group: one.group ?? kind.group,
  version: one.version ?? kind.version,
  kind: one.kind,
});

const STREAMS: readonly string[] = ['attach', 'exec', 'log', 'portforward', 'proxy'];

/** Whether a subresource is a conversation, not an object. */
export const isStream = ({ name }: SubresourceDefinition): boolean => STREAMS.includes(name);

const LOG_OPTIONS = 'io.k8s.api.core.v1.PodLogOptions';

/** Of streams (exec, log, proxy, ...) a document says how one connects, not what is said. */
function connectMethods(place: Place, one: SubresourceDefinition, subject: string, kind: GroupVersionKind): Methods {
  const log = one.name === 'log';
  const types = log ? ['application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml', 'text/plain'] : ['*/*'];
  const content: Schema = Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }]));
  const options = log ? LOG_OPTIONS : modelOfKind(kind);
  const parameters = options === undefined ? [] : optionParameters(options);
  return one.verbs.map((verb) => {
    const method = verb === 'create' ? 'post' : verb === 'update' ? 'put' : verb;
    const common = { method, kind, parameters, content, codes: [200] };
    if (log) return operation(place, { ...common, word: 'read', action: 'get', subject });
    return operation(place, { ...common, word: 'connect', action: 'connect', subject: `${capital(method)}${subject}` });
  });
}

function subresourceMethods(place: Place, one: SubresourceDefinition): Methods {
  const { definition } = place;
  const kind = kindOfSubresource(place, one);
  const subject = `${scopeWord(place)}${definition.kind}${capital(one.name)}`;
  const model = definition.schema && one.group === undefined ? definition.model : modelOfKind(kind);
  if (isStream(one) || model === undefined) return connectMethods(place, one, subject, kind);
  const methods = [...readAndWrite(place, one.verbs, subject, kind, model)];
  if (one.verbs.includes('create')) {
    const create = { method: 'post', word: 'create', action: 'post', parameters: WRITE, body: anyContent(model), codes: [200, 201, 202] };
    methods.push(operation(place, { ...create, subject, kind, content: encodedContent(model, place.protobuf) }));
  }
  return methods;
}

/** A path: what its operations have in common stands at the path itself, as in upstream's documents. */
function item(methods: Methods, parameters: readonly Schema[]): Schema {
  const lists = methods.map(([, { parameters: own }]) => own as readonly Schema[]);
  const common = (lists[0] ?? []).filter(({ name }) => lists.every((list) => list.some((other) => other['name'] === name)));
  const operations = methods.map(([method, { parameters: own, ...rest }]) => {
    const left = (own as readonly Schema[]).filter((parameter) => !common.includes(parameter));
    return [method, { ...rest, ...(left.length > 0 ? { parameters: left } : {}) }] as const;
  });
  const shared = [...common, ...parameters, PRETTY].filter(({ name }, at, all) => all.findIndex((other) => other['name'] === name) === at);
  return { ...Object.fromEntries(operations), parameters: shared.sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1)) };
}

/** Where a group and version says what it has. */
export function discoveryPath({ group, version }: GroupVersion): readonly [path: string, item: Schema] {
  const name = groupIdentifier(group);
  const content = encodedContent(`${META_PACKAGE}.APIResourceList`, true);
  const operationId = `get${capital(name)}${capital(version)}APIResources`;
  return [`/${rootPath({ group, version })}/`, { get: { tags: [`${name}_${version}`], operationId, responses: answers(content, [200]) } }];
}

/** The old form of watches, by a path of their own. */
function watchPaths(place: Place, root: string, base: string): readonly (readonly [string, Schema])[] {
  const { definition, kind } = place;
  if (!definition.verbs.includes('watch')) return [];
  const content = encodedContent(`${META_PACKAGE}.WatchEvent`, place.protobuf, true);
  const watch = { method: 'get', word: 'watch', kind, content, codes: [200], parameters: LIST };
  const under = (path: string): string => `${root}/watch${path.slice(root.length)}`;
  const subject = `${scopeWord(place)}${definition.kind}`;
  const space = definition.scope === 'Namespaced' ? [inPath('namespace')] : [];
  const one = operation(place, { ...watch, action: 'watch', subject });
  const many = operation(place, { ...watch, action: 'watchlist', subject: `${subject}List` });
  const all = operation(place, { ...watch, action: 'watchlist', subject: `${definition.kind}ListForAllNamespaces` });
  return [
    ...(space.length > 0 ? [[under(`${root}/${definition.resource.resource}`), item([all], [])] as const] : []),
    [under(base), item([many], space)],
    [under(`${base}/{name}`), item([one], [inPath('name'), ...space])],
  ];
}

/** Everything a resource is served under, by path. */
export function pathsOf(definition: ResourceDefinition): readonly (readonly [path: string, item: Schema])[] {
  const place = placeOf(definition);
  const root = `/${rootPath(definition.resource)}`;
  const { resource } = definition.resource;
  const namespaced = definition.scope === 'Namespaced';
  const base = namespaced ? `${root}/namespaces/{namespace}/${resource}` : `${root}/${resource}`;
  const parameters = namespaced ? [inPath('namespace')] : [];
  const named = [inPath('name'), ...parameters];
  const everywhere: (readonly [string, Schema])[] = [];
  if (namespaced && definition.verbs.includes('list')) {
    const subject = `${definition.kind}ForAllNamespaces`;
    const list = { method: 'get', word: 'list', action: 'list', parameters: LIST, codes: [200] };
    const content = encodedContent(listModel(definition.model, definition.listKind), place.protobuf, true);
    everywhere.push([`${root}/${resource}`, item([operation(place, { ...list, subject, kind: place.kind, content })], [])]);
  }
  const items: readonly (readonly [string, Schema])[] = [
    ...everywhere,
    ...watchPaths(place, root, base),
    [base, item(collectionMethods(place), parameters)],
    [`${base}/{name}`, item(objectMethods(place), named)],
    ...definition.subresources.map((one) => [`${base}/{name}/${one.name}`, item(subresourceMethods(place, one), named)] as const),
  ];
  // Kinds that are only created have no path of a single one.
  return items.filter(([, { parameters: _, ...operations }]) => Object.keys(operations).length > 0);
}
