import { SHARDS_OF_WORK } from '#libs/api';
import type { EventLog, Guard, Sequence } from '#libs/log';
import type { Timers } from '../controller/timers.js';
import type { CacheEvent, Logger, StateView, World } from '../ports.js';
import { Fences, type Fence } from './fences.js';
import type { Membership } from './membership.js';
import { planLeaving, planSteps } from './plan.js';
import type { Share, Shard, ShareListener } from './share.js';

/** What a replica's share is kept with. */
export interface SharingOptions {
  readonly cluster: string;
  /** Whose work is shared, e.g. `replication`. */
  readonly service: string;
  readonly shards: number;
  readonly membership: Membership;
  readonly log: Pick<EventLog, 'append'>;
  readonly view: StateView;
  readonly world: Pick<World, 'now' | 'uuid'>;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** What is due is looked at so often, should nothing else wake it: what could not be written is written then. */
const LOOK_AGAIN_MS = 1_000;
/** Fences written in one append. */
const AT_ONCE = 256;
/** How long the view may take to show what was written. */
const VIEW_MS = 10_000;

/** How long a replica that leaves waits for what is under way. */
const LEAVE_MS = 8_000;

/** Apart, since what is handed over may take its time: what a dead one held can't wait for that. */
type Act = 'take' | 'give';

/**
 * A replica's share of a service's work. Shards nobody holds who lives it takes, those that others are to have it hands over once nothing
 * is being done for them; all replicas work out from the members and the log who is to have what. A shard is its own from the
 * moment that the view shows the fence with its name, until it shows another: all that the holder before has written is in the view
 * by then. Where its lease does not hold it keeps what it has, and works on none of it.
 */
export class Sharing implements Share {
  readonly shards: number;
  readonly #fences: Fences;
  readonly #listeners = new Set<ShareListener>();
  /** What the view says is its own, each with the sequence of its fence. */
  readonly #held = new Map<Shard, Sequence>();
  /** Of these, what is about to be handed over. */
  readonly #leaving = new Set<Shard>();
  readonly #stops: (() => void)[] = [];
  #cancel: () => void = () => undefined;
  /** What is under way, and what of it is due again after that. */
  readonly #acting = new Map<Act, Promise<void>>();
  readonly #dueAgain = new Set<Act>();
  #scheduled = false;
  #stopped = false;

  constructor(private readonly options: SharingOptions) {
    this.shards = options.shards;
    this.#fences = new Fences(options);
  }

  /** From now on it takes part. */
  start(): void {
    const { membership, view } = this.options;
    this.#stops.push(
      view.subscribe((event) => this.#hear(event)),
      membership.subscribe(() => this.#soon()),
    );
    this.#soon();
    this.#tick();
  }

  /** Hands over what it has, once nothing is being done for it, and leaves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    let cancel: () => void = () => undefined;
    const impatience = new Promise<void>((resolve) => (cancel = this.options.timers.after(LEAVE_MS, resolve)));
    try {
      await Promise.race([impatience, this.#leave()]);
    } catch (error) {
      this.options.logger.warn('the shards of this replica were not handed over: they are free when its lease ends', {
        error: String(error),
      });
    } finally {
      cancel();
      for (const stop of this.#stops) stop();
      this.#held.clear();
      await this.options.membership.leave();
    }
  }

  async #leave(): Promise<void> {
    await Promise.all(this.#acting.values());
    const mine = [...this.#held.keys()];
    if (mine.length > 0 && this.options.membership.leased) await this.#handOver(mine, () => this.#heirs());
  }

  owns(shard: Shard): boolean {
    return this.#held.has(shard) && !this.#leaving.has(shard);
  }

  /** Also of what is about to be handed over: what is under way comes to its end. */
  guardsOf(shards: readonly Shard[]): readonly Guard[] | undefined {
    if (!this.options.membership.leased) return undefined;
    const guards: Guard[] = [];
    for (const shard of shards) {
      const expected = this.#held.get(shard);
      if (expected === undefined) return undefined;
      guards.push(this.#fences.guard(shard, expected));
    }
    return guards;
  }

  /** How many shards this replica works on now. */
  get count(): number {
    return this.options.membership.leased ? this.#held.size : 0;
  }

  subscribe(listener: ShareListener): () => void {
    this.#listeners.add(listener);
    const owned = [...this.#held.keys()].filter((shard) => this.owns(shard));
    if (owned.length > 0) listener.gained(owned);
    return () => this.#listeners.delete(listener);
  }

  #hear({ resource }: CacheEvent): void {
    if (resource.resource === SHARDS_OF_WORK.resource && resource.group === SHARDS_OF_WORK.group) this.#soon();
  }

  #tick(): void {
    this.#cancel = this.options.timers.after(LOOK_AGAIN_MS, () => {
      this.#soon();
      this.#tick();
    });
  }

