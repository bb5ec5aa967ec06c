import type { KeyStore, StoredKey } from './key-store.js';

/** Keys in a map, for specs: held to the same contract as the bucket. */
export class MemoryKeyStore implements KeyStore {
  readonly keys = new Map<string, StoredKey>();
  private readonly listeners: ((uid: string) => void)[] = [];
  private revision = 0;

  constructor(private readonly now: () => number = Date.now) {}

  async get(uid: string): Promise<StoredKey | undefined> {
    return this.keys.get(uid);
  }

  async put(uid: string, wrapped: Uint8Array): Promise<StoredKey> {
    return this.keys.get(uid) ?? this.store(uid, wrapped);
  }

  async replace(uid: string, wrapped: Uint8Array, revision: number): Promise<boolean> {
    if (this.keys.get(uid)?.revision !== revision) return false;
    this.store(uid, wrapped);
    return true;
  }

  async remove(uid: string): Promise<void> {
    this.keys.delete(uid);
    for (const listener of this.listeners) listener(uid);
  }

  async list(): Promise<readonly string[]> {
    return [...this.keys.keys()];
  }

  onRemoved(listener: (uid: string) => void): void {
    this.listeners.push(listener);
  }

  async compact(): Promise<void> {}

  async close(): Promise<void> {}

  private store(uid: string, value: Uint8Array): StoredKey {
    const stored = { value, revision: ++this.revision, time: this.now() };
    this.keys.set(uid, stored);
    return stored;
  }
}
