import { decode, mergeTypeOf, type ObjectSchema, type ResourceDefinition } from '#libs/api';
import { apiVersionOf, deepEqual, formatTime, type Instant, type KubeObject, type ManagedFieldsEntry } from '#libs/apimachinery';
import {
  differenceOf,
  fieldsAt,
  isEmpty,
  isMap,
  managersAfterUpdate,
  unionOf,
  type Fields,
  type Managers,
  type MergeType,
  type Owned,
  type Typed,
  type Versions,
} from '#libs/structured-merge';
import type { Requester } from '../write.js';
import { managerKey, sentManaged, storedManaged, UNMANAGED, writtenEntries, type Managed } from './managed-fields.js';

/** Members of metadata that nobody owns: the server's own (apimachinery `managedfields/internal/stripmeta.go`). */
const SERVERS_OWN = ['name', 'namespace', 'uid', 'generation', 'resourceVersion', 'selfLink', 'clusterName', 'managedFields'];
const SERVERS_TIMES = ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'];
const STRIPPED = fieldsAt(['apiVersion', 'kind', 'metadata', ...[...SERVERS_OWN, ...SERVERS_TIMES].map((name) => `metadata.${name}`)]);

/** Updaters beyond this many are folded into one, the oldest first. */
const MOST_UPDATERS = 10;
const FOLDED = 'ancient-changes';
/** Stands for the manager of the request while its own earlier entry is compared like all others. */
const THIS_REQUEST = 'this request';
const DEFAULT_RESET: Readonly<Record<string, readonly string[]>> = { '': ['status'], status: ['spec'] };

/** What ownership depends on of a kind: a resource's own, or that of a subresource. */
export type TrackedKind = Pick<ResourceDefinition, 'resource' | 'kind' | 'model' | 'schema' | 'resetFields'>;

/** Who writes to what, as far as ownership goes. */
export interface Tracking {
  readonly definition: TrackedKind;
  /** '' for the main resource. */
  readonly subresource: string;
  readonly manager: string;
  readonly now: Instant;
  /** An object in another version of its kind, where versions differ in more than their names. */
  readonly convert?: (object: KubeObject, apiVersion: string) => KubeObject;
}

/** How a requester is called as a manager: by the name it gave, or by its program. */
export const managerName = ({ fieldManager, agent }: Pick<Requester, 'fieldManager' | 'agent'>): string =>
  fieldManager || (agent ?? '').split('/')[0] || 'unknown';

const types = new Map<string, MergeType>();

/** How the objects of a definition merge. */
export function mergeTypeFor({ schema, model }: Pick<TrackedKind, 'schema' | 'model'>): MergeType {
  if (schema) return schema.merge;
  let type = types.get(model);
  if (!type) {
    type = mergeTypeOf(model);
    types.set(model, type);
  }
  return type;
}

const empties = new Map<string, unknown>();

/** An object of a kind before anybody set a field: the members that are written whatever they hold. */
export function emptyObject({ schema, model }: TrackedKind): unknown {
  if (schema) return undefined;
  let empty = empties.get(model);
  if (empty === undefined) {
    empty = decode(model, {}, { strict: false }).object;
    empties.set(model, empty);
  }
  return empty;
}

const ignored = new WeakMap<TrackedKind, Map<string, Fields>>();

function ignoredFields(definition: TrackedKind, subresource: string): Fields {
  const bySubresource = ignored.get(definition) ?? new Map<string, Fields>();
  ignored.set(definition, bySubresource);
  let fields = bySubresource.get(subresource);
  if (!fields) {
    fields = fieldsAt((definition.resetFields ?? DEFAULT_RESET)[subresource] ?? []);
    bySubresource.set(subresource, fields);
  }
  return fields;
}

/** An object of a custom resource by the schema of a version; undefined where that is not served any more. */
function inVersion({ mergeAt }: ObjectSchema, value: unknown, apiVersion: string, convert: Tracking['convert']): Typed | undefined {
  const type = mergeAt(apiVersion);
  if (type === undefined || convert === undefined || !isMap(value)) return type && { type, value };
  return { type, value: convert(value as unknown as KubeObject, apiVersion) };
}

/** A definition's objects as the managers of any of its versions see them. */
export function versionsOf({ definition, subresource, convert }: Pick<Tracking, 'definition' | 'subresource' | 'convert'>): Versions {
  const type = mergeTypeFor(definition);
  const { schema } = definition;
  return {
    apiVersion: apiVersionOf(definition.resource),
    at: schema ? (value, apiVersion) => inVersion(schema, value, apiVersion, convert) : (value) => ({ type, value }),
    ignored: ignoredFields(definition, subresource),
  };
}

