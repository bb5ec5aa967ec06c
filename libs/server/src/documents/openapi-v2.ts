import { isJsonObject, type JsonObject } from '#libs/apimachinery';

/** What is read of an OpenAPI 3.0 document. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: {
    readonly schemas?: Readonly<Record<string, unknown>>;
    readonly securitySchemes?: Readonly<Record<string, unknown>>;
  };
}

const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);
const V3_SCHEMAS = '#/components/schemas/';

/** Swagger 2.0 for the clients that still ask for it: the documents of all groups in one, nothing added. */
export function openApiV2(documents: readonly OpenApiDocument[], version: string): JsonObject {
  const definitions: Record<string, unknown> = {};
  const paths: Record<string, unknown> = {};
  for (const { components, paths: theirs } of documents) {
    for (const [name, schema] of Object.entries(components?.schemas ?? {})) definitions[name] ??= schemaOf(schema);
    for (const [path, item] of Object.entries(theirs ?? {})) paths[path] = pathOf(item as JsonObject);
  }
  const securityDefinitions: Record<string, unknown> = {};
  for (const { components } of documents) Object.assign(securityDefinitions, components?.securitySchemes);
  const security = Object.keys(securityDefinitions).map((name) => ({ [name]: [] }));
  return { swagger: '2.0', info: { title: 'Kubernetes', version }, paths, definitions, securityDefinitions, security };
}

const PRESERVES = 'x-kubernetes-preserve-unknown-fields';
/** What any object has besides what its schema says. */
const TYPE_META: readonly string[] = ['apiVersion', 'kind', 'metadata'];

const isOfTypes = (oneOf: unknown): boolean =>
  Array.isArray(oneOf) && oneOf.every((one) => isJsonObject(one) && typeof one['type'] === 'string');

const mapped = (members: unknown): unknown =>
  isJsonObject(members) ? Object.fromEntries(Object.entries(members).map(([name, one]) => [name, schemaOf(one)])) : members;

/**
 * A schema as Swagger has it: references in their place, one wrapped to carry a default unwrapped, what Swagger can't
 * say left out. Clients of it know neither null nor fields beside those that are specified.
 */
function schemaOf(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const { $ref, allOf, oneOf, anyOf: _anyOf, not: _not, nullable, ...rest } = value;
  if (typeof $ref === 'string') return { $ref: $ref.replace(V3_SCHEMAS, '#/definitions/') };
  const [only] = Array.isArray(allOf) ? (allOf as readonly unknown[]) : [];
  const inner = isJsonObject(only) && typeof only['$ref'] === 'string' ? (schemaOf(only) as JsonObject) : {};
  // What may be of one of several types is a string there, as upstream has it for quantities and ports.
  const converted: Record<string, unknown> = { ...(isOfTypes(oneOf) ? { type: 'string' } : {}), ...inner };
  for (const [key, member] of Object.entries(rest)) converted[key] = memberOf(key, member);
  if (nullable === true)
    for (const key of ['type', 'format', 'properties', 'items', 'additionalProperties', 'required']) delete converted[key];
  if (converted[PRESERVES] === true) preserve(converted);
  return converted;
}

function memberOf(key: string, member: unknown): unknown {
  if (key === 'properties') return mapped(member);
  return key === 'items' || key === 'additionalProperties' ? schemaOf(member) : member;
}

function preserve(schema: Record<string, unknown>): void {
  delete schema['items'];
  const { properties } = schema;
  if (!isJsonObject(properties)) return;
  const kept = Object.entries(properties).filter(([name]) => TYPE_META.includes(name));
  if (kept.length === TYPE_META.length) schema['properties'] = Object.fromEntries(kept);
  else delete schema['properties'];
}

function pathOf(item: JsonObject): JsonObject {
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(item)) {
    if (METHODS.has(key)) converted[key] = operationOf(value as JsonObject);
    else converted[key] = key === 'parameters' && Array.isArray(value) ? value.map(parameterOf) : value;
  }
  return converted;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

function operationOf({ requestBody, responses, parameters, ...rest }: JsonObject): JsonObject {
  const { content: body, required = false } = (requestBody ?? {}) as Content & { readonly required?: boolean };
  const bodyParameter =
    body === undefined ? [] : [{ name: 'body', in: 'body', ...(required ? { required } : {}), schema: schemaOf(firstSchema(body)) }];
  const answers: Record<string, unknown> = {};
  let produces: readonly string[] = [];
  for (const [code, response] of Object.entries(
    (responses ?? {}) as Readonly<Record<string, Content & { readonly description?: string }>>,
  )) {
    const { content, description = '' } = response;
    const schema = content && firstSchema(content);
    if (content !== undefined && produces.length === 0) produces = Object.keys(content);
    answers[code] = schema === undefined ? { description } : { description, schema: schemaOf(schema) };
  }
  return {
    ...rest,
    ...(body === undefined ? {} : { consumes: Object.keys(body) }),
    produces,
    parameters: [...((parameters as readonly JsonObject[] | undefined) ?? []).map(parameterOf), ...bodyParameter],
    responses: answers,
  };
}

const firstSchema = (content: NonNullable<Content['content']>): unknown => Object.values(content)[0]?.schema;

/** A parameter with the members of its schema lifted into it, as Swagger has them. */
function parameterOf(parameter: unknown): unknown {
  const { schema, $ref, ...rest } = parameter as JsonObject;
  if (typeof $ref === 'string') return { $ref: $ref.replace('#/components/parameters/', '#/parameters/') };
  const { type = 'string', ...more } = (schemaOf(schema ?? {}) ?? {}) as JsonObject;
  return { ...rest, type, ...('uniqueItems' in more ? { uniqueItems: more['uniqueItems'] } : {}) };
}
