import type { QueueMeter } from './queue-metrics.js';
import type { Timers } from './timers.js';

/** How long a key waits after each failure in a row: doubled from the first to the most. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** From 5 ms to a minute. */
export const STANDARD_BACKOFF: Backoff = { firstMs: 5, mostMs: 60_000 };

/** What a queue is made of. */
export interface WorkQueueOptions<Wake> {
  readonly timers: Timers;
  readonly now: () => number;
  readonly backoff?: Backoff;
  /** What is kept where a key is added twice before it is taken. */
  readonly merge: (earlier: Wake, later: Wake) => Wake;
  /** Called when a key has become ready to be taken. */
  readonly onReady: () => void;
  /** Told what the keys go through; nobody unless set. */
  readonly meter?: QueueMeter | undefined;
}

interface Delayed<Wake> {
  readonly at: number;
  readonly wake: Wake;
  readonly cancel: () => void;
}

/**
 * The keys that want a reconcile, each at most once, in the order in which they came. A key that is being worked on
 * waits until `done`. It holds no more than there are keys: one entry each among ready, delayed and failing.
 */
export class WorkQueue<Wake> {
  readonly #options: WorkQueueOptions<Wake>;
  readonly #ready = new Map<string, Wake>();
  readonly #processing = new Set<string>();
  readonly #dirty = new Map<string, Wake>();
  readonly #delayed = new Map<string, Delayed<Wake>>();
  readonly #failures = new Map<string, number>();
  #closed = false;

  constructor(options: WorkQueueOptions<Wake>) {
    this.#options = options;
  }

  /** Keys that could be taken now. */
  get size(): number {
    return this.#ready.size;
  }

  /** Nothing is ready and nothing is being worked on. Delayed keys may still come. */
  get idle(): boolean {
    return this.#ready.size === 0 && this.#processing.size === 0;
  }

  add(key: string, wake: Wake): void {
    if (this.#closed) return;
    const waiting = this.#processing.has(key) ? this.#dirty : this.#ready;
    const earlier = waiting.get(key);
    waiting.set(key, earlier === undefined ? wake : this.#options.merge(earlier, wake));
    if (waiting !== this.#ready || earlier !== undefined) return;
    this.#options.meter?.added(key);
    this.#options.onReady();
  }

  /** Adds the key later. Of two delays the one that ends first counts. */
  addAfter(key: string, delayMs: number, wake: Wake): void {
    if (this.#closed) return;
    if (delayMs <= 0) return this.add(key, wake);
    const at = this.#options.now() + delayMs;
    const earlier = this.#delayed.get(key);
    if (earlier && earlier.at <= at) return;
    earlier?.cancel();
    const cancel = this.#options.timers.after(delayMs, () => {
      this.#delayed.delete(key);
      const left = at - this.#options.now();
      this.addAfter(key, left, wake);
    });
    this.#delayed.set(key, { at, wake, cancel });
  }

  /** Adds the key after the time its failures in a row have earned it, `atMostMs` where that is more. */
  addWithBackoff(key: string, wake: Wake, atMostMs = Infinity): void {
    this.#options.meter?.retried();
    const failures = this.failuresOf(key);
    this.failed(key);
    const { firstMs, mostMs } = this.#options.backoff ?? STANDARD_BACKOFF;
    this.addAfter(key, Math.min(firstMs * 2 ** Math.min(failures, 40), mostMs, atMostMs), wake);
  }

  /** Counts one failure without deciding when the key comes again. */
  failed(key: string): void {
    this.#failures.set(key, this.failuresOf(key) + 1);
  }

  /** The key has succeeded: its failures no longer count. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which stays out of the queue until `done`. */
  take(): { readonly key: string; readonly wake: Wake } | undefined {
    for (const [key, wake] of this.#ready) {
      this.#ready.delete(key);
      this.#processing.add(key);
      this.#options.meter?.taken(key);
      return { key, wake };
    }
    return undefined;
  }

  done(key: string): void {
    this.#processing.delete(key);
    this.#options.meter?.done(key);
    const wake = this.#dirty.get(key);
    if (wake === undefined) return;
    this.#dirty.delete(key);
    this.add(key, wake);
  }

  /** Forgets the keys that are meant; those being worked on come to their end, and not again. */
  drop(meant: (key: string) => boolean): void {
    for (const key of this.#ready.keys()) {
      if (!meant(key)) continue;
      this.#ready.delete(key);
      this.#options.meter?.dropped(key);
    }
    for (const map of [this.#dirty, this.#failures]) for (const key of map.keys()) if (meant(key)) map.delete(key);
    for (const [key, { cancel }] of this.#delayed) {
      if (!meant(key)) continue;
      cancel();
      this.#delayed.delete(key);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#ready.clear();
    this.#dirty.clear();
  }
}
