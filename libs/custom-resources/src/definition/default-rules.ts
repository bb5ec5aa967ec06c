import { child, deepEqual, invalidValue, keyed, type FieldError } from '#libs/apimachinery';
import { applyDefaults } from '../schema/default.js';
import { additionalOf, itemsOf, nodeOf, type SchemaNode } from '../schema/node.js';
import { prune } from '../schema/prune.js';
import type { JsonSchema } from '../types.js';
import { checkOf } from '../validation/check.js';
import { validateInvariants } from '../validation/invariants.js';
import { NOWHERE } from '../validation/problems.js';
import { validateValue } from '../validation/validate.js';

/** Every default that breaks its own schema (apiextensions-apiserver `schema/defaulting/validation.go`). */
export function validateDefaults(schema: JsonSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  walk(schema, path, true, errors);
  return errors;
}

function walk(schema: JsonSchema, path: string, root: boolean, errors: FieldError[]): void {
  if (schema.default !== undefined && schema.default !== null && !root) errors.push(...validateDefault(schema, child(path, 'default')));
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    // What there is of metadata is judged as metadata.
    if (root && ['metadata', 'kind', 'apiVersion'].includes(name)) continue;
    walk(one, keyed(child(path, 'properties'), name), false, errors);
  }
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  if (items) walk(items, child(path, 'items'), false, errors);
  if (additional) walk(additional, child(path, 'additionalProperties'), false, errors);
}

const under = (path: string, { field, ...rest }: FieldError): FieldError => ({
  ...rest,
  field: field === NOWHERE || field === '' ? path : field.startsWith('[') ? `${path}${field}` : child(path, field),
});

function validateDefault(schema: JsonSchema, path: string): readonly FieldError[] {
  const { default: value } = schema;
  const node: SchemaNode = nodeOf(schema);
  const pruned = prune(node, value, false, undefined);
  if (!deepEqual(pruned, value)) return [invalidValue(path, value, 'must not have unknown fields')];
  const filled = applyDefaults(node, value);
  return [...validateValue(checkOf(schema), filled), ...validateInvariants(node, filled)].map((error) => under(path, error));
}
