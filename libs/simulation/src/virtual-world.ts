import type { Instant } from '#libs/apimachinery';
import type { Timers, World } from '#libs/runtime';

interface Timer {
  readonly at: Instant;
  readonly order: number;
  /** Undefined once it is cancelled. */
  run: (() => void) | undefined;
}

/** When a simulation begins, unless told otherwise. */
export const BEGINNING: Instant = Date.parse('2026-01-01T00:00:00Z');

const MODULUS = 2 ** 31 - 1;

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Time that moves only when told to, chance from a seed, uids that count: two runs of the same are the same. */
export class VirtualWorld implements World, Timers {
  #now: Instant;
  #chance: number;
  #uids: number;
  #orders = 0;
  /** A heap: no timer is due before the one at half its place. */
  readonly #timers: Timer[] = [];

  /** `uids`: how many were given already, by a world that this one goes on from. */
  constructor(seed = 1, beginning: Instant = BEGINNING, uids = 0) {
    this.#now = beginning;
    this.#chance = (Math.abs(Math.trunc(seed)) % (MODULUS - 1)) + 1;
    this.#uids = uids;
  }

  readonly now = (): Instant => this.#now;

  /** Park and Miller's generator. */
  readonly random = (): number => {
    this.#chance = (this.#chance * 48_271) % MODULUS;
    return this.#chance / MODULUS;
  };

  readonly uuid = (): string => `00000000-0000-4000-8000-${(++this.#uids).toString(16).padStart(12, '0')}`;

  /** How many uids were given. */
  get uids(): number {
    return this.#uids;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#orders++, run };
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    return () => void (timer.run = undefined);
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
    this.#drop();
    this.#now = Math.max(this.#now, first.at);
    first.run?.();
    return true;
  }

  #first(): Timer | undefined {
    while (this.#timers[0] && !this.#timers[0].run) this.#drop();
    return this.#timers[0];
  }

  /** Takes the first timer off the heap. */
  #drop(): void {
    const last = this.#timers.pop();
    if (!last || this.#timers.length === 0) return;
    this.#timers[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (this.#isBefore(child, least)) least = child;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #rise(from: number): void {
    for (let i = from; i > 0 && this.#isBefore(i, (i - 1) >> 1); i = (i - 1) >> 1) this.#swap(i, (i - 1) >> 1);
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#timers[i], this.#timers[j]];
    return a !== undefined && b !== undefined && isBefore(a, b);
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#timers[i], this.#timers[j]];
    if (a && b) [this.#timers[i], this.#timers[j]] = [b, a];
  }
}
