import { BOOL, BYTES, DOUBLE, DURATION, DYN, escapeName, INT, listOf, mapOf, objectOf, STRING, TIMESTAMP, type CelType } from '#libs/cel';
import type { SchemaNode } from '../schema/node.js';

const META: CelType = objectOf('metadata', { name: STRING, generateName: STRING });

/** The type that rules see of a place; undefined where they can't see it (apiserver `cel/common/schemas.go`). */
export function celTypeOf(node: SchemaNode, isResource: boolean, name = 'object'): CelType | undefined {
  if (node.intOrString) return DYN;
  const resource = isResource || node.embedded;
  switch (node.type) {
    case 'array': {
      const element = node.items && celTypeOf(node.items, false, `${name}.@idx`);
      return element && listOf(element, node.schema.maxItems);
    }
    case 'object':
      return objectType(node, resource, name);
    case 'string':
      return stringType(node);
    case 'boolean':
      return BOOL;
    case 'number':
      return DOUBLE;
    case 'integer':
      return INT;
    default:
      return undefined;
  }
}

function objectType(node: SchemaNode, resource: boolean, name: string): CelType | undefined {
  if (node.additional) {
    const value = celTypeOf(node.additional, false, `${name}.@elem`);
    return value && mapOf(STRING, value, node.schema.maxProperties);
  }
  const fields: Record<string, CelType> = {};
  for (const [property, inner] of node.properties) {
    const type = celTypeOf(inner, false, `${name}.${property}`);
    if (type && escapeName(property) !== undefined) fields[property] = type;
  }
  if (resource) {
    fields['kind'] = STRING;
    fields['apiVersion'] = STRING;
    fields['metadata'] = META;
  }
  return objectOf(name, fields);
}

function stringType({ schema }: SchemaNode): CelType {
  switch (schema.format) {
    case 'byte':
      return BYTES;
    case 'duration':
      return DURATION;
    case 'date':
    case 'date-time':
      return TIMESTAMP;
    default:
      return schema.maxLength === undefined ? STRING : { kind: 'string', max: schema.maxLength };
  }
}
