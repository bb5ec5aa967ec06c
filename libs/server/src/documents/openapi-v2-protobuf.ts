import type { JsonObject } from '#libs/apimachinery';

/** The media type under which kubectl asks for Swagger 2.0: gnostic's `openapi.v2.Document`. Answered with a dot for `@`. */
export const OPENAPI_V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

/**
 * A Swagger 2.0 document as gnostic's protobuf has it (openapiv2/OpenAPIv2.proto): title, version and the definitions,
 * which is what kubectl reads of it. The operations are in the JSON form.
 */
export function openApiV2Protobuf({ swagger, info, definitions }: JsonObject): Buffer {
  const { title, version } = (info ?? {}) as JsonObject;
  const schemas = Object.entries((definitions ?? {}) as Readonly<Record<string, JsonObject>>);
  return message([
    text(1, swagger),
    bytes(2, message([text(1, title), text(2, version)])),
    bytes(8, message([])),
    bytes(9, message(schemas.map(([name, schema]) => bytes(1, named(name, schemaMessage(schema)))))),
  ]);
}

const varint = (value: number): Buffer => {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...out, rest]);
    out.push((rest % 128) | 128);
  }
};
const message = (fields: readonly Buffer[]): Buffer => Buffer.concat(fields);
const bytes = (number: number, content: Buffer): Buffer => Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
const text = (number: number, value: unknown): Buffer =>
  typeof value === 'string' && value !== '' ? bytes(number, Buffer.from(value)) : Buffer.alloc(0);
const named = (name: string, value: Buffer): Buffer => message([text(1, name), bytes(2, value)]);

/** Any value, as the YAML that it is in JSON. */
const anything = (value: unknown): Buffer => text(2, `${JSON.stringify(value)}\n`);

/** `Schema` of the proto, with the members that our documents have. */
function schemaMessage(schema: JsonObject): Buffer {
  const { type, items, properties, additionalProperties, required } = schema;
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? (type as readonly string[]) : [];
  return message([
    text(1, schema['$ref']),
    text(2, schema['format']),
    text(4, schema['description']),
    ...(schema['default'] === undefined ? [] : [bytes(5, anything(schema['default']))]),
    ...(Array.isArray(required) ? (required as readonly string[]).map((name) => text(19, name)) : []),
    ...(additionalProperties === undefined ? [] : [bytes(21, additional(additionalProperties))]),
    ...(types.length === 0 ? [] : [bytes(22, message(types.map((name) => text(1, name))))]),
    ...(items === undefined ? [] : [bytes(23, bytes(1, schemaMessage(items as JsonObject)))]),
    ...(properties === undefined
      ? []
      : [
          bytes(
            25,
            message(
              Object.entries(properties as Readonly<Record<string, JsonObject>>).map(([name, one]) =>
                bytes(1, named(name, schemaMessage(one))),
              ),
            ),
          ),
        ]),
    ...Object.entries(schema)
      .filter(([key]) => key.startsWith('x-'))
      .map(([key, value]) => bytes(31, named(key, anything(value)))),
  ]);
}

const additional = (value: unknown): Buffer =>
  typeof value === 'boolean' ? Buffer.from([16, value ? 1 : 0]) : bytes(1, schemaMessage(value as JsonObject));
