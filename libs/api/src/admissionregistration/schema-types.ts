import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  escapeName,
  INT,
  listOf,
  mapOf,
  objectOf,
  STRING,
  TIMESTAMP,
  unescapeName,
  type CelType,
  type ObjectType,
} from '#libs/cel';
import { modelFacts, shortName } from '../schema/facts.js';

const SCALARS: Readonly<Record<string, CelType>> = {
  string: STRING,
  bool: BOOL,
  int32: INT,
  int64: INT,
  double: DOUBLE,
  time: TIMESTAMP,
  microTime: TIMESTAMP,
  bytes: BYTES,
  quantity: STRING,
  intOrString: DYN,
  any: DYN,
};

const models = new Map<string, ObjectType>();

function typeOfFact(type: string): CelType {
  if (type.startsWith('[]')) return listOf(typeOfFact(type.slice(2)));
  if (type.startsWith('map:')) return mapOf(STRING, typeOfFact(type.slice(4)));
  return type.startsWith('#') ? modelType(type.slice(1)) : (SCALARS[type] ?? DYN);
}

/** The type that expressions see of a built-in kind. Fields are looked up when they are named: models contain themselves. */
export function modelType(model: string): ObjectType {
  const known = models.get(model);
  if (known) return known;
  const facts = modelFacts(model);
  const type: ObjectType = {
    kind: 'object',
    name: shortName(model),
    field: (name) => {
      const json = unescapeName(name);
      if (escapeName(json) !== name) return undefined;
      const fact = Object.hasOwn(facts, json) ? facts[json] : undefined;
      if (fact) return { json, type: typeOfFact(fact.type) };
      return json === 'kind' || json === 'apiVersion' ? { json, type: STRING } : undefined;
    },
  };
  models.set(model, type);
  return type;
}

/** What is looked at of an OpenAPI schema of a custom resource. */
export interface TypedSchema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, TypedSchema>>;
  readonly additionalProperties?: TypedSchema | boolean;
  readonly items?: TypedSchema | readonly TypedSchema[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

const FORMATS: Readonly<Record<string, CelType>> = { byte: BYTES, date: TIMESTAMP, 'date-time': TIMESTAMP, duration: DURATION };

function objectSchemaType(schema: TypedSchema, name: string): CelType {
  const { properties, additionalProperties: additional } = schema;
  if (!properties && typeof additional === 'object') return mapOf(STRING, schemaType(additional, `${name}.@elem`));
  if (!properties) return schema['x-kubernetes-preserve-unknown-fields'] || additional === true ? mapOf(STRING, DYN) : objectOf(name, {});
  return objectOf(name, Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, schemaType(each, `${name}.${key}`)])));
}

/** The type that expressions see of a place in a custom resource. */
export function schemaType(schema: TypedSchema, name: string): CelType {
  if (schema['x-kubernetes-int-or-string']) return DYN;
  switch (schema.type) {
    case 'object':
      return objectSchemaType(schema, name);
    case 'array':
      return listOf(schema.items && !Array.isArray(schema.items) ? schemaType(schema.items as TypedSchema, `${name}.@idx`) : DYN);
    case 'string':
      return FORMATS[schema.format ?? ''] ?? STRING;
    case 'boolean':
      return BOOL;
    case 'integer':
      return INT;
    case 'number':
      return DOUBLE;
    default:
      return DYN;
  }
}

/** The type that expressions see of a custom resource as a whole. */
export const resourceType = (schema: TypedSchema, kind: string): CelType =>
  objectSchemaType(
    {
      ...schema,
      properties: {
        ...schema.properties,
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { type: 'object', properties: METADATA_SCHEMA },
      },
    },
    kind,
  );

const METADATA_SCHEMA: Readonly<Record<string, TypedSchema>> = { name: { type: 'string' }, generateName: { type: 'string' } };
