import { isMap, type MergeType } from './merge-type.js';

type ListType = Extract<MergeType, { readonly kind: 'list' }>;

/**
 * The path element of an item of a list that is a set or a map: `v:...` or `k:{...}`. Undefined where the item has none
 * of the keys, or is no scalar in a set.
 */
export function elementOf(type: ListType, item: unknown): string | undefined {
  if (type.type === 'set') return item === null || typeof item === 'object' ? undefined : `v:${JSON.stringify(item)}`;
  if (!isMap(item)) return undefined;
  const values: string[] = [];
  for (const key of type.keys) {
    const value = item[key] ?? type.defaults?.[key];
    if (value === undefined) continue;
    values.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  }
  // The keys of a model are in order; an element's text is the same whoever made it.
  return values.length === 0 ? undefined : `k:{${values.join(',')}}`;
}

/** The items of a list by their path elements, in order of appearance; items without an element are left out. */
export function itemsByElement(type: ListType, list: readonly unknown[]): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOf(type, item);
    if (element === undefined) continue;
    const same = found.get(element);
    if (same) same.push(item);
    else found.set(element, [item]);
  }
  return found;
}
