import { isJsonObject, child } from '#libs/apimachinery';
import { mapItems, mapMembers } from './json.js';
import { memberNode, type SchemaNode } from './node.js';

/** Most unknown fields that are told. */
const MOST_UNKNOWN = 100;

const META: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Where what is dropped is noted: the paths of unknown fields. Absent: nobody asks. */
export type Unknown = string[] | undefined;

/**
 * The value without the fields that its schema does not specify (apiextensions-apiserver `schema/pruning`). A resource
 * keeps its apiVersion, kind and metadata. The same value where nothing is dropped.
 */
export function prune(node: SchemaNode | undefined, value: unknown, isResource: boolean, unknown: Unknown): unknown {
  return prunePlace(node, value, isResource || node?.embedded === true, '', unknown);
}

function note(unknown: Unknown, path: string): undefined {
  if (unknown !== undefined && unknown.length < MOST_UNKNOWN) unknown.push(path);
  return undefined;
}

function prunePlace(node: SchemaNode | undefined, value: unknown, resource: boolean, path: string, unknown: Unknown): unknown {
  if (node?.preservesUnknown) return keepPlace(node, value, resource, path, unknown);
  if (Array.isArray(value)) {
    const items = node?.items;
    return mapItems(value, (item, index) =>
      typeof item === 'object' && item !== null ? prunePlace(items, item, items?.embedded === true, `${path}[${index}]`, unknown) : item,
    );
  }
  if (!isJsonObject(value)) return value;
  return mapMembers(value, (name, member) => {
    if (resource && META.has(name)) return member;
    const own = node?.properties.get(name);
    if (own === undefined && node?.open !== true) return note(unknown, child(path, name));
    if (typeof member !== 'object' || member === null) return member;
    const inner = own ?? node?.additional;
    return prunePlace(inner, member, inner?.embedded === true, child(path, name), unknown);
  });
}

/** Where unknown fields are kept, those that are specified are pruned by their own schemas all the same. */
function keepPlace(node: SchemaNode, value: unknown, resource: boolean, path: string, unknown: Unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return value;
    return mapItems(value, (item, index) => keepPlace(items, item, items.embedded, `${path}[${index}]`, unknown));
  }
  if (!isJsonObject(value) || (node.properties.size === 0 && !node.open)) return value;
  return mapMembers(value, (name, member) => {
    if ((resource && META.has(name)) || typeof member !== 'object' || member === null) return member;
    const inner = memberNode(node, name);
    if (inner === undefined && !node.open) return member;
    return prunePlace(inner, member, inner?.embedded === true, child(path, name), unknown);
  });
}
