import type { Instant } from '#libs/apimachinery';
import type { Timers } from '../controller/timers.js';

/** What a clock is made of. */
export interface RunningClockOptions {
  /** What it says until it runs. */
  readonly from: Instant;
  /** How many times faster than real time. */
  readonly speed: number;
  /** Real time in milliseconds that never goes back: `performance.now`. */
  readonly real: () => number;
  /** Node's own timers. */
  readonly timers: Timers;
}

/** How often the clock takes note of real time where nobody asks it. */
const TICK_MS = 20;
/** Most real time between two looks that counts: a process that stalls longer takes the clock with it. */
const MOST_STALL_MS = 100;

/**
 * A clock that begins at a moment of the past and may run faster than real time. It stands until `start`, and while
 * its process gets no turn: what has to happen within seconds of this clock can't be missed for want of a processor.
 */
export class RunningClock implements Timers {
  #at: number;
  #seen: number | undefined;
  #cancel: () => void = () => undefined;

  constructor(private readonly options: RunningClockOptions) {
    this.#at = options.from;
  }

  /** Bound, to be handed on as a World's. */
  readonly now = (): Instant => {
    this.#look();
    return Math.floor(this.#at);
  };

  start(): void {
    if (this.#seen !== undefined) return;
    this.#seen = this.options.real();
    const tick = (): void => {
      this.#look();
      this.#cancel = this.options.timers.after(TICK_MS, tick);
    };
    tick();
  }

  stop(): void {
    this.#look();
    this.#seen = undefined;
    this.#cancel();
  }

  /** Calls back once this clock has moved on by `delayMs`. */
  after(delayMs: number, run: () => void): () => void {
    const due = this.now() + delayMs;
    let cancel: () => void = () => undefined;
    const wait = (): void => {
      cancel = this.options.timers.after(Math.max(1, (due - this.now()) / this.options.speed), () => (this.now() >= due ? run() : wait()));
    };
    wait();
    return () => cancel();
  }

  #look(): void {
    if (this.#seen === undefined) return;
    const real = this.options.real();
    this.#at += Math.min(Math.max(0, real - this.#seen), MOST_STALL_MS) * this.options.speed;
    this.#seen = real;
  }
}
