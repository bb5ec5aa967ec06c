import {
  child,
  duplicate,
  forbiddenField,
  invalidValue,
  item,
  keyed,
  notSupported,
  required,
  tooMany,
  ownMember,
  type FieldError,
} from '#libs/apimachinery';
import { additionalOf, itemsOf } from '../schema/node.js';
import type { JsonSchema, ValidationRule } from '../types.js';
import { fieldPathOf } from './field-path.js';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const META: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);
const MOST_SELECTABLE = 8;

/** What is known of the place of a schema within the whole. */
interface Place {
  readonly root: boolean;
  /** Why there may be no defaults here; undefined: there may. */
  readonly noDefaults: string | undefined;
  readonly inMeta: boolean;
}

/** Every rule that a single schema breaks, here or below, in upstream's words (`validation.go`). */
export function validateSchemaRules(schema: JsonSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  walk(schema, path, { root: true, noDefaults: undefined, inMeta: false }, errors);
  return errors;
}

function walk(schema: JsonSchema, path: string, place: Place, errors: FieldError[]): void {
  standard(schema, path, place, errors);
  if (schema.uniqueItems === true) {
    errors.push(
      forbiddenField(child(path, 'uniqueItems'), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'),
    );
  }
  const inner: Place = { ...place, root: false };
  const additional = additionalOf(schema);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length > 0 && (additional !== undefined || schema.additionalProperties === false)) {
    errors.push(forbiddenField(child(path, 'additionalProperties'), 'additionalProperties and properties are mutual exclusive'));
  }
  if (additional) {
    const noDefaults = place.inMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults;
    walk(additional, child(path, 'additionalProperties'), { ...inner, noDefaults }, errors);
  }
  for (const [name, one] of properties) {
    const meta = (place.root || schema['x-kubernetes-embedded-resource'] === true) && META.has(name);
    const noDefaults = meta && place.root ? `in top-level ${name}` : place.noDefaults;
    walk(one, keyed(child(path, 'properties'), name), { root: false, noDefaults, inMeta: place.inMeta || meta }, errors);
  }
  if (schema.not) walk(schema.not, child(path, 'not'), inner, errors);
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[name]?.forEach((one, index) => walk(one, item(child(path, name), index), inner, errors));
  }
  const items = itemsOf(schema);
  if (items) walk(items, child(path, 'items'), inner, errors);
  extensions(schema, path, errors);
  (schema['x-kubernetes-validations'] ?? []).forEach((rule, index) =>
    validateRule(rule, schema, item(child(path, 'x-kubernetes-validations'), index), errors),
  );
}

const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

