import { deepEqual, ownMember } from '#libs/apimachinery';
import { itemsByElement } from './element.js';
import { LEAF, NO_FIELDS, isEmpty, placeOf, type Fields } from './fields.js';
import { isMap, memberType, resolved, type MergeType, type ResolvedType } from './merge-type.js';

/** What differs between two states of an object. */
export interface Comparison {
  readonly added: Fields;
  readonly modified: Fields;
  readonly removed: Fields;
}

/** The same of one place: undefined where nothing at or below it differs in that way. */
interface Difference {
  readonly added?: Fields;
  readonly modified?: Fields;
  readonly removed?: Fields;
}

const SAME: Difference = {};
const ADDED: Difference = { added: LEAF };
const MODIFIED: Difference = { modified: LEAF };
const REMOVED: Difference = { removed: LEAF };

/** Compares two states of an object field by field. Undefined stands for an object that is not there. */
export function compare(type: MergeType, old: unknown, next: unknown): Comparison {
  const { added, modified, removed } = comparePlace(type, old, next);
  return { added: root(added), modified: root(modified), removed: root(removed) };
}

const root = (place: Fields | undefined): Fields => {
  if (place === undefined || isEmpty(place)) return NO_FIELDS;
  const { '.': _self, ...below } = place;
  return below;
};

function leaf(old: unknown, next: unknown): Difference {
  if (old === undefined) return ADDED;
  if (next === undefined) return REMOVED;
  return deepEqual(old, next) ? SAME : MODIFIED;
}

function comparePlace(type: MergeType, old: unknown, next: unknown): Difference {
  if (old === next) return SAME;
  const is = resolved(type, next === undefined ? old : next);
  if (type.kind === 'deduced' && old !== undefined && next !== undefined && resolved(type, old).kind !== is.kind) return MODIFIED;
  switch (is.kind) {
    case 'scalar':
      return leaf(old, next);
    case 'map': {
      const a = isMap(old) ? old : {};
      const b = isMap(next) ? next : {};
      if (is.atomic || (isEmpty(a as Fields) && isEmpty(b as Fields))) return leaf(old, next);
      return ofMembers(compareMaps(is, a, b), old, next);
    }
    case 'list': {
      const a: readonly unknown[] = Array.isArray(old) ? old : [];
      const b: readonly unknown[] = Array.isArray(next) ? next : [];
      if (is.type === 'atomic' || (a.length === 0 && b.length === 0)) return leaf(old, next);
      return ofMembers(compareLists(is, a, b), old, next);
    }
  }
}

interface Members {
  readonly added: Record<string, Fields>;
  readonly modified: Record<string, Fields>;
  readonly removed: Record<string, Fields>;
}

const noMembers = (): Members => ({ added: {}, modified: {}, removed: {} });

function put(members: Members, element: string, { added, modified, removed }: Difference): void {
  if (added !== undefined) members.added[element] = added;
  if (modified !== undefined) members.modified[element] = modified;
  if (removed !== undefined) members.removed[element] = removed;
}

function ofMembers({ added, modified, removed }: Members, old: unknown, next: unknown): Difference {
  const a = placeOf(old === undefined, added);
  const m = placeOf(false, modified);
  const r = placeOf(next === undefined, removed);
  return {
    ...(a === undefined ? {} : { added: a }),
    ...(m === undefined ? {} : { modified: m }),
    ...(r === undefined ? {} : { removed: r }),
  };
}

function compareMaps(
  type: Extract<ResolvedType, { readonly kind: 'map' }>,
  old: Readonly<Record<string, unknown>>,
  next: Readonly<Record<string, unknown>>,
): Members {
  const members = noMembers();
  const visit = (name: string): void => {
    const is = memberType(type, name);
    if (is !== undefined) put(members, `f:${name}`, comparePlace(is, ownMember(old, name), ownMember(next, name)));
  };
  for (const name of Object.keys(old)) visit(name);
  for (const name of Object.keys(next)) if (!Object.hasOwn(old, name)) visit(name);
  return members;
}

function compareLists(type: Extract<ResolvedType, { readonly kind: 'list' }>, old: readonly unknown[], next: readonly unknown[]): Members {
  const members = noMembers();
  const before = itemsByElement(type, old);
  const after = itemsByElement(type, next);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    put(members, element, compareItems(type.item(), before.get(element) ?? [], after.get(element) ?? []));
  }
  return members;
}

/** Items that can't be told apart are compared as one value. */
function compareItems(type: MergeType, old: readonly unknown[], next: readonly unknown[]): Difference {
  if (old.length <= 1 && next.length <= 1) return comparePlace(type, old[0], next[0]);
  if (old.length >= 2 && next.length >= 2) return deepEqual(old, next) ? SAME : MODIFIED;
  if (old.length >= 2) return next.length === 0 ? REMOVED : { ...comparePlace(type, undefined, next[0]), removed: LEAF };
  return old.length === 0 ? ADDED : { ...comparePlace(type, old[0], undefined), added: LEAF };
}
