/** A member of a map by its key, and of the map alone: `constructor` and `toString` are keys like any others, which every object seems to have. */
export const ownMember = <T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;

/** Sets a member whatever its key: an assignment to `__proto__` would set the prototype. */
export function setOwnMember<T>(map: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}