function standard(schema: JsonSchema, path: string, place: Place, errors: FieldError[]): void {
  const type = schema.type ?? '';
  if (type !== '' && !TYPES.includes(type)) errors.push(notSupported(child(path, 'type'), type, TYPES));
  if (schema.default !== undefined && place.noDefaults !== undefined) {
    errors.push(forbiddenField(child(path, 'default'), `must not be set ${place.noDefaults}`));
  }
  for (const name of UNSUPPORTED) {
    const value = schema[name];
    const empty =
      value === undefined || value === '' || (typeof value === 'object' && name !== 'additionalItems' && Object.keys(value).length === 0);
    if (!empty) errors.push(forbiddenField(child(path, name), `${name} is not supported`));
  }
  if (type === 'null') errors.push(forbiddenField(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema.items)) errors.push(forbiddenField(child(path, 'items'), 'items must be a schema object and not an array'));
  if (place.inMeta && schema['x-kubernetes-embedded-resource'] === true) {
    errors.push(forbiddenField(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  }
}

function typeFor(schema: JsonSchema, wanted: string, extension: string, path: string, errors: FieldError[]): boolean {
  const type = schema.type ?? '';
  if (type === wanted) return true;
  const detail = `must be ${wanted} if ${extension} is specified`;
  errors.push(type === '' ? required(child(path, 'type'), detail) : invalidValue(child(path, 'type'), type, detail));
  return false;
}

function extensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const preserve = schema['x-kubernetes-preserve-unknown-fields'];
  if (preserve === false)
    errors.push(invalidValue(child(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    typeFor(schema, 'object', 'x-kubernetes-map-type', path, errors);
    if (mapType !== 'atomic' && mapType !== 'granular') {
      errors.push(notSupported(child(path, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
    }
  }
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const at = child(path, 'x-kubernetes-list-type');
  if (listType !== undefined && typeFor(schema, 'array', 'x-kubernetes-list-type', path, errors) && listType === 'set') {
    setItems(itemsOf(schema), child(path, 'items'), errors);
  }
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(notSupported(at, listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(at, detail) : invalidValue(at, listType, detail));
  }
  if (listType === 'map') mapItems(schema, keys, path, errors);
  if (listType === 'set' || listType === 'map') nullables(schema, listType, keys, path, errors);
}

function setItems(items: JsonSchema | undefined, path: string, errors: FieldError[]): void {
  if (items === undefined) return;
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    errors.push(invalidValue(child(path, 'x-kubernetes-list-type'), listType, detail));
  }
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalidValue(child(path, 'x-kubernetes-map-type'), listType ?? null, detail));
  }
}

function mapItems(schema: JsonSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  const at = child(path, 'x-kubernetes-list-map-keys');
  if (keys.length === 0) errors.push(required(at, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items === undefined) errors.push(required(child(path, 'items'), 'must have a schema if x-kubernetes-list-type is map'));
  if (Array.isArray(schema.items)) {
    errors.push(invalidValue(child(path, 'items'), schema.items, 'must only have a single schema if x-kubernetes-list-type is map'));
  }
  const items = itemsOf(schema);
  if (items === undefined) return;
  if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalidValue(child(child(path, 'items'), 'type'), items.type ?? '', detail));
    return;
  }
  const seen = new Set<string>();
  for (const key of keys) {
    const member = ownMember(items.properties, key);
    if (member === undefined) errors.push(invalidValue(at, keys, 'entries must all be names of item properties'));
    else if (member.type === 'array' || member.type === 'object') {
      const where = child(keyed(child(child(path, 'items'), 'properties'), key), 'type');
      errors.push(invalidValue(where, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (seen.has(key)) errors.push(invalidValue(at, keys, 'must not contain duplicate entries'));
    seen.add(key);
  }
}

function nullables(schema: JsonSchema, listType: string, keys: readonly string[], path: string, errors: FieldError[]): void {
  const items = itemsOf(schema);
  if (items === undefined) return;
  const at = child(path, 'items');
  if (items.nullable === true)
    errors.push(forbiddenField(child(at, 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType !== 'map') return;
  for (const key of keys) {
    const member = ownMember(items.properties, key);
    if (member === undefined) continue;
    const where = keyed(child(at, 'properties'), key);
    if (items.required?.includes(key) !== true && member.default === undefined) {
      const detail = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.push(required(child(where, 'default'), detail));
    }
    if (member.nullable === true) {
      errors.push(forbiddenField(child(where, 'nullable'), 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
    }
  }
}

const hasNewlines = (value: string): boolean => /[\n\r]/.test(value);

function validateRule(rule: ValidationRule, schema: JsonSchema, path: string, errors: FieldError[]): void {
  const { message = '', messageExpression = '', reason, fieldPath = '' } = rule;
  const said = message.trim();
  if (rule.rule.trim() === '') errors.push(required(child(path, 'rule'), 'rule is not specified'));
  else if (message !== '' && said === '') {
    errors.push(invalidValue(child(path, 'message'), message, 'message must be non-empty if specified'));
  } else if (hasNewlines(said)) errors.push(invalidValue(child(path, 'message'), message, 'message must not contain line breaks'));
  else if (hasNewlines(rule.rule.trim()) && said === '') {
    errors.push(required(child(path, 'message'), 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(child(path, 'messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(notSupported(child(path, 'reason'), reason, REASONS));
  if (fieldPath === '') return;
  const at = child(path, 'fieldPath');
  if (fieldPath.trim() === '') errors.push(invalidValue(at, fieldPath, 'fieldPath must be non-empty if specified'));
  if (hasNewlines(fieldPath)) errors.push(invalidValue(at, fieldPath, 'fieldPath must not contain line breaks'));
  if (typeof fieldPathOf(fieldPath, schema, true) === 'string') {
    errors.push(invalidValue(at, fieldPath, 'fieldPath must be a valid path'));
  }
}

/** Every rule that a version's selectable fields break. */
export function validateSelectableFields(
  fields: readonly { readonly jsonPath: string }[],
  schema: JsonSchema,
  path: string,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, index) => {
    const at = child(item(path, index), 'jsonPath');
    if (!jsonPath) return errors.push(required(at));
    const found = fieldPathOf(jsonPath, schema, false);
    if (typeof found === 'string') return errors.push(invalidValue(at, jsonPath, `is an invalid path: ${found}`));
    if (found.names[0] === 'metadata') errors.push(invalidValue(at, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? '')) {
      const detail = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.push(invalidValue(at, jsonPath, detail));
    }
    const key = found.names.join('.');
    if (seen.has(key)) errors.push(duplicate(at, jsonPath));
    seen.add(key);
    return undefined;
  });
  if (seen.size > MOST_SELECTABLE) errors.push(tooMany(path, seen.size, MOST_SELECTABLE));
  return errors;
}
