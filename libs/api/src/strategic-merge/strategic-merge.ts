import { badRequest, isJsonObject, type JsonObject } from '#libs/apimachinery';
import { modelFacts, type FieldFact } from '../schema/facts.js';
import { checkOrder, directed, holdsObjects, mergedPrimitives, ordered, without, type MergeKey } from './lists.js';
import { BAD_ELEMENT_ORDER, BAD_PRIMITIVE_LIST, BAD_RETAIN_KEYS, badPatchType, noMergeKey, notAList } from './problems.js';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ELEMENT_ORDER = '$setElementOrder';
const DELETE_FROM = '$deleteFromPrimitiveList';
/** Deepest nesting of a patch: what a recursive walk can carry. */
const MOST_DEPTH = 1000;

/** Where in the types a merge stands: the model of the object, undefined inside maps and untyped values. */
type Model = string | undefined;

const factOf = (model: Model, field: string): FieldFact | undefined => {
  const facts = model === undefined ? undefined : modelFacts(model);
  return facts && Object.hasOwn(facts, field) ? facts[field] : undefined;
};

/** The model of a field's object or of its list's elements. */
const modelBehind = (fact: FieldFact | undefined): Model => /^(?:\[\])?#(.+)$/.exec(fact?.type ?? '')?.[1];

/** `merge` or `replace`, where the type says so; `retainKeys` concerns the client that makes the patch. */
const strategyOf = (fact: FieldFact | undefined): string | undefined =>
  fact?.patchStrategy?.split(',').find((strategy) => strategy !== 'retainKeys');

/** The field that a directive such as `$setElementOrder/ports` speaks about. */
function fieldBehind(key: string, prefix: string, problem: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined;
  if (key.charAt(prefix.length) !== '/') throw badRequest(problem);
  return key.slice(prefix.length + 1);
}

/** A value new to the object: without directives, and (`nulls` gone) without nulls that would mean deletion. */
function fresh(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fresh).filter((element) => element !== undefined);
  if (!isJsonObject(value)) return value;
  if (value[DIRECTIVE] !== undefined) return undefined;
  const members = Object.entries(value).map(([key, member]) => [key, member === null ? undefined : fresh(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** Drops what `$retainKeys` does not name; the patch may only set what it names. */
function retained(original: Map<string, unknown>, patch: Map<string, unknown>): void {
  const keys = patch.get(RETAIN_KEYS);
  if (!patch.delete(RETAIN_KEYS)) return;
  if (!Array.isArray(keys)) throw badRequest(BAD_RETAIN_KEYS);
  const kept = new Set<unknown>(keys);
  for (const [key, value] of patch) {
    if (value === null || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER)) continue;
    if (!kept.has(key)) throw badRequest(BAD_RETAIN_KEYS);
  }
  for (const key of [...original.keys()]) if (!kept.has(key)) original.delete(key);
}

function listOrNothing(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || Array.isArray(value)) return value;
  throw notAList(value);
}

/** Merges the lists that the patch gives an order to, and takes them out of the patch. */
function orderedLists(original: Map<string, unknown>, patch: Map<string, unknown>, model: Model, depth: number): void {
  for (const [directive, order] of [...patch]) {
    const field = fieldBehind(directive, ELEMENT_ORDER, BAD_ELEMENT_ORDER);
    if (field === undefined) continue;
    patch.delete(directive);
    if (!Array.isArray(order)) throw notAList(order);
    const fact = factOf(model, field);
    const current = listOrNothing(original.get(field) ?? undefined);
    const wanted = listOrNothing(patch.get(field) ?? undefined);
    if (!current && !wanted) continue;
    checkOrder(wanted ?? [], order, fact?.patchMergeKey);
    const merged = current && wanted ? mergeLists(current, wanted, fact, depth) : (current ?? (fresh(wanted) as readonly unknown[]));
    original.set(field, ordered(merged, order, current ?? merged, fact?.patchMergeKey));
    patch.delete(field);
  }
}

function mergeLists(
  original: readonly unknown[],
  patch: readonly unknown[],
  fact: FieldFact | undefined,
  depth: number,
): readonly unknown[] {
  if (strategyOf(fact) !== 'merge') return patch;
  if (original.length + patch.length === 0) return original;
  if (!holdsObjects([original, patch])) return mergedPrimitives(original, patch);
  const key = fact?.patchMergeKey;
  const model = modelBehind(fact);
  if (key === undefined) throw badRequest(`cannot merge lists without merge key for ${model ?? ''}`);
  return mergeByKey(...directed(original, patch, key), key, model, depth);
}

function mergeByKey(original: readonly unknown[], patch: readonly unknown[], key: string, model: Model, depth: number): readonly unknown[] {
  const merged = [...original];
  const places = new Map<unknown, number>();
  for (const [place, element] of original.entries()) {
    const id = isJsonObject(element) ? element[key] : undefined;
    if (id !== undefined && !places.has(id)) places.set(id, place);
  }
  for (const element of patch) {
    if (!isJsonObject(element) || element[key] === undefined) throw noMergeKey(isJsonObject(element) ? element : {}, key);
    const place = places.get(element[key]);
    const current = place === undefined ? undefined : merged[place];
    if (place !== undefined && isJsonObject(current)) merged[place] = mergeObjects(current, element, model, depth + 1);
    else {
      places.set(element[key], merged.length);
      merged.push(element);
    }
  }
  const mergeKey: MergeKey = key;
  return ordered(merged, patch, original, mergeKey);
}

/** What becomes of a member that both have. */
function mergeMember(current: unknown, wanted: unknown, fact: FieldFact | undefined, depth: number): unknown {
  if (isJsonObject(current) && isJsonObject(wanted)) {
    return strategyOf(fact) === 'replace' ? wanted : mergeObjects(current, wanted, modelBehind(fact), depth + 1);
  }
  if (Array.isArray(current) && Array.isArray(wanted)) return mergeLists(current, wanted, fact, depth);
  return fresh(wanted);
}

function mergeObjects(original: JsonObject, patch: JsonObject, model: Model, depth: number): JsonObject {
  if (depth > MOST_DEPTH) throw badRequest('exceeded max depth');
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return {};
  if (directive === 'replace') return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== DIRECTIVE));
  if (directive !== undefined) throw badPatchType(directive, patch);
  const merged = new Map(Object.entries(original));
  const rest = new Map(Object.entries(patch));
  retained(merged, rest);
  orderedLists(merged, rest, model, depth);
  for (const [key, wanted] of rest) {
    const listField = fieldBehind(key, DELETE_FROM, BAD_PRIMITIVE_LIST);
    if (listField !== undefined) {
      const current = merged.get(listField);
      if (Array.isArray(current) && Array.isArray(wanted)) merged.set(listField, without(current, wanted));
      continue;
    }
    if (wanted === null) {
      merged.delete(key);
      continue;
    }
    const value = merged.has(key) ? mergeMember(merged.get(key), wanted, factOf(model, key), depth) : fresh(wanted);
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/**
 * Merges a strategic merge patch into an object of the model's type: lists by their merge keys, lists of primitives as
 * sets, and the directives `$patch`, `$retainKeys`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x`.
 * Neither argument is changed. Throws BadRequest with upstream's sentence for a malformed patch. The result still has
 * to be decoded: nothing here knows the types of values. Rules: k8s.io/apimachinery/pkg/util/strategicpatch.
 */
export function strategicMergePatch(model: string, original: unknown, patch: unknown): unknown {
  if (!isJsonObject(original) || !isJsonObject(patch)) throw badRequest('invalid JSON document');
  return mergeObjects(original, patch, model, 0);
}
