import type { Sequence } from '#libs/log';
import type { Selection } from './selection.js';
import { comparePlaces, type Row, type ServedResource } from '../served-resource.js';

/** One page of a list, all of it at one position. */
export interface Page {
  readonly rows: readonly Row[];
  readonly sequence: Sequence;
  readonly continue?: string;
  readonly remaining?: number;
}

/** Where an object is among those of its resource; a cluster-scoped one has no namespace. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Whether a row of the right namespace is part of a selection. */
export const matchesRow = (served: ServedResource, { name, matches }: Selection, row: Row): boolean =>
  (name === undefined || row.name === name) && (matches === undefined || matches(served.object(row)));

/** The only place a selection can be about, where it names one: such a list has one page. */
export function onlyPlace({ definition }: ServedResource, { namespace, name }: Selection): Place | undefined {
  if (name === undefined) return undefined;
  if (definition.scope !== 'Namespaced') return { namespace: '', name };
  return namespace === undefined ? undefined : { namespace, name };
}

/** The page of a selection that can only be about one object, which is there or not. */
export function onlyPage(served: ServedResource, selection: Selection, row: Row | undefined, sequence: Sequence, after?: Place): Page {
  const found = row !== undefined && matchesRow(served, selection, row) && (after === undefined || comparePlaces(row, after) > 0);
  return { rows: found ? [row] : [], sequence };
}
