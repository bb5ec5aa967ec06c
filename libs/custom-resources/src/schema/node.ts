import type { JsonSchema, ValidationRule } from '../types.js';

/**
 * The structural part of a schema, made once for each version of a definition: which members there are, what is kept,
 * what is filled in. What values may be is the work of `Check`.
 */
export interface SchemaNode {
  /** '' where the schema names none. */
  readonly type: string;
  readonly nullable: boolean;
  readonly preservesUnknown: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Whether other members are allowed: `additionalProperties` is true or a schema. */
  readonly open: boolean;
  readonly additional: SchemaNode | undefined;
  readonly items: SchemaNode | undefined;
  /** Undefined: none. */
  readonly default: unknown;
  /** How long the default is as JSON, for the limit on what defaults may add to an object. */
  readonly defaultLength: number;
  readonly listType: string;
  readonly listMapKeys: readonly string[];
  readonly mapType: string;
  readonly rules: readonly ValidationRule[];
  /** Whether there are CEL rules here or below. */
  readonly ruled: boolean;
  /** Whether there are lists that are sets or maps, or embedded resources, here or below. */
  readonly invariant: boolean;
  readonly schema: JsonSchema;
}

/** Whether what stands where a schema may is one: `additionalProperties` may be a boolean, `items` a list. */
export const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of a list's items; undefined where there is none, or a list of schemas, which a structural schema can't have. */
export const itemsOf = ({ items }: JsonSchema): JsonSchema | undefined => (isSchema(items) ? items : undefined);

/** The schema of further members; undefined where there is none, or only a yes or no. */
export const additionalOf = ({ additionalProperties }: JsonSchema): JsonSchema | undefined =>
  isSchema(additionalProperties) ? additionalProperties : undefined;

/** Compiles a schema that has been found structural. */
export function nodeOf(schema: JsonSchema): SchemaNode {
  const properties = new Map(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, nodeOf(one)]));
  const inner = additionalOf(schema);
  const additional = inner && nodeOf(inner);
  const list = itemsOf(schema);
  const items = list && nodeOf(list);
  const below = [...properties.values(), ...(additional ? [additional] : []), ...(items ? [items] : [])];
  const rules = schema['x-kubernetes-validations'] ?? [];
  const listType = schema['x-kubernetes-list-type'] ?? '';
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  return {
    type: schema.type ?? '',
    nullable: schema.nullable === true,
    preservesUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded,
    intOrString: schema['x-kubernetes-int-or-string'] === true,
    properties,
    open: additional !== undefined || schema.additionalProperties === true,
    additional,
    items,
    default: schema.default ?? undefined,
    defaultLength: schema.default === undefined || schema.default === null ? 0 : JSON.stringify(schema.default).length,
    listType,
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    mapType: schema['x-kubernetes-map-type'] ?? '',
    rules,
    ruled: rules.length > 0 || below.some(({ ruled }) => ruled),
    invariant: embedded || listType === 'set' || listType === 'map' || below.some(({ invariant }) => invariant),
    schema,
  };
}

/** The node of a member of an object; undefined where the schema knows nothing of it. */
export const memberNode = (node: SchemaNode, name: string): SchemaNode | undefined => node.properties.get(name) ?? node.additional;
