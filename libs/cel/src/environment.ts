import type { Overload } from './library/function.js';
import type { CelType, ObjectType } from './types.js';

/** What expressions may name: variables with their types, functions, and types of structs that they can build. */
export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: ReadonlyMap<string, readonly Overload[]>;
  /** The struct type of a name, where an expression may write `Name{...}`. */
  readonly struct?: (name: string) => ObjectType | undefined;
}

/** The overloads by their functions' names. */
export function byName(overloads: readonly Overload[]): ReadonlyMap<string, readonly Overload[]> {
  const found = new Map<string, Overload[]>();
  for (const overload of overloads) found.set(overload.name, [...(found.get(overload.name) ?? []), overload]);
  return found;
}
