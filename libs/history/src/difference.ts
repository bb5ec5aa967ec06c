import { deepEqual, isJsonObject } from '#libs/apimachinery';

import type { PatchOperation } from './wire.js';

/** What no comparison is about: bookkeeping that says nothing of what somebody wanted or what happened. */
const LEFT_OUT: ReadonlySet<string> = new Set(['/metadata/managedFields', '/metadata/resourceVersion']);

/** Members by which entries of a list are told apart, the first one that fits. */
const IDENTITIES = ['name', 'type', 'uid', 'containerPort', 'mountPath', 'devicePath', 'port', 'ip', 'topologyKey', 'key', 'kind'];

/** Deepest nesting that is compared member by member; below, a value is one thing. */
const DEEPEST = 64;

interface Place {
  /** JSON pointer. */
  readonly path: string;
  readonly field: string;
  readonly depth: number;
}

/**
 * What turns one object into another, as a JSON Patch whose operations also say what stood there before and where that is in words
 * (`spec.containers[app].image`). Entries of lists are followed by their name or type where they have one, so that an entry put in
 * front does not count as a change of all behind it. `undefined`: there is no object.
 */
export function changesBetween(before: unknown, after: unknown): readonly PatchOperation[] {
  const found: PatchOperation[] = [];
  compare(found, before, after, { path: '', field: '', depth: 0 });
  return found;
}

/** The fields that were changed, each once, in order. */
export const fieldsOf = (changes: readonly PatchOperation[]): readonly string[] => [
  ...new Set(changes.map(({ field, path }) => field ?? path)),
];

/** Whether a field is the one that was asked for, or within it: `spec.containers[app].image` is within `spec.containers` and `spec`. */
export function withinField(field: string, asked: string): boolean {
  if (field === asked) return true;
  return field.startsWith(asked) && (field[asked.length] === '.' || field[asked.length] === '[');
}

/** Whether a change touches a field that was asked for: it, something within it, or what it is within. */
export const touchesField = ({ field = '', value, old }: PatchOperation, asked: string): boolean =>
  withinField(field, asked) || (withinField(asked, field) && (has(value, asked, field) || has(old, asked, field)));

/** Whether a value that stands at `field` has the longer field `asked`. */
function has(value: unknown, asked: string, field: string): boolean {
  return withinValue(value, { path: '', field, depth: 0 }, asked);
}

function withinValue(value: unknown, at: Place, asked: string): boolean {
  if (withinField(at.field, asked)) return true;
  if (!withinField(asked, at.field) && at.field !== '') return false;
  return childrenOf(value, at).some(([place, child]) => withinValue(child, place, asked));
}

/** The members or entries of a value with their places; none of a plain value, and none too deep. */
function childrenOf(value: unknown, at: Place): readonly (readonly [Place, unknown])[] {
  if (at.depth >= DEEPEST) return [];
  if (Array.isArray(value)) {
    const identity = identityOf(value);
    return value.map((entry, index) => [entryPlace(at, index, identity === undefined ? String(index) : identity(entry)), entry]);
  }
  return isJsonObject(value) ? Object.entries(value).map(([key, child]) => [memberPlace(at, key), child]) : [];
}

/** The plain values within a value, each with its field; an empty list or map counts as one. */
export function leavesOf(value: unknown, field: string): readonly (readonly [field: string, value: unknown])[] {
  const leaves: [string, unknown][] = [];
  const walk = (one: unknown, at: Place): void => {
    const children = childrenOf(one, at);
    if (children.length === 0) leaves.push([at.field, one]);
    for (const [place, child] of children) walk(child, place);
  };
  walk(value, { path: '', field, depth: 0 });
  return leaves;
}

const memberPlace = ({ path, field, depth }: Place, key: string): Place => ({
  path: `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  field: /^[A-Za-z0-9_$-]+$/.test(key) ? `${field}${field === '' ? '' : '.'}${key}` : `${field}[${key}]`,
  depth: depth + 1,
});

const entryPlace = ({ path, field, depth }: Place, index: number, name: string): Place => ({
  path: `${path}/${index}`,
  field: `${field}[${name}]`,
  depth: depth + 1,
});

function compare(into: PatchOperation[], before: unknown, after: unknown, at: Place): void {
  if (before === after || LEFT_OUT.has(at.path)) return;
  const { path, field } = at;
  if (before === undefined) {
    into.push({ op: 'add', path, value: after, field });
    return;
  }
  if (after === undefined) {
    into.push({ op: 'remove', path, old: before, field });
    return;
  }
  if (at.depth < DEEPEST && isJsonObject(before) && isJsonObject(after)) {
    compareObjects(into, before, after, at);
    return;
  }
  if (deepEqual(before, after)) return;
  if (at.depth < DEEPEST && Array.isArray(before) && Array.isArray(after) && compareLists(into, before, after, at)) return;
  into.push({ op: 'replace', path, value: after, old: before, field });
}

function compareObjects(
  into: PatchOperation[],
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  at: Place,
): void {
  for (const key of Object.keys(before))
    compare(into, before[key], Object.hasOwn(after, key) ? after[key] : undefined, memberPlace(at, key));
  for (const key of Object.keys(after)) if (!Object.hasOwn(before, key)) compare(into, undefined, after[key], memberPlace(at, key));
}

type Identity = (entry: unknown) => string;

const plain = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);

/** How to tell the entries of these lists apart: by a member that each has and no two share, or as they are, where they are plain. */
function identityOf(...lists: readonly (readonly unknown[])[]): Identity | undefined {
  const unique = (identity: (entry: unknown) => unknown): boolean =>
    lists.every((list) => {
      const names = list.map(identity);
      return names.every(plain) && new Set(names.map(String)).size === names.length;
    });
  const members = IDENTITIES.map((key) => (entry: unknown) => (isJsonObject(entry) && Object.hasOwn(entry, key) ? entry[key] : undefined));
  const found = [(entry: unknown) => entry, ...members].find(unique);
  return found && ((entry) => String(found(entry)));
}

/**
 * Compares lists entry by entry; false where they are better said as a whole: their order changed, or entries can't be told apart and
 * their number changed. Removals come first, from the back, then what changed of those that stay, then additions from the front: each
 * operation's index is right when its turn comes.
 */
function compareLists(into: PatchOperation[], before: readonly unknown[], after: readonly unknown[], at: Place): boolean {
  const identity = identityOf(before, after);
  if (identity === undefined) {
    if (before.length !== after.length) return false;
    before.forEach((entry, index) => compare(into, entry, after[index], entryPlace(at, index, String(index))));
    return true;
  }
  const was = before.map(identity);
  const is = after.map(identity);
  const kept = new Set(is);
  const known = new Set(was);
  const staying = was.filter((name) => kept.has(name));
  const stayed = is.filter((name) => known.has(name));
  if (!deepEqual(staying, stayed)) return false;
  const old = new Map(was.map((name, index) => [name, before[index]]));
  const next = new Map(is.map((name, index) => [name, after[index]]));
  for (const [index, name] of [...was.entries()].reverse()) {
    if (!kept.has(name)) into.push({ op: 'remove', ...placed(entryPlace(at, index, name)), old: before[index] });
  }
  staying.forEach((name, index) => compare(into, old.get(name), next.get(name), entryPlace(at, index, name)));
  for (const [index, name] of is.entries()) {
    if (!known.has(name)) into.push({ op: 'add', ...placed(entryPlace(at, index, name)), value: after[index] });
  }
  return true;
}

const placed = ({ path, field }: Place): { readonly path: string; readonly field: string } => ({ path, field });
