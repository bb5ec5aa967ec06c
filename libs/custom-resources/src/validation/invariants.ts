import {
  child,
  duplicate,
  invalidValue,
  isDns1035Label,
  item,
  keyed,
  required,
  validateObjectMeta,
  isJsonObject,
  ownMember,
  type FieldError,
  type ObjectMeta,
  type JsonObject,
} from '#libs/apimachinery';
import { memberNode, type SchemaNode } from '../schema/node.js';

/** What lists that are sets or maps, and resources within resources, have to be besides what their schemas say. */
export function validateInvariants(node: SchemaNode, value: unknown): readonly FieldError[] {
  if (!node.invariant) return [];
  const embedded: FieldError[] = [];
  const lists: FieldError[] = [];
  walk(node, value, '', embedded, lists);
  return [...embedded, ...lists];
}

function walk(node: SchemaNode, value: unknown, path: string, embedded: FieldError[], lists: FieldError[]): void {
  if (!node.invariant) return;
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    lists.push(...validateList(node, list, path));
    const { items } = node;
    if (items) list.forEach((one, index) => walk(items, one, item(path, index), embedded, lists));
    return;
  }
  if (!isJsonObject(value)) return;
  if (node.embedded) embedded.push(...validateResource(value, path));
  for (const [name, member] of Object.entries(value)) {
    const inner = memberNode(node, name);
    if (inner) walk(inner, member, node.properties.has(name) ? child(path, name) : keyed(path, name), embedded, lists);
  }
}

function validateList({ listType, listMapKeys, items }: SchemaNode, list: readonly unknown[], path: string): readonly FieldError[] {
  if (listType !== 'set' && listType !== 'map') return [];
  const seen = new Set<string>();
  const told = new Set<string>();
  const errors: FieldError[] = [];
  list.forEach((one, index) => {
    if (one === null) return;
    if (listType === 'map' && !isJsonObject(one)) {
      errors.push(invalidValue(item(path, index), one, 'must be an object for an array of list-type map'));
      return;
    }
    const identity = listType === 'map' ? keysOf(one as JsonObject, listMapKeys, items) : one;
    const key = JSON.stringify(sorted(identity));
    if (seen.has(key) && !told.has(key)) {
      errors.push(duplicate(item(path, index), identity));
      told.add(key);
    }
    seen.add(key);
  });
  return errors;
}

function keysOf(one: JsonObject, keys: readonly string[], items: SchemaNode | undefined): JsonObject {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = ownMember(one, key) ?? items?.properties.get(key)?.default;
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A value whose members are in order, so that equal ones have the same text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}

const anyName = (): readonly string[] => [];

function pathSegment(name: string): readonly string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}

function validateResource(resource: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['apiVersion', 'kind'])
    if (!Object.hasOwn(resource, name)) errors.push(required(child(path, name), 'must not be empty'));
  for (const name of ['apiVersion', 'kind']) {
    const value = resource[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') errors.push(invalidValue(child(path, name), value, 'must be a string'));
    else if (value === '') errors.push(invalidValue(child(path, name), value, 'must not be empty'));
    else errors.push(...(name === 'kind' ? validateKind(value, child(path, name)) : validateApiVersion(value, child(path, name))));
  }
  const { metadata } = resource;
  if (isJsonObject(metadata)) {
    const meta = metadata as ObjectMeta;
    const named = meta.name ? meta : { ...meta, name: 'fakename' };
    const rules = { namespaced: Boolean(meta.namespace), nameRule: named === meta ? pathSegment : anyName };
    errors.push(...validateObjectMeta(named, rules, child(path, 'metadata')));
  }
  return errors;
}

const validateApiVersion = (value: string, field: string): readonly FieldError[] =>
  value.split('/').length > 2 ? [invalidValue(field, value, `unexpected GroupVersion string: ${value}`)] : [];

function validateKind(value: string, field: string): readonly FieldError[] {
  const problems = isDns1035Label(value.toLowerCase());
  return problems.length > 0 ? [invalidValue(field, value, `may have mixed case, but should otherwise match: ${problems.join(',')}`)] : [];
}
