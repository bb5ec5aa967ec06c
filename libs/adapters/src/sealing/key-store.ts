/** A wrapped key as it is kept. */
export interface StoredKey {
  readonly value: Uint8Array;
  /** Rises with each change of this key. */
  readonly revision: number;
  /** When it was stored. */
  readonly time: number;
}

/** Where wrapped keys are kept: one value per uid, no history. All reads see every change that was acknowledged. */
export interface KeyStore {
  get(uid: string): Promise<StoredKey | undefined>;
  /** Keeps what is there already; answers what is there then. */
  put(uid: string, wrapped: Uint8Array): Promise<StoredKey>;
  /** Replaces a key that has not changed since; false where it has, or is gone. */
  replace(uid: string, wrapped: Uint8Array, revision: number): Promise<boolean>;
  remove(uid: string): Promise<void>;
  /** The uids of all keys there are. */
  list(): Promise<readonly string[]>;
  /** Called for each key that anybody removes from now on. */
  onRemoved(listener: (uid: string) => void): void;
  /** Forgets what is kept of keys that were removed long ago. */
  compact(): Promise<void>;
  close(): Promise<void>;
}
