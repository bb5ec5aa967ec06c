import { randomBytes } from 'node:crypto';
import { connect, StorageType, type ConnectionOptions, type KV, type KvEntry, type NatsConnection, type QueuedIterator } from 'nats';
import type { Membership } from '#libs/runtime';
import { serverOptions } from '../jetstream/server-url.js';
import { pause } from '../pause.js';

/** Whose lease is kept up, and where. */
export interface MembershipOptions {
  readonly url: string;
  readonly cluster: string;
  readonly service: string;
  /** What the process is called, e.g. `replication-1`. `[A-Za-z0-9-]+`. */
  readonly replica: string;
  /** What all replicas must be set to alike, as text: one that differs does not join. */
  readonly agreed?: string;
  /** Copies of the bucket; 1 unless set. */
  readonly replicas?: number;
  readonly connection?: ConnectionOptions;
}

/** The own lease is renewed so often. */
const RENEW_MS = 1_000;
/** So long after it was last asked for the own lease holds: less than others wait. */
const HOLDS_MS = 4_000;
/** Who was not heard of for so long is dead. */
const DEAD_MS = 5_000;
/** Where not even the own lease is heard of, nothing is known of the others. */
const SILENT_MS = 3_000;
/** Until the server has forgotten a lease that nobody gave up. */
const KEPT_MS = 10_000;
const ANSWER_MS = 2_000;
const FIRST_MS = 10_000;

/**
 * Leases in a JetStream KV bucket `decklog_<cluster>_leases`: a key of its own for each start of each replica. All times are of a clock
 * that only runs forward.
 */
export class KvMembership implements Membership {
  readonly self: string;
  private readonly key: string;
  private readonly listeners = new Set<() => void>();
  private readonly heard = new Map<string, number>();
  private readonly leaving = new AbortController();
  private bucket: KV | undefined;
  private watching: QueuedIterator<KvEntry> | undefined;
  private watchedSince = 0;
  /** All leases that are older than the own one are known. */
  private complete = false;
  /** Since when the own lease has been heard of again, after it was not. */
  private heardSince = 0;
  /** One that lives and is set to something else. */
  private stranger: { readonly id: string; readonly agreed: string } | undefined;
  private until = 0;
  private known: readonly string[] = [];
  private wasLeased = false;
  private keeping: Promise<void> | undefined;
  private following: Promise<void> | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly options: MembershipOptions,
  ) {
    this.self = `${options.replica}/${randomBytes(4).toString('hex')}`;
    this.key = `${options.service}.${this.self}`;
  }

  /** Resolves once the own lease holds and all that are older are known. Rejects where one of these is set to something else. */
  async join(): Promise<void> {
    this.keeping = this.keepUp();
    const first = AbortSignal.any([this.leaving.signal, AbortSignal.timeout(FIRST_MS)]);
    const isIn = (): boolean => this.leased && this.members.includes(this.self);
    const joined = new Promise<void>((resolve) => {
      const stop = this.subscribe(() => {
        if (!isIn()) return;
        stop();
        resolve();
      });
    });
    await Promise.race([joined, pause(FIRST_MS, first)]);
    const { stranger, options } = this;
    if (isIn() && !stranger) return;
    await this.leave();
    if (!stranger) throw new Error('the leases of the replicas can not be reached');
    throw new Error(`${stranger.id} of ${options.service} is set to ${stranger.agreed}, this replica to ${options.agreed ?? 'nothing'}`);
  }

  get members(): readonly string[] {
    return this.known;
  }

  get leased(): boolean {
    return performance.now() < this.until;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async leave(): Promise<void> {
    this.leaving.abort();
    this.until = 0;
    this.watching?.stop();
    await Promise.all([this.keeping, this.following]);
    // Who can't say so is forgotten when the lease has ended.
    await this.bucket?.delete(this.key).catch(() => undefined);
    await this.connection.close();
  }

  private async opened(): Promise<KV> {
    const { cluster, replicas = 1 } = this.options;
    const options = { history: 1, ttl: KEPT_MS, replicas, storage: StorageType.Memory, allow_direct: false };
    return (this.bucket ??= await this.connection.jetstream({ timeout: ANSWER_MS }).views.kv(`decklog_${cluster}_leases`, options));
  }

  private async keepUp(): Promise<void> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      const asked = performance.now();
      try {
        await (await this.opened()).put(this.key, this.options.agreed ?? '');
        if (!signal.aborted) this.until = asked + HOLDS_MS;
        // Whoever is seen has been able to see this one: of two that differ at least one knows.
        this.following ??= this.follow();
      } catch {
        // Leases are held in memory: where the servers were all away the bucket is to be made again.
        this.bucket = undefined;
      }
      if (performance.now() - Math.max(this.watchedSince, this.heard.get(this.self) ?? 0) > SILENT_MS) this.watching?.stop();
      this.refresh();
      await pause(RENEW_MS - (performance.now() - asked), signal);
    }
  }

  private async follow(): Promise<void> {
    const { signal } = this.leaving;
    const { service } = this.options;
    while (!signal.aborted) {
      try {
        const bucket = await this.opened();
        this.watchedSince = performance.now();
        this.watching = await bucket.watch({ key: `${service}.>`, initializedFn: () => this.completed() });
        if (signal.aborted) this.watching.stop();
        for await (const entry of this.watching) this.hear(entry, entry.key.slice(service.length + 1));
      } catch {
        // Asked again, when the servers may be back.
      }
      await pause(RENEW_MS, signal);
    }
  }

  private completed(): void {
    this.complete = true;
    this.refresh();
  }

  private hear(entry: KvEntry, id: string): void {
    const { agreed = '' } = this.options;
    const now = performance.now();
    if (entry.operation !== 'PUT') this.heard.delete(id);
    else if (entry.string() !== agreed) this.stranger ??= { id, agreed: entry.string() };
    else {
      if (id === this.self && now - (this.heard.get(id) ?? 0) > SILENT_MS) this.heardSince = now;
      this.heard.set(id, now);
    }
    this.refresh();
  }

  /** Works out who lives, and tells where that has changed. Who was not heard of while nothing was is given time. */
  private refresh(): void {
    const now = performance.now();
    const own = this.heard.get(this.self) ?? 0;
    if (own > 0 && now - own < SILENT_MS) {
      for (const [id, at] of this.heard) if (now - Math.max(at, this.heardSince) > DEAD_MS) this.heard.delete(id);
    }
    const members = own > 0 && this.complete ? [...this.heard.keys()].sort() : [];
    const { leased } = this;
    if (leased === this.wasLeased && members.join() === this.known.join()) return;
    this.known = members;
    this.wasLeased = leased;
    for (const listener of this.listeners) listener();
  }
}

/** Takes part in a service's work: resolves with the own lease held. Rejects where no server answers. */
export async function connectMembership(options: MembershipOptions): Promise<KvMembership> {
  const connection = await connect({
    ...serverOptions(options.url),
    name: `${options.service}-leases`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    ...options.connection,
  });
  const membership = new KvMembership(connection, options);
  await membership.join();
  return membership;
}
