/**
 * `object` with the members of `defaults` it lacks; the same object where it lacks none. Zero values that Go
 * leaves out have been left out by decoding, so a member that is there counts; null is what Go writes for none.
 */
export function fill<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  let filled: { -readonly [K in keyof T]: T[K] } | undefined;
  for (const key in defaults) {
    const value = defaults[key];
    const lacking = object[key] === undefined || object[key] === null;
    if (lacking && value !== undefined) (filled ??= { ...object })[key] = value as T[typeof key];
  }
  return filled ?? object;
}

/** `list` with `change` applied to each item; the same list where nothing changed. */
export function each<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as T;
    const next = change(item);
    if (next !== item) (changed ??= list.slice())[i] = next;
  }
  return changed ?? list;
}

/** `object` with `change` applied to one member, where it is there; the same object where nothing changed. */
export function within<T extends object, K extends keyof T>(object: T, key: K, change: (value: NonNullable<T[K]>) => NonNullable<T[K]>): T {
  const value = object[key];
  if (value === undefined || value === null) return object;
  const next = change(value);
  return next === value ? object : { ...object, [key]: next };
}
