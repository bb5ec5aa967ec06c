import type { KeyStore } from '#libs/adapters';

/** One specification of KeyStore, run against every implementation. `make` gives a new, empty one each time. */
export function keyStoreContract(name: string, make: () => Promise<KeyStore>): void {
  describe(`${name} as a store of keys`, () => {
    let store: KeyStore;
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());

    it('keeps the first value of a key, until it is replaced by whoever knows it', async () => {
      expect(await store.get('a')).toBeUndefined();
      const first = await store.put('a', bytes(1));
      expect((await store.put('a', bytes(2))).value).toEqual(bytes(1));
      expect(await store.replace('a', bytes(3), first.revision)).toBe(true);
      expect(await store.replace('a', bytes(4), first.revision)).toBe(false);
      const found = await store.get('a');
      expect(found?.value).toEqual(bytes(3));
      expect(found?.revision).toBeGreaterThan(first.revision);
      expect(Math.abs((found?.time ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    it('never replaces what was removed, and lists what is there', async () => {
      const { revision } = await store.put('a', bytes(1));
      await store.put('b', bytes(2));
      await store.remove('a');
      expect(await store.replace('a', bytes(3), revision)).toBe(false);
      expect(await store.get('a')).toBeUndefined();
      expect(await store.list()).toEqual(['b']);
      await store.compact();
      await store.put('gone.b', bytes(1));
      expect([...(await store.list())].sort()).toEqual(['b', 'gone.b']);
    });
  });
}
