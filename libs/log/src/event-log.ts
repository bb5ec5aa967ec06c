import type { EventMeta, Recorded, Sequence, StreamName } from './event.js';

/** An event to append, with the sequence its subject is expected to end at (0: the subject is empty). */
export interface AppendWrite {
  readonly subject: string;
  readonly expected: Sequence;
  /** `root` and `cause` may name an event of the same append by how far before it stands (`formatBefore`); readers get its place. */
  readonly meta: EventMeta;
  readonly body: Uint8Array;
}

/** A subject of the same stream that must not have moved since `expected`. */
export interface Guard {
  readonly subject: string;
  readonly expected: Sequence;
}

/** A subject that does not stand where the writer believed. */
export interface Moved {
  readonly subject: string;
  readonly expected: Sequence;
  readonly actual: Sequence;
}

/** All of an append succeeded (one sequence for each write, in order), or nothing of it was stored. */
export type Appended = { readonly sequences: readonly Sequence[] } | { readonly moved: readonly Moved[] };

/** Why the log can't be used just now: no answer comes, it has no room, too much waits for it already, a view does not follow it. */
export type UnavailableReason = 'Unreachable' | 'NoSpace' | 'Overloaded' | 'Behind';

/** The log can't be reached, or its queue is full: nothing is known to be stored. Answered as 503 with Retry-After. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly reason: UnavailableReason;

  constructor(message: string, { reason = 'Unreachable', ...options }: ErrorOptions & { readonly reason?: UnavailableReason } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** An event is larger than the log takes. Answered as 413. */
export class EventTooLarge extends RangeError {
  override readonly name = 'EventTooLarge';

  constructor(
    readonly subject: string,
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`${subject}: ${bytes} bytes are more than the ${limit} that an event may have`);
  }
}

/** A message where an event should be is none that this build can read: garbage, or of a newer build. To skip it would corrupt silently. */
export class EventUnreadable extends Error {
  override readonly name = 'EventUnreadable';

  constructor(
    readonly stream: StreamName,
    readonly sequence: Sequence,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`${stream}:${sequence} can't be read: ${why}`, options);
  }
}

/** The stream no longer (or not yet) holds what was asked for. */
export class SequenceOutOfRange extends Error {
  override readonly name: string = 'SequenceOutOfRange';
}

/** Some of what was asked for was archived: the stream alone no longer has every event after that sequence. */
export class SequenceArchived extends SequenceOutOfRange {
  override readonly name = 'SequenceArchived';

  /** `through`: up to where the stream was archived. */
  constructor(
    message: string,
    readonly through: Sequence,
  ) {
    super(message);
  }
}

/** Which part of a stream to read. */
export interface ReadOptions {
  /** Subjects to read, NATS wildcards allowed; absent: all. */
  readonly subjects?: readonly string[];
  /** Stop after this sequence; absent: go on with each new event as it is appended. */
  readonly until?: Sequence;
  /** Fills in `digest` of the events: a hash each, which only who keeps it should pay for. */
  readonly digests?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * What a reader got. Some sequences of a stream hold no event (the markers of guards): `through` counts them too, so
 * that whoever waits for a sequence sees it pass. It rises from batch to batch; `events` may be empty.
 */
export interface ReadBatch {
  readonly events: readonly Recorded[];
  /** Every event of the selection up to and including this sequence has now been yielded. */
  readonly through: Sequence;
}

/**
 * The log as the rest of the house sees it. JetStream implements it, and so does an array in memory; one
 * contract spec runs against both.
 */
export interface EventLog {
  /**
   * Stores all writes or none, durably, before it resolves: one after the other, nothing between them. All subjects and guards
   * belong to one stream.
   * A lost answer is resolved inside (by `meta.id`): no event is stored twice.
   * Throws LogUnavailable where it can't know.
   */
  append(stream: StreamName, writes: readonly AppendWrite[], guards?: readonly Guard[]): Promise<Appended>;
  /**
   * Every event after `after`, in order, without gaps, in batches as they arrive. Reconnects by itself, for as long as it
   * takes. Ends after `until` (its last batch has `through` = `until`), when the signal aborts, and when the log closes.
   * Throws SequenceOutOfRange where the stream ends before `after`, and where it no longer has every event after it
   * (SequenceArchived): nobody is given a part for the whole.
   */
  read(stream: StreamName, after: Sequence, options?: ReadOptions): AsyncIterable<ReadBatch>;
  /** The newest sequence of the stream, be it an event's or a guard's marker, 0 while empty. Linearizable: nothing acknowledged before the call is missed. */
  last(stream: StreamName): Promise<Sequence>;
  /** The newest event of a subject; undefined where it has none. Read from the leader. */
  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined>;
  close(): Promise<void>;
}
