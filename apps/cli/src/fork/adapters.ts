/** The drivers of servers, and the projection's tables. */
export type Adapters = Awaited<ReturnType<typeof loadAdapters>>;

/** Loaded where they are needed: they are slow to load, and few commands need them. */
export async function loadAdapters() {
  const [adapters, { MIGRATIONS }] = await Promise.all([import('#libs/adapters'), import('#migrations')]);
  return { ...adapters, MIGRATIONS };
}
