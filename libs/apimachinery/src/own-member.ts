/** A member of a map by its key, and of the map alone: `constructor` and `toString` are keys like any others, which every object seems to have. */
export const ownMember = <T>(map: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;
