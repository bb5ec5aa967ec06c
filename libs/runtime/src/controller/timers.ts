/** Waiting, handed in so that tests and the simulation own it. */
export interface Timers {
  /** Calls back once after this long; the returned function prevents it. */
  after(delayMs: number, run: () => void): () => void;
}

/** The longest delay that a Node timer can take; a longer wait is taken in several. */
const LONGEST_MS = 2 ** 31 - 1;

/** Node's own timers; they do not keep a process alive. */
export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
