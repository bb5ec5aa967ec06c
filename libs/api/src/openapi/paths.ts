import type { GroupVersionKind } from '#libs/apimachinery';
import { rootPath } from '../api-discovery/group-version.js';
import type { ResourceDefinition, SubresourceDefinition } from '../definition.js';
import { listModel, modelOfKind, schemaPath, type Schema } from './schemas.js';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

const query = (name: string, type: 'string' | 'boolean' | 'integer'): Schema => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});
const inPath = (name: string): Schema => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } });

const PRETTY = query('pretty', 'string');
const WRITE = [query('dryRun', 'string'), query('fieldManager', 'string'), query('fieldValidation', 'string')];
const LIST = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue', 'string'),
  query('fieldSelector', 'string'),
  query('labelSelector', 'string'),
  query('limit', 'integer'),
  query('resourceVersion', 'string'),
  query('resourceVersionMatch', 'string'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
const DELETE = [
  query('dryRun', 'string'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy', 'string'),
];

const json = (model: string): Schema => ({ 'application/json': { schema: { $ref: schemaPath(model) } } });
const answers = (content: Schema, codes: readonly number[]): Schema =>
  Object.fromEntries([...codes.map((code) => [`${code}`, { description: 'OK', content }]), ['401', { description: 'Unauthorized' }]]);
const body = (content: Schema): Schema => ({ requestBody: { content, required: true } });

/** What every operation on one resource shares. */
interface Place {
  readonly definition: ResourceDefinition;
  readonly kind: GroupVersionKind;
  /** In operation ids: `CoreV1`, `AppsV1`. */
  readonly groupName: string;
  readonly tag: string;
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
    ...(one.body ? body(one.body) : {}),
    responses: answers(one.content, one.codes),
    'x-kubernetes-action': one.action,
    'x-kubernetes-group-version-kind': { group: one.kind.group, kind: one.kind.kind, version: one.kind.version },
  },
];

const patchBody = ({ definition }: Place): Schema =>
  Object.fromEntries(
    PATCH_TYPES.filter((type) => !definition.schema || !type.includes('strategic')).map((type) => [
      type,
      { schema: { $ref: schemaPath(`${META}.Patch`) } },
    ]),
  );

const scopeWord = ({ definition }: Place): string => (definition.scope === 'Namespaced' ? 'Namespaced' : '');

type Methods = readonly (readonly [string, Schema])[];

/** Read, replace and patch: of an object, or of a subresource that is one. */
function readAndWrite(place: Place, verbs: readonly string[], subject: string, kind: GroupVersionKind, model: string): Methods {
  const content = json(model);
  const common = { subject, kind, content };
  const methods: (readonly [string, Schema])[] = [];
  if (verbs.includes('get')) {
    methods.push(operation(place, { ...common, method: 'get', word: 'read', action: 'get', parameters: [], codes: [200] }));
  }
  if (verbs.includes('update')) {
    const replace = { method: 'put', word: 'replace', action: 'put', parameters: WRITE, body: content, codes: [200, 201] };
    methods.push(operation(place, { ...common, ...replace }));
  }
  if (verbs.includes('patch')) {
    const parameters = [...WRITE, query('force', 'boolean')];
    const patch = { method: 'patch', word: 'patch', action: 'patch', parameters, body: patchBody(place), codes: [200, 201] };
    methods.push(operation(place, { ...common, ...patch }));
  }
  return methods;
}

function collectionMethods(place: Place): Methods {
  const { definition, kind } = place;
  const { verbs, model } = definition;
  const subject = `${scopeWord(place)}${definition.kind}`;
  const content = json(model);
  const methods: (readonly [string, Schema])[] = [];
  if (verbs.includes('list')) {
    const list = { method: 'get', word: 'list', action: 'list', parameters: LIST, codes: [200] };
    methods.push(operation(place, { ...list, subject, kind, content: json(listModel(model, definition.listKind)) }));
  }
  if (verbs.includes('create')) {
    const create = { method: 'post', word: 'create', action: 'post', parameters: WRITE, body: content, codes: [200, 201, 202] };
    methods.push(operation(place, { ...create, subject, kind, content }));
  }
  if (verbs.includes('deletecollection')) {
    const parameters = [...DELETE, ...LIST.filter(({ name }) => !['allowWatchBookmarks', 'watch'].includes(String(name)))];
    const remove = {
      method: 'delete',
      word: 'delete',
      action: 'deletecollection',
      parameters,
      body: json(`${META}.DeleteOptions`),
      codes: [200],
    };
    methods.push(operation(place, { ...remove, subject: `Collection${subject}`, kind, content: json(`${META}.Status`) }));
  }
  return methods;
}

function objectMethods(place: Place): Methods {
  const { definition, kind } = place;
  const subject = `${scopeWord(place)}${definition.kind}`;
  const methods = [...readAndWrite(place, definition.verbs, subject, kind, definition.model)];
  if (definition.verbs.includes('delete')) {
    const remove = {
      method: 'delete',
      word: 'delete',
      action: 'delete',
      parameters: DELETE,
      body: json(`${META}.DeleteOptions`),
      codes: [200, 202],
    };
    methods.push(operation(place, { ...remove, subject, kind, content: json(`${META}.Status`) }));
  }
  return methods;
}

/** The kind a subresource speaks. */
export const kindOfSubresource = ({ kind }: Pick<Place, 'kind'>, one: SubresourceDefinition): GroupVersionKind => ({
  group: one.group ?? kind.group,
  version: one.version ?? kind.version,
  kind: one.kind,
});

/** Of streams (exec, log, proxy, ...) a document says only that one can connect. */
function connectMethods(place: Place, one: SubresourceDefinition, subject: string, kind: GroupVersionKind): Methods {
  const content: Schema = { '*/*': { schema: { type: 'string' } } };
  return one.verbs.flatMap((verb) => {
    const method = verb === 'create' ? 'post' : verb === 'update' ? 'put' : verb;
    const log = one.name === 'log';
    const word = log ? 'read' : `connect${capital(method)}`;
    return [operation(place, { method, word, action: log ? 'get' : 'connect', subject, kind, parameters: [], content, codes: [200] })];
  });
}

const STREAMS: readonly string[] = ['attach', 'exec', 'log', 'portforward', 'proxy'];

function subresourceMethods(place: Place, one: SubresourceDefinition): Methods {
  const { definition } = place;
  const kind = kindOfSubresource(place, one);
  const subject = `${scopeWord(place)}${definition.kind}${capital(one.name)}`;
  const model = definition.schema && one.group === undefined ? definition.model : modelOfKind(kind);
  if (STREAMS.includes(one.name) || model === undefined) return connectMethods(place, one, subject, kind);
  const methods = [...readAndWrite(place, one.verbs, subject, kind, model)];
  if (one.verbs.includes('create')) {
    const create = { method: 'post', word: 'create', action: 'post', parameters: WRITE, body: json(model), codes: [200, 201, 202] };
    methods.push(operation(place, { ...create, subject, kind, content: json(model) }));
  }
  return methods;
}

const item = (methods: Methods, parameters: readonly Schema[]): Schema => ({
  ...Object.fromEntries(methods),
  parameters: [...parameters, PRETTY],
});

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
    const content = json(listModel(definition.model, definition.listKind));
    everywhere.push([`${root}/${resource}`, item([operation(place, { ...list, subject, kind: place.kind, content })], [])]);
  }
  return [
    ...everywhere,
    [base, item(collectionMethods(place), parameters)],
    [`${base}/{name}`, item(objectMethods(place), named)],
    ...definition.subresources.map((one) => [`${base}/{name}/${one.name}`, item(subresourceMethods(place, one), named)] as const),
  ];
}
