import { randomBytes } from 'node:crypto';
import { connect } from 'nats';
import { DESTROYED, joinSealed, sealedContext, splitSealed, UNOPENED, withoutData } from '#libs/log';
import { serverOptions } from '../jetstream/server-url.js';
import { decrypt, encrypt, unwrapKey, wrapKey, wrappedBy } from './cipher.js';
import type { KeyStore, StoredKey } from './key-store.js';
import { KvKeyStore } from './kv-key-store.js';
import { Masters } from './masters.js';

/** The object a sealed body belongs to. */
export interface SealedObject {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Opens the bodies of Secrets as they are stored in the log or in a row of the projection. */
export interface Opener {
  /** The object's JSON; without data, and saying so, where its key is gone. Throws where the body was tampered with. */
  open(object: SealedObject, body: Uint8Array): Promise<Uint8Array>;
}

/** Opens nothing: every sealed Secret is an object without data. For processes that must not read Secrets. */
export const WITHOUT_KEYS: Opener = {
  open: (object, body) => Promise.resolve(withoutData(object.namespace, object.name, splitSealed(body).uid, UNOPENED)),
};

const CACHED = 10_000;
const NONCE = 12;
const KEY = 32;
/** A key of no object: its master is the one that all are to be wrapped with. */
export const CHECK = 'check';
/** Times a key is wrapped again where the master changed meanwhile. */
const ROUNDS = 5;

/**
 * Data keys of Secrets, one per uid, wrapped by a master key of 32 bytes. Removing one makes that object's history
 * unreadable. The masters may change while it is used (`rotateMaster`).
 */
export class Keyring implements Opener {
  private readonly keys = new Map<string, Uint8Array>();

  private constructor(
    private readonly store: KeyStore,
    private readonly masters: Masters,
  ) {}

  /**
   * `read` gives the content of the sealing key file, now and whenever a key names a master that was not in it. Throws
   * WrongSealingKey where the store's keys were wrapped with another one.
   */
  static async open(store: KeyStore, read: () => Uint8Array): Promise<Keyring> {
    const masters = new Masters(read);
    const { value } = await store.put(CHECK, wrapKey(masters.current, CHECK, randomBytes(KEY)));
    unwrapKey(masters, CHECK, value);
    const keyring = new Keyring(store, masters);
    store.onRemoved((uid) => keyring.keys.delete(uid));
    return keyring;
  }

  /** Seals a body for the object of that uid; its key is stored first where it has none. */
  async seal({ group, resource, namespace, name }: SealedObject, uid: string, body: Uint8Array): Promise<Uint8Array> {
    const key = (await this.keyOf(uid)) ?? (await this.made(uid));
    const nonce = new Uint8Array(randomBytes(NONCE));
    return joinSealed({ uid, nonce, text: encrypt(key, nonce, sealedContext(group, resource, namespace, name), body) });
  }

  async open({ group, resource, namespace, name }: SealedObject, body: Uint8Array): Promise<Uint8Array> {
    const { uid, nonce, text } = splitSealed(body);
    const key = await this.keyOf(uid);
    if (!key) return withoutData(namespace, name, uid, DESTROYED);
    return decrypt(key, nonce, sealedContext(group, resource, namespace, name), text);
  }

  /** Destroys a key, here and in every process that has it in memory: whatever was sealed with it can't be read again. */
  async destroy(uid: string): Promise<void> {
    await this.store.remove(uid);
    this.keys.delete(uid);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async keyOf(uid: string): Promise<Uint8Array | undefined> {
    const known = this.keys.get(uid);
    if (known) return known;
    const stored = await this.store.get(uid);
    return stored && this.keep(uid, stored);
  }

  /** A new key, stored under the master of now: were that to change in between, nobody could open it later. */
  private async made(uid: string): Promise<Uint8Array> {
    let stored = await this.store.put(uid, wrapKey(this.masters.current, uid, randomBytes(KEY)));
    const key = this.keep(uid, stored);
    for (let round = 0; round < ROUNDS; round++) {
      const wanted = await this.store.get(CHECK);
      const master = wanted && wrappedBy(wanted.value);
      if (master === undefined || master === wrappedBy(stored.value)) return key;
      const value = wrapKey(this.masters.named(master), uid, key);
      if (await this.store.replace(uid, value, stored.revision)) return key;
      const again = await this.store.get(uid);
      if (again === undefined) return key;
      stored = again;
    }
    return key;
  }

  private keep(uid: string, { value }: StoredKey): Uint8Array {
    const key = unwrapKey(this.masters, uid, value);
    this.keys.set(uid, key);
    if (this.keys.size > CACHED) {
      const oldest = this.keys.keys().next();
      if (!oldest.done) this.keys.delete(oldest.value);
    }
    return key;
  }
}

/** Where a cluster's keys are. */
export interface KeyStoreOptions {
  readonly url: string;
  readonly cluster: string;
  readonly replicas?: number;
}

/** Opens a cluster's store of wrapped keys on the log's server. */
export async function connectKeyStore({ url, cluster, replicas = 1 }: KeyStoreOptions): Promise<KeyStore> {
  const connection = await connect({ ...serverOptions(url), name: 'decklog-keys', maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  try {
    return await KvKeyStore.open(connection, cluster, replicas);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Opens a cluster's keyring on the log's server. `master` reads the sealing key file. */
export async function connectKeyring(options: KeyStoreOptions & { readonly master: () => Uint8Array }): Promise<Keyring> {
  const store = await connectKeyStore(options);
  try {
    return await Keyring.open(store, options.master);
  } catch (error) {
    await store.close();
    throw error;
  }
}
