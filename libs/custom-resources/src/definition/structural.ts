import { child, deepEqual, forbiddenField, invalidValue, keyed, required, item, ownMember, type FieldError } from '#libs/apimachinery';
import { additionalOf, itemsOf } from '../schema/node.js';
import type { JsonSchema } from '../types.js';
import { compilePattern, PatternError } from '../validation/pattern.js';

type Level = 'root' | 'item' | 'field';

const INT_OR_STRING: readonly JsonSchema[] = [{ type: 'integer' }, { type: 'string' }];

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

const text = ({ field, message }: FieldError): string => `${field}: ${message}`;

/** Sorted by what they say, as upstream reports them. */
export const sortedErrors = (errors: readonly FieldError[]): readonly FieldError[] =>
  [...errors].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));

/** Every way in which a schema is not structural (apiextensions-apiserver `schema/validation.go`); none: it is. */
export function validateStructural(schema: JsonSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  invariants(schema, 'root', path, errors);
  completeness(schema, path, errors);
  return sortedErrors(errors);
}

function invariants(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  if (schema.type === 'array' && items === undefined) errors.push(required(child(path, 'items'), 'must be specified'));
  if (items) invariants(items, 'item', child(path, 'items'), errors);
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    invariants(one, 'field', keyed(child(path, 'properties'), name), errors);
  }
  if (schema.additionalProperties !== undefined && level === 'root') {
    errors.push(forbiddenField(child(path, 'additionalProperties'), 'must not be used at the root'));
  }
  if (additional) invariants(additional, 'field', child(path, 'additionalProperties'), errors);
  extensions(schema, path, errors);
  const skipAnyOf = deepEqual(schema.anyOf, INT_OR_STRING);
  const skipFirst = deepEqual(schema.allOf?.[0]?.anyOf, INT_OR_STRING);
  valueRules(schema, path, skipAnyOf, skipFirst, errors);
  types(schema, level, path, errors);
  metadata(schema, level, path, errors);
}

function extensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-int-or-string'] !== true) return;
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (schema[name] === true) errors.push(invalidValue(child(path, name), true, 'must be false if x-kubernetes-int-or-string is true'));
  }
}

