import type { Instant } from '#libs/apimachinery';
import type { Timers, World } from '#libs/runtime';

interface Timer {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/** When a simulation begins, unless told otherwise. */
export const BEGINNING: Instant = Date.parse('2026-01-01T00:00:00Z');

const MODULUS = 2 ** 31 - 1;

/** Time that moves only when told to, chance from a seed, uids that count: two runs of the same are the same. */
export class VirtualWorld implements World, Timers {
  #now: Instant;
  #chance: number;
  #uids = 0;
  #orders = 0;
  readonly #timers = new Set<Timer>();

  constructor(seed = 1, beginning: Instant = BEGINNING) {
    this.#now = beginning;
    this.#chance = (Math.abs(Math.trunc(seed)) % (MODULUS - 1)) + 1;
  }

  readonly now = (): Instant => this.#now;

  /** Park and Miller's generator. */
  readonly random = (): number => {
    this.#chance = (this.#chance * 48_271) % MODULUS;
    return this.#chance / MODULUS;
  };

  readonly uuid = (): string => `00000000-0000-4000-8000-${(++this.#uids).toString(16).padStart(12, '0')}`;

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#orders++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer is due; undefined where none is set. */
  get next(): Instant | undefined {
    return this.#first()?.at;
  }

  /** Moves time to the next timer that is due until then, and runs it; false where there is none, and time stands at `until`. */
  step(until: Instant): boolean {
    const first = this.#first();
    if (!first || first.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.run();
    return true;
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
