import type { ManagedFieldsEntry } from '#libs/apimachinery';
import { differenceOf, fieldsAt, intersectionOf, isEmpty, unionOf, type Fields } from '#libs/structured-merge';
import { storedManaged, writtenEntries } from './managed-fields.js';

/** Fields of a scale, in terms of the kind that is scaled. */
const REPLICAS = fieldsAt(['spec.replicas']);
const SCALE_VERSION = 'autoscaling/v1';

const owns = (fields: Fields): boolean => !isEmpty(intersectionOf(fields, REPLICAS));

/** The managed fields of an object's scale: who owns its number of replicas (apimachinery `managedfields/scalehandler.go`). */
export function managedOfScale(entries: readonly ManagedFieldsEntry[] = []): readonly ManagedFieldsEntry[] {
  const { managers, times } = storedManaged(entries);
  const owners = [...managers].filter(([, { fields }]) => owns(fields));
  return writtenEntries({
    managers: new Map(owners.map(([key, owned]) => [key, { ...owned, fields: REPLICAS, apiVersion: SCALE_VERSION }] as const)),
    times,
  });
}

/** An object's managed fields after its scale was applied: whoever lost the number loses it here, whoever won it owns it. */
export function managedAfterScale(
  entries: readonly ManagedFieldsEntry[] = [],
  scaleEntries: readonly ManagedFieldsEntry[] = [],
  apiVersion: string,
): readonly ManagedFieldsEntry[] {
  const before = storedManaged(entries);
  const scaled = scaleEntries.map((entry) => ({
    ...entry,
    apiVersion: entry.apiVersion === SCALE_VERSION ? apiVersion : (entry.apiVersion ?? ''),
  }));
  const after = storedManaged(scaled);
  const owners = new Set([...after.managers].filter(([, { fields }]) => owns(fields)).map(([key]) => key));
  const managers = new Map(
    [...before.managers].flatMap(([key, owned]) => {
      if (!owns(owned.fields) || owners.has(key)) return [[key, owned] as const];
      const fields = differenceOf(owned.fields, REPLICAS);
      return isEmpty(fields) ? [] : [[key, { ...owned, fields }] as const];
    }),
  );
  for (const key of owners) {
    const owned = after.managers.get(key);
    if (owned) managers.set(key, { ...owned, fields: unionOf(managers.get(key)?.fields ?? {}, REPLICAS) });
  }
  const times = new Map(before.times);
  for (const [key, time] of after.times) if (managers.has(key)) times.set(key, time);
  return writtenEntries({ managers, times });
}
