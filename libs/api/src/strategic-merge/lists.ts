import { badRequest, patchNotApplicable, isJsonObject, type JsonObject } from '#libs/apimachinery';
import { badPatchType, goTypeOf, mixedList, noMergeKey, notAnObject, wrongOrder } from './problems.js';

type List = readonly unknown[];

/** How elements of a list are told apart: by a member, or (undefined) by themselves. */
export type MergeKey = string | undefined;

/** What identifies an element: the value of its merge key, or the primitive itself. */
function identity(element: unknown, key: MergeKey): unknown {
  if (key === undefined) return element;
  if (!isJsonObject(element)) throw notAnObject(element);
  if (element[key] === undefined) throw noMergeKey(element, key);
  return element[key];
}

/** Whether a merged list holds objects. Throws where elements differ in type, or are lists. */
export function holdsObjects(lists: readonly List[]): boolean {
  let type: string | undefined;
  for (const element of lists.flat()) {
    const found = goTypeOf(element);
    if (type === undefined && Array.isArray(element)) throw patchNotApplicable(new Error('lists of lists are not supported'));
    if (type !== undefined && found !== type) throw mixedList(lists);
    type = found;
  }
  return type === 'map[string]interface {}';
}

/** Places of elements by identity; the first of several counts. */
function placesOf(order: List, key: MergeKey): ReadonlyMap<unknown, number> {
  const places = new Map<unknown, number>();
  for (const [place, element] of order.entries()) {
    const id = identity(element, key);
    if (!places.has(id)) places.set(id, place);
  }
  return places;
}

/** Sorts elements as `places` has them; the sort is stable. */
function sortedBy(elements: List, places: ReadonlyMap<unknown, number>, key: MergeKey): List {
  return elements
    .map((element) => ({ element, place: places.get(identity(element, key)) ?? -1 }))
    .sort((a, b) => a.place - b.place)
    .map(({ element }) => element);
}

/**
 * Puts a merged list into its final order: the elements that the patch knows in the patch's order, those that only
 * the server has where they stood, as far as both can be had.
 */
export function ordered(merged: List, patchOrder: List, serverOrder: List, key: MergeKey): List {
  const patchPlaces = placesOf(patchOrder, key);
  const serverPlaces = placesOf(serverOrder, key);
  const known: unknown[] = [];
  const serverOnly: unknown[] = [];
  for (const element of merged) (patchPlaces.has(identity(element, key)) ? known : serverOnly).push(element);
  const right = sortedBy(known, patchPlaces, key);
  const left = sortedBy(serverOnly, serverPlaces, key);
  const out: unknown[] = [];
  let next = 0;
  for (const element of right) {
    const place = serverPlaces.get(identity(element, key));
    while (place !== undefined && next < left.length && (serverPlaces.get(identity(left[next], key)) ?? Infinity) < place) {
      out.push(left[next++]);
    }
    out.push(element);
  }
  return [...out, ...left.slice(next)];
}

/** The union of two lists of primitives, in the order the patch wants. */
export const mergedPrimitives = (original: List, patch: List): List =>
  ordered([...new Set([...original, ...patch])], patch, original, undefined);

/** A list of primitives without those named. */
export function without(original: List, removed: List): List {
  const gone = new Set(removed);
  return original.filter((element) => !gone.has(element));
}

/** A patch of a list of objects, its directives carried out: what is merged into what. */
export function directed(original: List, patch: List, key: string): readonly [original: List, patch: List] {
  const plain: JsonObject[] = [];
  const deleted = new Set<unknown>();
  let replace = false;
  for (const element of patch) {
    if (!isJsonObject(element)) throw notAnObject(element);
    switch (element['$patch']) {
      case undefined:
        plain.push(element);
        break;
      case 'delete':
        deleted.add(identity(element, key));
        break;
      case 'replace':
        replace = true;
        break;
      case 'merge':
        throw badRequest('merging lists cannot yet be specified in the patch');
      default:
        throw badPatchType(element['$patch'], element);
    }
  }
  if (replace) return [plain, []];
  return [
    deleted.size === 0 ? original : original.filter((element) => !deleted.has(isJsonObject(element) ? element[key] : undefined)),
    plain,
  ];
}

/** Refuses a patch whose elements stand in another order than its own `$setElementOrder` says. */
export function checkOrder(patch: List, order: List, key: MergeKey): void {
  if (patch.length === 0 || order.length === 0) return;
  const kept = patch.filter((element) => !(isJsonObject(element) && element['$patch'] !== undefined));
  let at = 0;
  for (const element of order) {
    if (at < kept.length && identity(kept[at], key) === identity(element, key)) at++;
  }
  if (at < kept.length) throw wrongOrder(patch, order);
}
