import { isSchema, type JsonSchema } from '#libs/custom-resources';
import { schemaReference, type Schema } from '../../openapi/reference.js';
import { OBJECT_META } from '../../schema/meta-models.js';

/** What every object has besides what its schema says. */
const withTypeMeta = (properties: Readonly<Record<string, Schema>>): Schema => ({
  ...properties,
  apiVersion: properties['apiVersion'] ?? { type: 'string' },
  kind: properties['kind'] ?? { type: 'string' },
  metadata: schemaReference(OBJECT_META),
});

function published(schema: JsonSchema, isResource: boolean): Schema {
  const { properties, additionalProperties, items, ...rest } = schema;
  const members = Object.fromEntries(Object.entries(properties ?? {}).map(([name, one]) => [name, published(one, false)]));
  const resource = isResource || schema['x-kubernetes-embedded-resource'] === true;
  const shown = resource ? withTypeMeta(members) : members;
  return {
    ...rest,
    ...(properties !== undefined || resource ? { properties: shown } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: isSchema(additionalProperties) ? published(additionalProperties, false) : additionalProperties }),
    ...(isSchema(items) ? { items: published(items, false) } : {}),
  };
}

/** The schema of a version as OpenAPI documents have it: what resources have in common is added. */
export function publishedSchema(schema: JsonSchema | undefined, preserves: boolean): Schema {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;
  if (schema === undefined) return published(open, true);
  return published(preserves ? { ...schema, 'x-kubernetes-preserve-unknown-fields': true } : schema, true);
}
