import type { KV, KvEntry, NatsConnection, QueuedIterator } from 'nats';
import { KvWatchInclude, NatsError } from 'nats';
import { LogUnavailable } from '#libs/log';
import { untilLed } from '../jetstream/electing.js';
import type { KeyStore, StoredKey } from './key-store.js';

const ATTEMPTS = 5;
const WRONG_LAST_SEQUENCE = 10071;
const DAY_MS = 24 * 3_600_000;

const moved = (error: unknown): boolean => error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE;

/** Keys in a JetStream KV bucket `decklog_<cluster>_keys`. */
export class KvKeyStore implements KeyStore {
  private watching: QueuedIterator<KvEntry> | undefined;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly bucket: KV,
  ) {}

  /** Creates the bucket where it is missing. Takes the connection over. */
  static async open(connection: NatsConnection, cluster: string, replicas: number): Promise<KvKeyStore> {
    // Without direct gets each read is answered by the leader: a rotation relies on seeing every change.
    const options = { history: 1, replicas, allow_direct: false };
    return new KvKeyStore(connection, await untilLed(() => connection.jetstream().views.kv(`decklog_${cluster}_keys`, options)));
  }

  async get(uid: string): Promise<StoredKey | undefined> {
    const entry = await this.patiently(() => this.bucket.get(uid));
    if (entry?.operation !== 'PUT') return undefined;
    return { value: new Uint8Array(entry.value), revision: entry.revision, time: entry.created.getTime() };
  }

  async put(uid: string, wrapped: Uint8Array): Promise<StoredKey> {
    return this.patiently(async () => {
      const there = await this.get(uid);
      if (there) return there;
      try {
        const revision = await this.bucket.create(uid, wrapped);
        return { value: wrapped, revision, time: Date.now() };
      } catch (error) {
        const found = moved(error) ? await this.get(uid) : undefined;
        if (found) return found;
        throw error;
      }
    });
  }

  replace(uid: string, wrapped: Uint8Array, revision: number): Promise<boolean> {
    return this.patiently(async () => {
      try {
        await this.bucket.update(uid, wrapped, revision);
        return true;
      } catch (error) {
        if (moved(error)) return false;
        throw error;
      }
    });
  }

  remove(uid: string): Promise<void> {
    return this.patiently(() => this.bucket.purge(uid));
  }

  list(): Promise<readonly string[]> {
    return this.patiently(async () => {
      const uids: string[] = [];
      for await (const uid of await this.bucket.keys()) uids.push(uid);
      return uids;
    });
  }

  onRemoved(listener: (uid: string) => void): void {
    void this.follow(listener);
  }

  async compact(): Promise<void> {
    // The client has it, its types don't say so.
    const bucket = this.bucket as KV & { purgeDeletes(olderMillis: number): Promise<unknown> };
    await this.patiently(() => bucket.purgeDeletes(DAY_MS));
  }

  async close(): Promise<void> {
    this.watching?.stop();
    await this.connection.close();
  }

  /** Ends with the connection; the client itself takes it up again after a break. */
  private async follow(listener: (uid: string) => void): Promise<void> {
    while (!this.connection.isClosed()) {
      try {
        this.watching = await this.bucket.watch({ include: KvWatchInclude.UpdatesOnly });
        for await (const { key, operation } of this.watching) if (operation !== 'PUT') listener(key);
      } catch {
        // The server is away: once more, when it may be back.
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000).unref());
    }
  }

  /** A request that went unanswered is asked again: everything asked of a key is safe to repeat. */
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
