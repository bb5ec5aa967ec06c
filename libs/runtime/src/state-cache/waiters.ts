import type { Sequence } from '#libs/log';

interface Waiter {
  readonly sequence: Sequence;
  readonly resolve: () => void;
}

/** Those who wait for a stream to reach a sequence, in order of what they wait for. Nothing polls. */
export class Waiters {
  readonly #waiting: Waiter[] = [];

  wait(sequence: Sequence, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const waiter = {
        sequence,
        resolve: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#insert(waiter);
    });
  }

  reached(sequence: Sequence): void {
    let ready = 0;
    while (ready < this.#waiting.length && (this.#waiting[ready] as Waiter).sequence <= sequence) ready += 1;
    if (ready === 0) return;
    for (const waiter of this.#waiting.splice(0, ready)) waiter.resolve();
  }

  /** Later sequences are asked for later, mostly: the place is looked for from the end. */
  #insert(waiter: Waiter): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1] as Waiter).sequence > waiter.sequence) at -= 1;
    this.#waiting.splice(at, 0, waiter);
  }
}
