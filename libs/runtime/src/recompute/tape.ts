import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import type { EventLog, Recorded, Sequence, StreamName } from '#libs/log';
import type { Entry } from '../ports.js';

/** One event as a timeline passes it. `old` is what it replaced or removed, known once it was passed. */
export interface Frame {
  readonly resource: GroupVersionResource;
  readonly sequence: Sequence;
  readonly time: Instant;
  /** The object after the event, or as it last was. */
  readonly entry: Entry;
  readonly deleted: boolean;
  old: Entry | undefined;
}

/** A stretch of one stream: some events behind the place where a timeline stands, and some that were read ahead. */
export class Tape {
  readonly #batches: AsyncIterator<{ readonly events: readonly Recorded[]; readonly through: Sequence }>;
  readonly #frameOf: (event: Recorded) => Frame | undefined;
  #frames: Frame[] = [];
  /** Index of the first frame that is not passed. */
  #at = 0;
  #position: Sequence = 0;
  #through: Sequence = 0;
  #time: Instant = 0;
  #ended = false;
  /** Frames up to here are forgotten: there is no way back before it. */
  #floor: Sequence = 0;

  constructor(
    log: EventLog,
    readonly stream: StreamName,
    until: Sequence,
    frameOf: (event: Recorded) => Frame | undefined,
  ) {
    this.#batches = log.read(stream, 0, { until })[Symbol.asyncIterator]();
    this.#frameOf = frameOf;
    this.#ended = until === 0;
  }

  get position(): Sequence {
    return this.#position;
  }

  /** Everything up to here was read. */
  get through(): Sequence {
    return this.#through;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** When the newest event that was read was stored. */
  get time(): Instant {
    return this.#time;
  }

  /** When the newest event that was passed was stored. */
  get passed(): Instant {
    return this.#frames[this.#at - 1]?.time ?? 0;
  }

  /** How many events were read and not passed. */
  get ahead(): number {
    return this.#frames.length - this.#at;
  }

  /** The frames that were read and not passed. */
  upcoming(): readonly Frame[] {
    return this.#frames.slice(this.#at);
  }

  /** Reads the next batch; its events. None at the end. */
  async read(): Promise<readonly Recorded[]> {
    const next = this.#ended ? undefined : await this.#batches.next();
    if (next === undefined || next.done === true) {
      this.#ended = true;
      return [];
    }
    const { events, through } = next.value;
    for (const event of events) {
      const frame = this.#frameOf(event);
      if (frame) this.#frames.push(frame);
    }
    this.#time = events.at(-1)?.time ?? this.#time;
    this.#through = through;
    return events;
  }

  /** Goes on to a sequence that was read. */
  forward(to: Sequence, pass: (frame: Frame) => void): void {
    for (let frame = this.#frames[this.#at]; frame && frame.sequence <= to; frame = this.#frames[++this.#at]) pass(frame);
    this.#position = Math.max(this.#position, to);
  }

  /** Goes back to a sequence; false, and nothing done, where that was forgotten. */
  back(to: Sequence, undo: (frame: Frame) => void): boolean {
    if (to < this.#floor) return false;
    for (let frame = this.#frames[this.#at - 1]; frame && frame.sequence > to; frame = this.#frames[--this.#at - 1]) undo(frame);
    this.#position = Math.min(this.#position, to);
    return true;
  }

  /** Forgets all but the last frames behind the place where it stands. */
  forget(keep: number): void {
    const gone = this.#at - keep;
    if (gone < keep) return;
    this.#floor = this.#frames[gone - 1]?.sequence ?? this.#floor;
    this.#frames = this.#frames.slice(gone);
    this.#at = keep;
  }

  /** Ends the reading. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#batches.return?.();
  }
}
