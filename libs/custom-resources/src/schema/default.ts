import { StatusError, isJsonObject, setOwnMember, type JsonObject } from '#libs/apimachinery';
import { mapItems, mapMembers } from './json.js';
import { memberNode, type SchemaNode } from './node.js';

/** Most characters that defaults may add to an object: more than any object may be long. */
const MOST_ADDED = 4 * 1024 * 1024;

const tooMuch = (): StatusError =>
  new StatusError('RequestEntityTooLarge', `the defaults of the schema would add more than ${MOST_ADDED} bytes to the object`);

/**
 * The value with the schema's defaults where members are missing, or null where they may not be; a null that may not
 * be and has no default is dropped (apiextensions-apiserver `schema/defaulting`). The same value where nothing changes.
 */
export function applyDefaults(node: SchemaNode, value: unknown): unknown {
  return fillPlace(node, value, { added: 0 });
}

interface Budget {
  added: number;
}

function take(node: SchemaNode, budget: Budget): unknown {
  budget.added += node.defaultLength;
  if (budget.added > MOST_ADDED) throw tooMuch();
  return node.default;
}

/** What stands in place of a null that may not be. */
const forNull = (node: SchemaNode, budget: Budget): unknown => (node.default === undefined ? undefined : take(node, budget));

function fillPlace(node: SchemaNode, value: unknown, budget: Budget): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return value;
    return mapItems(value, (item) => {
      if (item === null && !items.nullable && items.default !== undefined) return fillPlace(items, take(items, budget), budget);
      return typeof item === 'object' && item !== null ? fillPlace(items, item, budget) : item;
    });
  }
  if (!isJsonObject(value)) return value;
  const filled = mapMembers(value, (name, member) => {
    const inner = memberNode(node, name);
    if (inner === undefined) return member;
    if (member === null) {
      const next = inner.nullable ? null : forNull(inner, budget);
      return next === null || next === undefined ? next : fillPlace(inner, next, budget);
    }
    return typeof member === 'object' ? fillPlace(inner, member, budget) : member;
  });
  return withMissing(node, filled, budget);
}

function withMissing(node: SchemaNode, object: JsonObject, budget: Budget): JsonObject {
  let out: Record<string, unknown> | undefined;
  for (const [name, inner] of node.properties) {
    if (inner.default === undefined || Object.hasOwn(object, name)) continue;
    out ??= { ...object };
    setOwnMember(out, name, fillPlace(inner, take(inner, budget), budget));
  }
  return out ?? object;
}
