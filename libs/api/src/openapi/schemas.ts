import type { GroupVersionKind } from '#libs/apimachinery';
import { JSON_SCHEMA_MODEL } from '../schema/apiextensions-facts.js';
import { ATOMIC_MODELS, MODELS, modelFacts, shortName, UNIONS as UNION_MODELS, type FieldFact } from '../schema/facts.js';
import { schemaPath, schemaReference, type Schema } from './reference.js';
import { META_PACKAGE } from '../schema/meta-models.js';

export { schemaPath, type Schema };

/** Names of the schemas that stand for scalars of Kubernetes' own. */
const SCALAR_MODEL = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  time: `${META_PACKAGE}.Time`,
  microTime: `${META_PACKAGE}.MicroTime`,
} as const;
const FIELDS_V1 = `${META_PACKAGE}.FieldsV1`;
const RAW_EXTENSION = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
/** Any JSON at all, in schemas of custom resources; elsewhere what may hold anything holds an object. */
const ANY_JSON = JSON_SCHEMA_MODEL.replace(/\w+$/, 'JSON');
const inSchemas = (type: string): string => type.replace(/any$/, 'json');

/** Types that may be a schema or something else; a document says nothing of them. */
const UNIONS: Readonly<Record<string, string>> = Object.fromEntries(
  ['Bool', 'Array', 'StringArray'].map((other) => [`schemaOr${other.replace('StringArray', 'Strings')}`, `${JSON_SCHEMA_MODEL}Or${other}`]),
);

/** Schemas of what has no fields of its own. */
const LEAVES: Readonly<Record<string, Schema>> = {
  [SCALAR_MODEL.quantity]: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  [SCALAR_MODEL.intOrString]: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  [SCALAR_MODEL.time]: { type: 'string', format: 'date-time' },
  [SCALAR_MODEL.microTime]: { type: 'string', format: 'date-time' },
  [FIELDS_V1]: { type: 'object' },
  [RAW_EXTENSION]: { type: 'object' },
  [ANY_JSON]: {},
  ...Object.fromEntries(Object.values(UNIONS).map((model) => [model, {}])),
  [`${META_PACKAGE}.Patch`]: { type: 'object' },
  [`${META_PACKAGE}.WatchEvent`]: {
    type: 'object',
    required: ['type', 'object'],
    properties: { type: { type: 'string', default: '' }, object: schemaReference(RAW_EXTENSION) },
  },
};

/** The schemas every document has: what requests and answers of any resource may hold. */
export const COMMON_MODELS: readonly string[] = ['APIResourceList', 'DeleteOptions', 'Patch', 'Status', 'WatchEvent'].map(
  (name) => `${META_PACKAGE}.${name}`,
);

const SCALARS: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  byte: { type: 'integer', format: 'byte' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  duration: { type: 'string' },
};
const ZEROS: Readonly<Record<string, unknown>> = { string: '', bool: false, int32: 0, int64: 0, byte: 0, double: 0 };

/** The model a type refers to, if any: directly, not through a list or map. */
function modelOfType(type: string): string | undefined {
  if (type.startsWith('#')) return type.slice(1);
  if (type === 'any') return RAW_EXTENSION;
  if (type === 'json') return ANY_JSON;
  if (Object.hasOwn(UNIONS, type)) return UNIONS[type];
  return Object.hasOwn(SCALAR_MODEL, type) ? SCALAR_MODEL[type as keyof typeof SCALAR_MODEL] : undefined;
}

/** `values`: of the innermost string, where it is an enumeration. */
function typeSchema(type: string, defaulted: boolean, values?: readonly string[]): Schema {
  if (type.startsWith('[]')) return { type: 'array', items: typeSchema(type.slice(2), true, values) };
  if (type.startsWith('map:')) return { type: 'object', additionalProperties: typeSchema(type.slice(4), true, values) };
  const model = modelOfType(type);
  if (model) return defaulted && type.startsWith('#') ? { ...schemaReference(model), default: {} } : schemaReference(model);
  const zero = ZEROS[type];
  const enumeration = values === undefined ? {} : { enum: values };
  return defaulted && zero !== undefined ? { ...SCALARS[type], default: zero, ...enumeration } : { ...SCALARS[type], ...enumeration };
}

