import type { Sequence } from '#libs/log';
import type { CacheEvent } from '../ports.js';

/** How much of a resource's recent past is kept for watches that resume. */
export interface WindowLimits {
  readonly events: number;
  readonly bytes: number;
}

const NONE: readonly CacheEvent[] = [];

const sizeOf = ({ entry, old }: CacheEvent): number => entry.body.byteLength + (old?.body.byteLength ?? 0);

/** The newest events of one resource, oldest first, bounded in count and bytes. `floor`: everything after it is here. */
export class EventWindow {
  #events: CacheEvent[] = [];
  #head = 0;
  #bytes = 0;
  #floor: Sequence;

  constructor(
    floor: Sequence,
    private readonly limits: WindowLimits,
  ) {
    this.#floor = floor;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    while (this.#events.length - this.#head > 1 && this.#full()) this.#drop();
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Events after a sequence; undefined where some of them have been dropped. */
  since(after: Sequence): readonly CacheEvent[] | undefined {
    if (after < this.#floor) return undefined;
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as CacheEvent).sequence <= after) low = middle + 1;
      else high = middle;
    }
    return low === this.#events.length ? NONE : this.#events.slice(low);
  }

  #full(): boolean {
    return this.#events.length - this.#head > this.limits.events || this.#bytes > this.limits.bytes;
  }

  #drop(): void {
    const dropped = this.#events[this.#head] as CacheEvent;
    (this.#events as (CacheEvent | undefined)[])[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= sizeOf(dropped);
    this.#floor = dropped.sequence;
  }
}
