import type { ManagedFieldsEntry } from '#libs/apimachinery';
import { readFields, type Fields, type Managers, type Owned } from '#libs/structured-merge';

/** An object's managed fields, read: who owns what by manager, and when each last wrote. */
export interface Managed {
  readonly managers: Managers;
  readonly times: ReadonlyMap<string, string>;
}

/** Nobody owns anything. */
export const UNMANAGED: Managed = { managers: new Map(), times: new Map() };

/** What tells one entry from another. An applier is the same in all versions. */
export interface ManagerInfo {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
}

/** A manager as the key of maps. */
export const managerKey = ({ manager, operation, apiVersion, subresource }: ManagerInfo): string =>
  JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);

/** What a manager's key says. */
export function managerOf(key: string): ManagerInfo {
  const [manager = '', operation = '', apiVersion = '', subresource = ''] = JSON.parse(key) as readonly string[];
  return { manager, operation: operation === 'Apply' ? 'Apply' : 'Update', apiVersion, subresource };
}

/** Reads entries that the server wrote. */
export const storedManaged = (entries: readonly ManagedFieldsEntry[]): Managed =>
  readEntries(entries, (value) => value as Fields) ?? UNMANAGED;

/** Reads entries that a client sent; undefined where one of them is none. */
export const sentManaged = (entries: readonly ManagedFieldsEntry[]): Managed | undefined => readEntries(entries, readFields);

function readEntries(entries: readonly ManagedFieldsEntry[], read: (value: unknown) => Fields | undefined): Managed | undefined {
  const managers = new Map<string, Owned>();
  const times = new Map<string, string>();
  for (const { manager = '', operation, apiVersion = '', subresource = '', fieldsType, fieldsV1 = {}, time } of entries) {
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
    const fields = read(fieldsV1);
    if (fields === undefined) return undefined;
    const key = managerKey({ manager, operation, apiVersion, subresource });
    managers.set(key, { fields, apiVersion, applied: operation === 'Apply' });
    if (time !== undefined) times.set(key, time);
  }
  return { managers, times };
}

type SortKey = readonly [operation: string, time: string, manager: string, apiVersion: string, subresource: string];

const compareKeys = (a: SortKey, b: SortKey): number => {
  for (const [i, part] of a.entries()) {
    const other = b[i] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
};

/** Entries as they are written: appliers first, then by time, manager and version. */
export function writtenEntries({ managers, times }: Managed): readonly ManagedFieldsEntry[] {
  const entries = [...managers].map(([key, { fields, apiVersion }]) => {
    const { manager, operation, subresource } = managerOf(key);
    const time = times.get(key);
    const entry: ManagedFieldsEntry = {
      ...(manager === '' ? {} : { manager }),
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource === '' ? {} : { subresource }),
    };
    const sortKey: SortKey = [operation, time ?? '', manager, apiVersion, subresource];
    return { entry, sortKey };
  });
  return entries.sort((a, b) => compareKeys(a.sortKey, b.sortKey)).map(({ entry }) => entry);
}
