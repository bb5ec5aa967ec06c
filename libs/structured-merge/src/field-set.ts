import { itemsByElement } from './element.js';
import { LEAF, NO_FIELDS, isEmpty, placeOf, type Fields } from './fields.js';
import { isMap, memberType, resolved, type MergeType, type ResolvedType } from './merge-type.js';

type MapType = Extract<ResolvedType, { readonly kind: 'map' }>;
type ListType = Extract<ResolvedType, { readonly kind: 'list' }>;

/** The fields that a value sets: what whoever applies it owns. Leaves, items of lists, members of maps, empty maps. */
export function fieldsOf(type: MergeType, value: unknown): Fields {
  const is = resolved(type, value);
  if (is.kind === 'map' && !is.atomic && isMap(value)) return fieldsOfMap(is, value);
  return NO_FIELDS;
}

function below(type: MergeType, value: unknown): { readonly leaf: boolean; readonly fields: Fields } {
  const is = resolved(type, value);
  if (is.kind === 'map') {
    if (is.atomic) return { leaf: true, fields: LEAF };
    return { leaf: false, fields: isMap(value) ? fieldsOfMap(is, value) : NO_FIELDS };
  }
  if (is.kind === 'list') {
    if (is.type === 'atomic') return { leaf: true, fields: LEAF };
    return { leaf: false, fields: Array.isArray(value) ? fieldsOfList(is, value) : NO_FIELDS };
  }
  return { leaf: true, fields: LEAF };
}

function fieldsOfMap(type: MapType, value: Readonly<Record<string, unknown>>): Fields {
  const out: Record<string, Fields> = {};
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    const declared = type.field(name);
    const is = declared ?? type.items?.();
    if (is === undefined || member === undefined) continue;
    const { leaf, fields } = below(is, member);
    const place = placeOf(leaf || declared === undefined || member === null || (isMap(member) && isEmptyMap(member)), fields);
    if (place !== undefined) out[`f:${name}`] = place;
  }
  return out;
}

const isEmptyMap = (value: Readonly<Record<string, unknown>>): boolean => {
  for (const _ in value) return false;
  return true;
};

function fieldsOfList(type: ListType, list: readonly unknown[]): Fields {
  const out: Record<string, Fields> = {};
  for (const [element, items] of [...itemsByElement(type, list)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Of items that can't be told apart only the place is owned.
    out[element] = (items.length > 1 ? LEAF : placeOf(true, below(type.item(), items[0]).fields)) ?? LEAF;
  }
  return out;
}

/**
 * The set with every declared field that has owned fields below it in the set itself: what must be so before a set
 * says which items to remove.
 */
export function withNamedFields(type: MergeType, set: Fields): Fields {
  const out: Record<string, Fields> = {};
  for (const element of Object.keys(set)) {
    if (element === '.') {
      out[element] = LEAF;
      continue;
    }
    const place = set[element] ?? LEAF;
    if (isEmpty(place)) {
      out[element] = place;
      continue;
    }
    const { is, declared } = descend(type, element);
    const inside = is === undefined ? place : withNamedFields(is, place);
    out[element] = declared && inside['.'] === undefined ? { '.': LEAF, ...inside } : inside;
  }
  return out;
}

function descend(type: MergeType, element: string): { readonly is: MergeType | undefined; readonly declared: boolean } {
  if (type.kind === 'deduced') return { is: type, declared: false };
  if (type.kind === 'map' && element.startsWith('f:')) {
    const name = element.slice(2);
    const declared = type.field(name) !== undefined;
    return { is: memberType(type, name), declared };
  }
  return { is: type.kind === 'list' ? type.item() : undefined, declared: false };
}