function types(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const type = schema.type ?? '';
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (embedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(child(path, 'type'), detail) : invalidValue(child(path, 'type'), type, detail));
  } else if (type === '' && schema['x-kubernetes-int-or-string'] !== true && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    errors.push(required(child(path, 'type'), EMPTY_TYPE[level]));
  }
  if (embedded && schema.additionalProperties !== undefined) {
    errors.push(forbiddenField(child(path, 'additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(invalidValue(child(path, 'type'), type, 'must be object at the root'));
}

function metadata(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const properties = schema.properties ?? {};
  if (level === 'root' || embedded) {
    for (const name of ['kind', 'apiVersion']) {
      const type = properties[name]?.type ?? '';
      if (properties[name] !== undefined && type !== 'string') {
        errors.push(invalidValue(child(keyed(child(path, 'properties'), name), 'type'), type, 'must be string'));
      }
    }
    const meta = properties['metadata'];
    const at = keyed(child(path, 'properties'), 'metadata');
    if (meta !== undefined && meta.type !== 'object') errors.push(invalidValue(child(at, 'type'), meta.type ?? '', 'must be object'));
    if (meta !== undefined && level === 'root' && !namesOnly(meta)) {
      errors.push(forbiddenField(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
    }
  }
  if (embedded && schema['x-kubernetes-preserve-unknown-fields'] !== true && Object.keys(properties).length === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(child(path, 'properties'), detail));
  }
}

function namesOnly({ properties = {}, type: _type, default: _default, description: _description, ...rest }: JsonSchema): boolean {
  const names = Object.keys(properties);
  return names.every((name) => name === 'name' || name === 'generateName') && Object.keys(rest).length === 0;
}

function valueRules(schema: JsonSchema, path: string, skipAnyOf: boolean, skipFirst: boolean, errors: FieldError[]): void {
  if (!skipAnyOf) schema.anyOf?.forEach((one, index) => nested(one, item(child(path, 'anyOf'), index), false, errors));
  schema.allOf?.forEach((one, index) => nested(one, item(child(path, 'allOf'), index), skipFirst && index === 0, errors));
  schema.oneOf?.forEach((one, index) => nested(one, item(child(path, 'oneOf'), index), false, errors));
  if (schema.not) nested(schema.not, child(path, 'not'), false, errors);
  if (!schema.pattern) return;
  try {
    compilePattern(schema.pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const detail = `must be a valid regular expression, but isn't: ${error.message}`;
    errors.push(invalidValue(child(path, 'pattern'), schema.pattern, detail));
  }
}

/** What a schema within `allOf`, `anyOf`, `oneOf` or `not` may not say, and how upstream says so. */
const FORBIDDEN: readonly (readonly [keyof JsonSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nested(schema: JsonSchema, path: string, skipAnyOf: boolean, errors: FieldError[]): void {
  valueRules(schema, path, skipAnyOf, false, errors);
  const items = itemsOf(schema);
  if (items) nested(items, child(path, 'items'), false, errors);
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    nested(one, keyed(child(path, 'properties'), name), false, errors);
  }
  for (const [name, detail] of FORBIDDEN) {
    const value = schema[name];
    const empty = value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0);
    if (!empty || (name === 'additionalProperties' && value === false)) errors.push(forbiddenField(child(path, name), detail));
  }
  if (schema.properties?.['metadata'] !== undefined) {
    errors.push(forbiddenField(keyed(child(path, 'properties'), 'metadata'), 'must not be specified in a nested context'));
  }
}

/** What a value rule names must be part of the structure (`schema/complete.go`). */
function completeness(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const walkNested = (one: JsonSchema, at: string): void => nestedComplete(one, schema, at, path, errors);
  schema.anyOf?.forEach((one, index) => walkNested(one, item(child(path, 'anyOf'), index)));
  schema.allOf?.forEach((one, index) => walkNested(one, item(child(path, 'allOf'), index)));
  schema.oneOf?.forEach((one, index) => walkNested(one, item(child(path, 'oneOf'), index)));
  if (schema.not) walkNested(schema.not, child(path, 'not'));
  const items = itemsOf(schema);
  const additional = additionalOf(schema);
  if (items) completeness(items, child(path, 'items'), errors);
  if (additional) completeness(additional, child(path, 'additionalProperties'), errors);
  for (const [name, one] of Object.entries(schema.properties ?? {})) completeness(one, keyed(child(path, 'properties'), name), errors);
}

const isStructure = (schema: JsonSchema | undefined): schema is JsonSchema => schema !== undefined;

function nestedComplete(rule: JsonSchema, schema: JsonSchema, at: string, path: string, errors: FieldError[]): void {
  const rules = [...(rule.anyOf ?? []), ...(rule.allOf ?? []), ...(rule.oneOf ?? []), ...(rule.not ? [rule.not] : [])];
  for (const one of rules) nestedComplete(one, schema, at, path, errors);
  const items = itemsOf(rule);
  if (items) {
    const own = itemsOf(schema);
    if (isStructure(own)) nestedComplete(items, own, child(at, 'items'), child(path, 'items'), errors);
    else errors.push(required(child(path, 'items'), `because it is defined in ${child(at, 'items')}`));
  }
  for (const [name, one] of Object.entries(rule.properties ?? {})) {
    const inner = keyed(child(at, 'properties'), name);
    const inStructure = ownMember(schema.properties, name);
    if (isStructure(inStructure)) nestedComplete(one, inStructure, inner, keyed(child(path, 'properties'), name), errors);
    else errors.push(required(keyed(child(path, 'properties'), name), `because it is defined in ${inner}`));
  }
}
