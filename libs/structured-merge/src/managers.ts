import { compare, type Comparison } from './compare.js';
import { fieldsOf, withNamedFields } from './field-set.js';
import { NO_FIELDS, differenceOf, intersectionOf, isEmpty, unionOf, withoutBelow, type Fields } from './fields.js';
import type { MergeType } from './merge-type.js';
import { merge } from './merge.js';
import { withoutFields } from './remove.js';

/** What one manager owns, in terms of one version of the kind. */
export interface Owned {
  readonly fields: Fields;
  readonly apiVersion: string;
  /** Whether it applies (server-side apply); else it creates, updates and patches. */
  readonly applied: boolean;
}

/** Who owns what, by manager. */
export type Managers = ReadonlyMap<string, Owned>;

/** A value together with the type by which it merges. */
export interface Typed {
  readonly type: MergeType;
  readonly value: unknown;
}

/** A kind as its managers know it. */
export interface Versions {
  /** The version of the request. */
  readonly apiVersion: string;
  /** The object in a version; undefined where the version is not served any more. */
  readonly at: (value: unknown, apiVersion: string) => Typed | undefined;
  /** Fields that nobody can own through this request, with all below them. */
  readonly ignored: Fields;
}

/** The fields that an apply would take from others, by manager. */
export class FieldConflicts extends Error {
  override readonly name = 'FieldConflicts';
  constructor(readonly conflicts: ReadonlyMap<string, Fields>) {
    super('fields are owned by others');
  }
}

const typed = (versions: Versions, value: unknown): Typed => {
  const found = versions.at(value, versions.apiVersion);
  if (!found) throw new Error(`no type for ${versions.apiVersion}`);
  return found;
};

/** Compares two states in every version that managers speak, each once. */
class Comparisons {
  readonly #made = new Map<string, Comparison | undefined>();

  constructor(
    private readonly versions: Versions,
    private readonly live: unknown,
    private readonly next: unknown,
  ) {}

  at(apiVersion: string): Comparison | undefined {
    if (this.#made.has(apiVersion)) return this.#made.get(apiVersion);
    const made = this.#compare(apiVersion);
    this.#made.set(apiVersion, made);
    return made;
  }

  #compare(apiVersion: string): Comparison | undefined {
    const { at, ignored } = this.versions;
    const next = at(this.next, apiVersion);
    if (!next) return undefined;
    const old = this.live === undefined ? undefined : at(this.live, apiVersion)?.value;
    const { added, modified, removed } = compare(next.type, old, next.value);
    if (isEmpty(ignored)) return { added, modified, removed };
    return { added: withoutBelow(added, ignored), modified: withoutBelow(modified, ignored), removed: withoutBelow(removed, ignored) };
  }
}

/** Takes from all others what has changed and what is gone. Throws FieldConflicts where that is not allowed. */
function taken(managers: Managers, comparisons: Comparisons, self: string, force: boolean): Map<string, Owned> {
  const conflicts = new Map<string, Fields>();
  const next = new Map<string, Owned>();
  for (const [manager, owned] of managers) {
    if (manager === self) {
      next.set(manager, owned);
      continue;
    }
    const difference = comparisons.at(owned.apiVersion);
    if (!difference) continue;
    const conflict = intersectionOf(owned.fields, unionOf(difference.modified, difference.added));
    if (!isEmpty(conflict)) conflicts.set(manager, conflict);
    const fields = differenceOf(differenceOf(owned.fields, conflict), difference.removed);
    if (!isEmpty(fields)) next.set(manager, fields === owned.fields ? owned : { ...owned, fields });
  }
  if (!force && conflicts.size > 0) throw new FieldConflicts(conflicts);
  return next;
}

/**
 * Who owns what after a create, update or patch by `manager`: it owns what it added or modified. `live` is undefined
 * for a create.
 */
export function managersAfterUpdate(versions: Versions, live: unknown, next: unknown, managers: Managers, manager: string): Managers {
  const comparisons = new Comparisons(versions, live, next);
  const after = taken(managers, comparisons, manager, true);
  const difference = comparisons.at(versions.apiVersion);
  if (!difference) return after;
  const before = after.get(manager)?.fields ?? NO_FIELDS;
  const own = unionOf(unionOf(differenceOf(before, difference.removed), difference.modified), difference.added);
  const fields = withoutBelow(own, versions.ignored);
  if (isEmpty(fields)) after.delete(manager);
  else after.set(manager, { fields, apiVersion: versions.apiVersion, applied: false });
  return after;
}

/** The object and its managers after an apply. */
export interface Applied {
  readonly value: unknown;
  readonly managers: Managers;
}

/**
 * Applies a configuration: merges it, removes what the manager applied before and now leaves out unless others own it,
 * and gives it the ownership of what it sets. Throws FieldConflicts unless `force`.
 */
export function apply(versions: Versions, live: unknown, config: unknown, managers: Managers, manager: string, force: boolean): Applied {
  const { type } = typed(versions, config);
  const merged = merge(type, live, config);
  const last = managers.get(manager);
  const fields = withoutBelow(fieldsOf(type, config), versions.ignored);
  const claimed = new Map(managers);
  claimed.set(manager, { fields, apiVersion: versions.apiVersion, applied: true });
  const value = last === undefined || isEmpty(last.fields) ? merged : pruned(versions, merged, claimed, last);
  const after = taken(claimed, new Comparisons(versions, live, value), manager, force);
  if (isEmpty(fields)) after.delete(manager);
  return { value, managers: after };
}

/** Removes what the manager owned and no longer applies; what anybody owns, or nobody owned, comes back. */
function pruned(versions: Versions, merged: unknown, managers: Managers, last: Owned): unknown {
  const then = versions.at(merged, last.apiVersion);
  if (!then) return merged;
  const { type, value } = then;
  const named = (set: Fields): Fields => withNamedFields(type, set);
  const removed = withoutFields(type, value, named(last.fields));
  let owned = NO_FIELDS;
  for (const each of managers.values()) owned = unionOf(owned, each.fields);
  const all = named(fieldsOf(type, value));
  const kept = withoutFields(type, value, differenceOf(all, unionOf(named(fieldsOf(type, removed)), named(owned))));
  const dropped = differenceOf(all, named(fieldsOf(type, kept)));
  const rest = withoutFields(type, value, intersectionOf(dropped, named(last.fields))) ?? {};
  if (last.apiVersion === versions.apiVersion) return rest;
  return versions.at(rest, versions.apiVersion)?.value ?? merged;
}