/** Of one field: its type and what merging needs to know. */
function fieldSchema(name: string, fact: FieldFact): Schema {
  const struct = fact.type.startsWith('#') && fact.pointer !== true;
  const base =
    name === 'fieldsV1'
      ? schemaReference(FIELDS_V1)
      : typeSchema(fact.type, struct || (!fact.optional && fact.pointer !== true), fact.enum);
  return {
    ...base,
    ...(fact.default === undefined ? {} : { default: fact.default }),
    ...(fact.listMapKeys ? { 'x-kubernetes-list-map-keys': fact.listMapKeys } : {}),
    ...(fact.listType ? { 'x-kubernetes-list-type': fact.listType } : {}),
    ...(fact.mapType ? { 'x-kubernetes-map-type': fact.mapType } : {}),
    ...(fact.patchMergeKey ? { 'x-kubernetes-patch-merge-key': fact.patchMergeKey } : {}),
    ...(fact.patchStrategy ? { 'x-kubernetes-patch-strategy': fact.patchStrategy } : {}),
  };
}

/** A schema with the kinds that are sent and answered as it. */
export const withKinds = (schema: Schema, kinds: readonly GroupVersionKind[]): Schema =>
  kinds.length === 0
    ? schema
    : { ...schema, 'x-kubernetes-group-version-kind': kinds.map(({ group, kind, version }) => ({ group, kind, version })) };

function fieldsOf(model: string): Readonly<Record<string, FieldFact>> {
  const facts = modelFacts(model);
  if (model !== JSON_SCHEMA_MODEL) return facts;
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, { ...fact, type: inSchemas(fact.type) }]));
}

/** The schema of a model, fields in the order of their names. */
export function modelSchema(model: string): Schema {
  const leaf = LEAVES[model];
  if (leaf) return leaf;
  const declared = Object.entries(fieldsOf(model));
  const fields = [...declared].sort(([a], [b]) => (a < b ? -1 : 1));
  const required = declared.filter(([, fact]) => fact.optional !== true).map(([name]) => name);
  return {
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    ...(fields.length > 0 ? { properties: Object.fromEntries(fields.map(([name, fact]) => [name, fieldSchema(name, fact)])) } : {}),
    ...(ATOMIC_MODELS.has(model) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...unionOf(model),
  };
}

/** Which member of a union says which of the others counts. */
function unionOf(model: string): Schema {
  const union = Object.hasOwn(UNION_MODELS, model) ? UNION_MODELS[model] : undefined;
  if (union === undefined) return {};
  const { discriminator, fields } = union;
  const named = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { 'x-kubernetes-unions': [{ ...(discriminator === undefined ? {} : { discriminator }), 'fields-to-discriminateBy': named }] };
}

/** The schema of a list of a model's objects. */
export const listSchema = (model: string): Schema => ({
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion: { type: 'string' },
    items: { type: 'array', items: { ...schemaReference(model), default: {} } },
    kind: { type: 'string' },
    metadata: { ...schemaReference(`${META_PACKAGE}.ListMeta`), default: {} },
  },
});

/** The models that a model's fields mention. */
function mentioned(model: string): readonly string[] {
  if (model === `${META_PACKAGE}.WatchEvent`) return [RAW_EXTENSION];
  if (Object.hasOwn(LEAVES, model)) return [];
  return Object.entries(fieldsOf(model)).flatMap(([name, fact]) => {
    const found = name === 'fieldsV1' ? FIELDS_V1 : modelOfType(fact.type.replace(/^(?:\[\]|map:)+/, ''));
    return found === undefined ? [] : [found];
  });
}

/** The models given and all that they mention, at any depth, sorted. */
export function closure(models: readonly string[]): readonly string[] {
  const found = new Set(models);
  for (const model of found) for (const next of mentioned(model)) found.add(next);
  return [...found].sort();
}

/** The model of a kind that some subresource speaks, e.g. Scale of autoscaling/v1; undefined where it has no type here. */
export function modelOfKind({ group, version, kind }: GroupVersionKind): string | undefined {
  const model = `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}.${kind}`;
  return Object.hasOwn(MODELS, model) ? model : undefined;
}

/** The model of a kind's list: `io.k8s.api.core.v1.PodList`. */
export const listModel = (model: string, listKind: string): string => model.slice(0, -shortName(model).length) + listKind;
