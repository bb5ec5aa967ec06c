import { randomBytes } from 'node:crypto';
import type { KV, NatsConnection } from 'nats';
import { connect, NatsError } from 'nats';
import { joinSealed, LogUnavailable, sealedContext, splitSealed, withoutData } from '#libs/log';
import { serverOptions } from '../jetstream/server-url.js';
import { decrypt, encrypt, unwrapKey, wrapKey } from './cipher.js';

/** Where wrapped keys are kept: one value per uid, no history. `put` keeps what is there already and returns it. */
export interface KeyStore {
  get(uid: string): Promise<Uint8Array | undefined>;
  put(uid: string, wrapped: Uint8Array): Promise<Uint8Array>;
  remove(uid: string): Promise<void>;
  close(): Promise<void>;
}

/** The object a sealed body belongs to. */
export interface SealedObject {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Opens the bodies of Secrets as they are stored in the log or in a row of the projection. */
export interface Opener {
  /** The object's JSON; without data where its key is gone. Throws where the body was tampered with. */
  open(object: SealedObject, body: Uint8Array): Promise<Uint8Array>;
}

/** Opens nothing: every sealed Secret is an object without data. For processes that must not read Secrets. */
export const WITHOUT_KEYS: Opener = {
  open: (object, body) => Promise.resolve(withoutData(object.namespace, object.name, splitSealed(body).uid)),
};

/** The sealing key is not the one that the cluster's keys are wrapped with. */
export class WrongSealingKey extends Error {
  override readonly name = 'WrongSealingKey';
}

const CACHED = 10_000;
const NONCE = 12;
const KEY = 32;
/** A key of no object: proves at start that the master key is the right one. */
const CHECK = 'check';

/** Data keys of Secrets, one per uid, wrapped by a master key of 32 bytes. Removing one makes that object's history unreadable. */
export class Keyring implements Opener {
  private readonly keys = new Map<string, Uint8Array>();

  private constructor(
    private readonly store: KeyStore,
    private readonly master: Uint8Array,
  ) {}

  /** Throws WrongSealingKey where the store's keys were wrapped with another master key. */
  static async open(store: KeyStore, master: Uint8Array): Promise<Keyring> {
    if (master.length !== KEY) throw new WrongSealingKey(`the sealing key has ${master.length} bytes, must have ${KEY}`);
    const wrapped = await store.put(CHECK, wrapKey(master, CHECK, randomBytes(KEY)));
    try {
      unwrapKey(master, CHECK, wrapped);
    } catch (error) {
      throw new WrongSealingKey("the sealing key is not the one that this cluster's keys are wrapped with", { cause: error });
    }
    return new Keyring(store, master);
  }

  /** Seals a body for the object of that uid; its key is stored first where it has none. */
  async seal({ group, resource, namespace, name }: SealedObject, uid: string, body: Uint8Array): Promise<Uint8Array> {
    const key = (await this.keyOf(uid)) ?? this.keep(uid, await this.store.put(uid, wrapKey(this.master, uid, randomBytes(KEY))));
    const nonce = new Uint8Array(randomBytes(NONCE));
    return joinSealed({ uid, nonce, text: encrypt(key, nonce, sealedContext(group, resource, namespace, name), body) });
  }

  async open({ group, resource, namespace, name }: SealedObject, body: Uint8Array): Promise<Uint8Array> {
    const { uid, nonce, text } = splitSealed(body);
    const key = await this.keyOf(uid);
    if (!key) return withoutData(namespace, name, uid);
    return decrypt(key, nonce, sealedContext(group, resource, namespace, name), text);
  }

  /** Destroys a key: whatever was sealed with it can't be read again by anyone that does not hold it in memory. */
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
    const wrapped = await this.store.get(uid);
    return wrapped && this.keep(uid, wrapped);
  }

  private keep(uid: string, wrapped: Uint8Array): Uint8Array {
    const key = unwrapKey(this.master, uid, wrapped);
    this.keys.set(uid, key);
    if (this.keys.size > CACHED) {
      const oldest = this.keys.keys().next();
      if (!oldest.done) this.keys.delete(oldest.value);
    }
    return key;
  }
}

const ATTEMPTS = 5;
const WRONG_LAST_SEQUENCE = 10071;

/** Keys in a JetStream KV bucket `decklog_<cluster>_keys`. */
class KvKeyStore implements KeyStore {
  constructor(
    private readonly connection: NatsConnection,
    private readonly bucket: KV,
  ) {}

  async get(uid: string): Promise<Uint8Array | undefined> {
    const entry = await this.patiently(() => this.bucket.get(uid));
    return entry?.operation === 'PUT' ? new Uint8Array(entry.value) : undefined;
  }

  async put(uid: string, wrapped: Uint8Array): Promise<Uint8Array> {
    return this.patiently(async () => {
      const there = await this.get(uid);
      if (there) return there;
      try {
        await this.bucket.create(uid, wrapped);
        return wrapped;
      } catch (error) {
        if (error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE) return (await this.get(uid)) ?? wrapped;
        throw error;
      }
    });
  }

  remove(uid: string): Promise<void> {
    return this.patiently(() => this.bucket.purge(uid));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** A request that went unanswered is asked again: gets, creations and removals of a key are all safe to repeat. */
  private async patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof LogUnavailable || attempt >= ATTEMPTS)
          throw new LogUnavailable('the keys of Secrets can not be reached', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
      }
    }
  }
}

/** Opens a cluster's keyring on the log's server. `master` is the content of the sealing key file. */
export async function connectKeyring(options: {
  readonly url: string;
  readonly cluster: string;
  readonly master: Uint8Array;
  readonly replicas?: number;
}): Promise<Keyring> {
  const connection = await connect({
    ...serverOptions(options.url),
    name: 'decklog-keys',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  });
  try {
    const bucket = await connection
      .jetstream()
      .views.kv(`decklog_${options.cluster}_keys`, { history: 1, replicas: options.replicas ?? 1 });
    return await Keyring.open(new KvKeyStore(connection, bucket), options.master);
  } catch (error) {
    await connection.close();
    throw error;
  }
}
