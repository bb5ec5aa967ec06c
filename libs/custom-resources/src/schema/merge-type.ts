import type { MergeType } from '#libs/structured-merge';
import type { SchemaNode } from './node.js';

const SCALAR: MergeType = { kind: 'scalar' };
const DEDUCED: MergeType = { kind: 'deduced' };

/** How the objects of a schema merge in server-side apply. `metadata` is how the metadata of any object does. */
export function mergeTypeOfSchema(node: SchemaNode, metadata: MergeType): MergeType {
  const type = placeType(node, metadata);
  const fields = new Map<string, MergeType>([
    ['apiVersion', SCALAR],
    ['kind', SCALAR],
    ['metadata', metadata],
  ]);
  if (type.kind !== 'map') return mapType(fields, node.preservesUnknown ? DEDUCED : undefined, false);
  return { ...type, field: (name) => fields.get(name) ?? type.field(name) };
}

function mapType(fields: ReadonlyMap<string, MergeType>, items: MergeType | undefined, atomic: boolean): MergeType {
  return { kind: 'map', atomic, field: (name) => fields.get(name), ...(items === undefined ? {} : { items: () => items }) };
}

function listType({ listType: type, listMapKeys, items }: SchemaNode, metadata: MergeType): MergeType {
  const item = items === undefined ? DEDUCED : placeType(items, metadata);
  if (type === 'set') return { kind: 'list', type: 'set', keys: [], item: () => item };
  if (type !== 'map') return { kind: 'list', type: 'atomic', keys: [], item: () => item };
  const defaults: Record<string, string | number | boolean> = {};
  for (const key of listMapKeys) {
    const value = items?.properties.get(key)?.default;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') defaults[key] = value;
  }
  // The keys of an item's name are in order, whoever made it.
  return { kind: 'list', type: 'map', keys: [...listMapKeys].sort(), defaults, item: () => item };
}

function placeType(node: SchemaNode, metadata: MergeType): MergeType {
  if (node.intOrString) return SCALAR;
  const atomic = node.mapType === 'atomic';
  switch (node.type) {
    case 'array':
      return listType(node, metadata);
    case 'object':
    case '': {
      const fields = new Map([...node.properties].map(([name, one]) => [name, placeType(one, metadata)]));
      if (node.embedded) {
        for (const name of ['apiVersion', 'kind']) fields.set(name, SCALAR);
        fields.set('metadata', metadata);
      }
      if (node.additional !== undefined) return mapType(fields, placeType(node.additional, metadata), atomic);
      if (node.preservesUnknown || node.open || fields.size === 0)
        return fields.size === 0 && !atomic ? DEDUCED : mapType(fields, DEDUCED, atomic);
      return mapType(fields, undefined, atomic);
    }
    default:
      return SCALAR;
  }
}