  /** After the batch of events that is being applied. */
  #soon(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#look();
    });
  }

  /** Sees what is this replica's own, and does what is due. */
  #look(): void {
    const fences = this.#fences.read();
    this.#settle(fences);
    if (!this.options.membership.leased) return;
    const { take, give } = this.#steps(fences);
    if (take.length > 0) this.#do('take', () => this.#take(take, fences));
    const giving = [...give.keys()].filter((shard) => this.#held.has(shard));
    if (giving.length > 0) this.#do('give', () => this.#give(giving));
  }

  #do(act: Act, carriedOut: () => Promise<void>): void {
    if (this.#acting.has(act)) {
      this.#dueAgain.add(act);
      return;
    }
    const done = carriedOut()
      .catch((error: unknown) =>
        this.options.logger.warn('shards could not be taken or handed over; trying again', { error: String(error) }),
      )
      .finally(() => {
        this.#acting.delete(act);
        if (this.#dueAgain.delete(act)) this.#soon();
      });
    this.#acting.set(act, done);
  }

  /** Makes what is held what the view says, and tells of it. */
  #settle(fences: readonly Fence[]): void {
    const { membership, logger, service } = this.options;
    const [gained, lost]: [Shard[], Shard[]] = [[], []];
    for (const [shard, { holder, sequence }] of fences.entries()) {
      const mine = holder === membership.self;
      const held = this.#held.get(shard);
      if (held !== undefined && (!mine || held !== sequence)) {
        this.#held.delete(shard);
        // What was handed over is not taken from us.
        if (!this.#leaving.delete(shard)) lost.push(shard);
      }
      if (mine && !this.#held.has(shard)) {
        this.#held.set(shard, sequence);
        gained.push(shard);
      }
    }
    if (lost.length > 0) {
      logger.warn('shards were taken from this replica', { service, shards: lost.length, left: this.#held.size });
      for (const listener of this.#listeners) listener.lost(lost);
    }
    if (gained.length > 0) {
      logger.info("shards are this replica's now", { service, shards: gained.length, all: this.#held.size });
      for (const listener of this.#listeners) listener.gained(gained);
    }
  }

  async #take(take: readonly Shard[], fences: readonly Fence[]): Promise<void> {
    const { membership, logger, service } = this.options;
    logger.info('taking shards', { service, shards: take.length });
    await this.#write(take, fences, () => membership.self);
  }

  async #give(giving: readonly Shard[]): Promise<void> {
    const { logger, service } = this.options;
    logger.info('handing shards over', { service, shards: giving.length });
    await this.#handOver(giving, (now) => this.#steps(now).give);
  }

  #steps(fences: readonly Fence[]): ReturnType<typeof planSteps> {
    const { self, members } = this.options.membership;
    return planSteps({ self, members, holders: fences.map(({ holder }) => holder) });
  }

  #heirs(): ReadonlyMap<Shard, string | undefined> {
    const { self, members } = this.options.membership;
    return planLeaving({ self, members, holders: this.#fences.read().map(({ holder }) => holder) });
  }

  /** Waits until nothing is being done for the shards, then writes their fences; what is to stay after all is taken up again. */
  async #handOver(shards: readonly Shard[], heirs: (now: readonly Fence[]) => ReadonlyMap<Shard, string | undefined>): Promise<void> {
    for (const shard of shards) this.#leaving.add(shard);
    try {
      await Promise.all([...this.#listeners].map((listener) => listener.losing(shards)));
      const fences = this.#fences.read();
      const to = heirs(fences);
      const going = shards.filter((shard) => to.has(shard) && this.#held.get(shard) === fences[shard]?.sequence);
      await this.#write(going, fences, (shard) => to.get(shard));
    } finally {
      this.#takeUpAgain(shards);
    }
  }

  /** What is still held, and was not written away, is worked on again. */
  #takeUpAgain(shards: readonly Shard[]): void {
    if (this.#stopped) return;
    const kept = shards.filter((shard) => this.#held.has(shard) && this.#leaving.delete(shard));
    if (kept.length > 0) for (const listener of this.#listeners) listener.gained(kept);
  }

  /** Throws what the log does. Where others were faster nothing is written: the view shows what they did. */
  async #write(shards: readonly Shard[], fences: readonly Fence[], holder: (shard: Shard) => string | undefined): Promise<void> {
    const { log } = this.options;
    for (let i = 0; i < shards.length; i += AT_ONCE) {
      const some = shards.slice(i, i + AT_ONCE);
      const writes = some.flatMap((shard) => {
        const fence = fences[shard];
        return fence === undefined ? [] : [this.#fences.write(shard, fence, holder(shard))];
      });
      const appended = await log.append('state', writes);
      const seen = 'sequences' in appended ? (appended.sequences.at(-1) ?? 0) : Math.max(...appended.moved.map(({ actual }) => actual));
      await this.#seen(seen);
      this.#settle(this.#fences.read());
    }
  }

  /** Waits until the view shows what was written, for as long as that may take. */
  async #seen(sequence: Sequence): Promise<void> {
    const { view, timers } = this.options;
    const impatience = new AbortController();
    const cancel = timers.after(VIEW_MS, () => impatience.abort(new Error('the view did not show what was written in time')));
    try {
      await view.reached('state', sequence, impatience.signal);
    } finally {
      cancel();
    }
  }
}