/** An object without the record of who owns what. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** An object with this record of who owns what. */
export function withManaged<T extends KubeObject>(object: T, managed: Managed): T {
  const entries = writtenEntries(managed);
  if (entries.length === 0) return withoutManagedFields(object);
  return { ...object, metadata: { ...object.metadata, managedFields: entries } };
}

/** What one manager owns without the server's own fields. */
export function stripped(managers: Managers, key: string): Map<string, Owned> {
  const next = new Map(managers);
  const own = next.get(key);
  if (!own) return next;
  const fields = differenceOf(own.fields, STRIPPED);
  if (isEmpty(fields)) next.delete(key);
  else next.set(key, { ...own, fields });
  return next;
}

const isReset = (entries: readonly ManagedFieldsEntry[]): boolean =>
  entries.length === 0 || (entries.length === 1 && Object.values(entries[0] ?? {}).every((value) => value === undefined || value === ''));

/**
 * The managed fields that an update starts from: what the client sent, so that it can change them; the live object's
 * where it sent none, or nonsense, or writes to a subresource. An empty list, or one empty entry, resets them.
 */
function startingFrom(live: KubeObject | undefined, next: KubeObject, subresource: string): Managed {
  const stored = live?.metadata.managedFields;
  const before = stored === undefined ? UNMANAGED : storedManaged(stored);
  const sent = next.metadata.managedFields;
  if (subresource !== '' || sent === undefined || sent === stored) return before;
  if (isReset(sent)) return UNMANAGED;
  const read = sentManaged(sent);
  return read === undefined || read.managers.size === 0 ? before : read;
}

function folded({ managers, times }: Managed): Managed {
  const updaters = [...managers].filter(([, { applied }]) => !applied).map(([key]) => key);
  if (updaters.length <= MOST_UPDATERS) return { managers, times };
  const timeOf = (key: string): string => times.get(key) ?? '';
  updaters.sort((a, b) => (timeOf(a) === timeOf(b) ? (a < b ? -1 : 1) : timeOf(a) < timeOf(b) ? -1 : 1));
  const next = new Map(managers);
  const nextTimes = new Map(times);
  const first = new Map<string, string>();
  let count = updaters.length;
  for (const key of updaters) {
    if (count <= MOST_UPDATERS) break;
    const owned = next.get(key);
    if (!owned) continue;
    const { apiVersion } = owned;
    const earlier = first.get(apiVersion);
    if (earlier === undefined) {
      first.set(apiVersion, key);
      continue;
    }
    const bucket = managerKey({ manager: FOLDED, operation: 'Update', apiVersion, subresource: '' });
    const held = next.get(bucket) ?? next.get(earlier);
    if (!next.has(bucket)) next.delete(earlier);
    next.delete(key);
    next.set(bucket, { ...owned, fields: unionOf(owned.fields, held?.fields ?? {}) });
    nextTimes.set(bucket, timeOf(key));
    count -= 1;
  }
  return { managers: next, times: nextTimes };
}

/**
 * The proposed object with the record of who owns what after a create (no live object), update or patch: the manager
 * owns what it changed, others lose it. An object that has no record yet is not given one by an update.
 */
export function tracked<T extends KubeObject>(tracking: Tracking, live: KubeObject | undefined, next: T): T {
  const start = startingFrom(live, next, tracking.subresource);
  if (live !== undefined && start.managers.size === 0) return withoutManagedFields(next);
  const bare = withoutManagedFields(next);
  const versions = versionsOf(tracking);
  const old = live === undefined ? emptyObject(tracking.definition) : withoutManagedFields(live);
  const after = stripped(managersAfterUpdate(versions, old, bare, start.managers, THIS_REQUEST), THIS_REQUEST);
  const own = after.get(THIS_REQUEST);
  const times = new Map(start.times);
  if (own) {
    after.delete(THIS_REQUEST);
    const { subresource, manager, now } = tracking;
    const key = managerKey({ manager, operation: 'Update', apiVersion: versions.apiVersion, subresource });
    after.set(key, { ...own, fields: unionOf(own.fields, after.get(key)?.fields ?? {}) });
    times.set(key, formatTime(now));
  }
  return withManaged(bare, folded({ managers: after, times }));
}

/** Whether two states of an object differ in nothing but the times of their managers: then nothing is to be written. */
export function sameButForTimes(next: KubeObject, old: KubeObject): boolean {
  const { managedFields: after = [], ...nextMetadata } = next.metadata;
  const { managedFields: before = [], ...oldMetadata } = old.metadata;
  const timeless = (entries: readonly ManagedFieldsEntry[]): readonly ManagedFieldsEntry[] =>
    entries.map(({ time: _time, ...rest }) => rest);
  if (after !== before && (after.length !== before.length || !deepEqual(timeless(after), timeless(before)))) return false;
  return deepEqual({ ...next, metadata: nextMetadata }, { ...old, metadata: oldMetadata });
}
