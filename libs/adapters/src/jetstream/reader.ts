import { randomUUID } from 'node:crypto';
import type { Msg } from 'nats';
import type { ReadOptions, Sequence, StreamName } from '#libs/log';
import { SequenceArchived, SequenceOutOfRange } from '#libs/log';
import type { Lookups } from './lookups.js';
import type { Delivery } from './message.js';
import { deliveryOf, headersOf } from './message.js';
import { streamName } from './stream-settings.js';
import type { Wire } from './wire.js';
import { AnswerLost, json } from './wire.js';

/** Messages asked for and not yet handed on: bounds what a slow reader holds. */
const WINDOW = 1_024;
const WINDOW_BYTES = 16 * 1024 * 1024;
const HEARTBEAT_MS = 5_000;
const EXPIRES_MS = 30_000;
/** Without a sign of life for this long, the consumer is taken to be gone. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const INACTIVE_NS = 60e9;
const RETRY_MS = 200;
const TIMEOUT_MS = 5_000;

const ns = (ms: number): number => ms * 1e6;

interface ConsumerAnswer {
  readonly num_pending?: number;
  readonly error?: { readonly description: string };
}

/** What a reader makes of a message; undefined for one that it passes over. */
export type Decode<T> = (message: Msg, delivery: Delivery) => T | undefined;

/** What was read, in order; everything up to and including `through` has been looked at. */
export interface Decoded<T> {
  readonly read: readonly T[];
  readonly through: Sequence;
}

/** What to read, and whether a part will do where messages were removed. */
export interface ReadingOptions extends ReadOptions {
  readonly incomplete?: boolean;
}

/** What a session ended with: the reader is done, or another session has to go on. */
type Ended = 'done' | 'again';

/**
 * One reader of a stream: an ephemeral consumer without acknowledgements, pulled. A message missing in the consumer's
 * own count, silence, or a broken connection: a new consumer goes on after the last sequence handed on.
 */
export class Reader<T> {
  /** Everything up to here was handed on. */
  private at: Sequence;
  private read: T[] = [];
  private through: Sequence;
  private wake: () => void = () => {};
  private ended: Ended | undefined;
  /** Messages that should have come and did not: the last sequence before them, and the first after. */
  private hole: { readonly after: Sequence; readonly before: Sequence } | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
    private readonly stream: StreamName,
    private readonly lookups: Lookups,
    private readonly decode: Decode<T>,
    after: Sequence,
    private readonly options: ReadingOptions,
  ) {
    this.at = after;
    this.through = after;
  }

  async *batches(): AsyncGenerator<Decoded<T>> {
    while (!this.stopped()) {
      let session: Session | undefined;
      try {
        session = await this.open();
        yield* this.drain(session);
        if (!this.stopped()) await this.wire.changed(RETRY_MS);
      } catch (error) {
        if (!(error instanceof AnswerLost)) throw error;
        if (!this.stopped()) await this.wire.changed(RETRY_MS);
      } finally {
        session?.stop();
      }
    }
  }

  private stopped(): boolean {
    const { until, signal } = this.options;
    return this.wire.closed || this.ended === 'done' || signal?.aborted === true || (until !== undefined && this.at >= until);
  }

  /** A consumer from after `at`. */
  private async open(): Promise<Session> {
    const { last, archived } = await this.lookups.bounds(this.stream);
    if (this.at > last) throw new SequenceOutOfRange(`${this.stream} ends at ${last}, before ${this.at}`);
    const { until, subjects, incomplete } = this.options;
    if (incomplete !== true) this.refuseHoles(archived);
    this.ended = undefined;
    this.failure = undefined;
    this.read = [];
    this.through = this.at;
    const filtered = subjects !== undefined && (until === undefined || until <= last);
    const session = new Session(this.wire, streamName(this.cluster, this.stream), (message) => this.take(message, session, filtered));
    session.last = last;
    session.filtered = filtered;
    const pending = await session.create(this.at, filtered ? subjects : undefined).catch((error: unknown) => {
      session.stop();
      throw error;
    });
    if (pending === 0) this.reachedEnd(session);
    return session;
  }

  /** Nobody is given a part of the events for all of them. */
  private refuseHoles(archived: Sequence): void {
    if (this.at < archived) {
      const why = `${this.stream} was archived up to ${archived}: what it still holds after ${this.at} is not all there was`;
      throw new SequenceArchived(why, archived);
    }
    if (this.hole?.after !== this.at) return;
    throw new SequenceOutOfRange(
      `${this.stream} lacks ${this.at + 1} to ${this.hole.before - 1}: messages were removed that no archive accounts for`,
    );
  }

  /** Of a selection nobody sees that one is missing: but messages are removed only after the stream was marked. */
  private async refuseIfArchived(): Promise<void> {
    if (this.stream !== 'state' || this.options.incomplete === true) return;
    this.refuseHoles((await this.lookups.bounds(this.stream)).archived);
  }

  /** Whether a message of `state` does not follow on the one before: this stream forgets nothing by itself. */
  private skips(sequence: Sequence, filtered: boolean): boolean {
    if (this.stream !== 'state' || filtered || this.options.incomplete === true || sequence === this.through + 1) return false;
    this.hole = { after: this.through, before: sequence };
    return true;
  }

  private async *drain(session: Session): AsyncGenerator<Decoded<T>> {
    const stir = (): void => this.wake();
    const unlisten = this.wire.onChange(stir);
    const { signal } = this.options;
    signal?.addEventListener('abort', stir);
    const watch = setInterval(stir, HEARTBEAT_MS / 2).unref();
    try {
      while (!this.wire.closed && signal?.aborted !== true) {
        if (this.through > this.at) {
          const { read, through } = this;
          this.read = [];
          if (session.filtered) await this.refuseIfArchived();
          this.at = through;
          session.freed();
          yield { read, through };
          continue;
        }
        if (this.failure) throw this.failure;
        if (this.ended || !this.wire.connected || session.silent()) return;
        session.pull();
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearInterval(watch);
      unlisten();
      signal?.removeEventListener('abort', stir);
    }
  }

  private take(message: Msg, session: Session, filtered: boolean): void {
    if (this.ended || this.failure) return;
    try {
      if (message.reply === '' || message.reply === undefined) {
        if (!session.status(message)) this.ended = 'again';
      } else if (!this.deliver(message, session, filtered)) this.ended = 'again';
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
    this.wake();
  }

  /** Takes one message; false where one before it is missing. */
  private deliver(message: Msg, session: Session, filtered: boolean): boolean {
    const delivery = deliveryOf(message.reply ?? '');
    const { sequence, consumed, pending } = delivery;
    if (!session.next(consumed) || this.skips(sequence, filtered)) return false;
    const { until, subjects } = this.options;
    if (until !== undefined && sequence > until) {
      this.through = until;
      this.ended = 'done';
      return true;
    }
    const decoded = this.decode(message, delivery);
    if (
      decoded !== undefined &&
      (filtered || subjects === undefined || subjects.some((pattern) => subjectMatches(pattern, message.subject)))
    )
      this.read.push(decoded);
    this.through = sequence;
    if (sequence === until) this.ended = 'done';
    else if (pending === 0) this.reachedEnd(session);
    return true;
  }

  /** Nothing is left up to where the stream ended when the session began: what is missing there is no event, or none of the selection. */
  private reachedEnd(session: Session): void {
    const { until } = this.options;
    this.through = Math.max(this.through, Math.min(session.last, until ?? Infinity));
    if (until !== undefined && this.through >= until) this.ended = 'done';
  }
}

/** Whether a NATS subject pattern (`*` one token, `>` the rest) matches. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  for (const [i, token] of wanted.entries()) {
    if (token === '>') return tokens.length > i;
    if (token !== '*' && token !== tokens[i]) return false;
  }
  return wanted.length === tokens.length;
}

/** One ephemeral consumer and the pulls on it. */
class Session {
  /** The stream's last sequence when the session began. */
  last: Sequence = 0;
  /** The server sends a selection only. */
  filtered = false;
  private readonly name = randomUUID();
  private readonly inbox: ReturnType<Wire['listen']>;
  private consumed = 0;
  private outstanding = 0;
  private buffered = 0;
  private heard = performance.now();

  constructor(
    private readonly wire: Wire,
    private readonly streamName: string,
    take: (message: Msg) => void,
  ) {
    this.inbox = wire.listen(take);
  }

  /** How many messages are left for it at first. */
  async create(after: Sequence, subjects: readonly string[] | undefined): Promise<number> {
    const config = {
      name: this.name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: after + 1,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_NS,
      ...(subjects ? { filter_subjects: subjects } : {}),
    };
    const asked = json({ stream_name: this.streamName, config, action: 'create' });
    const message = await this.wire.request(`$JS.API.CONSUMER.CREATE.${this.streamName}.${this.name}`, asked, TIMEOUT_MS);
    if (message.data.length === 0) throw new AnswerLost(`status ${message.headers?.code ?? 'unknown'} of JetStream`);
    const { error, num_pending } = message.json<ConsumerAnswer>();
    if (error) throw new AnswerLost(`creating a consumer: ${error.description}`);
    this.heard = performance.now();
    return num_pending ?? 0;
  }

  /** Keeps the window filled: asks for more once half of it is free. */
  pull(): void {
    const free = WINDOW - this.outstanding - this.buffered;
    if (free < WINDOW / 2) return;
    this.outstanding += free;
    const asked = { batch: free, max_bytes: WINDOW_BYTES, expires: ns(EXPIRES_MS), idle_heartbeat: ns(HEARTBEAT_MS) };
    this.inbox.pull(`$JS.API.CONSUMER.MSG.NEXT.${this.streamName}.${this.name}`, json(asked));
  }

  /** Counts a message; false where the consumer has sent one that did not arrive. */
  next(consumed: number): boolean {
    this.heard = performance.now();
    this.outstanding--;
    this.buffered++;
    return consumed === ++this.consumed;
  }

  /** What was buffered has been handed on. */
  freed(): void {
    this.buffered = 0;
  }

  /** Takes a message without an event: a heartbeat, or the end of a pull. False where the consumer is gone. */
  status(message: Msg): boolean {
    this.heard = performance.now();
    const headers = headersOf(message);
    switch (message.headers?.code) {
      case 100:
        return Number(headers.get('Nats-Last-Consumer') ?? this.consumed) <= this.consumed;
      case 404:
      case 408:
      case 409: {
        const pending = headers.get('Nats-Pending-Messages');
        this.outstanding -= Number(pending ?? 0);
        return pending !== undefined;
      }
      case undefined:
      default:
        return false;
    }
  }

  silent(): boolean {
    return this.outstanding > 0 && performance.now() - this.heard > SILENCE_MS;
  }

  stop(): void {
    this.inbox.stop();
    if (this.wire.connected && !this.wire.closed)
      this.wire.publish(`$JS.API.CONSUMER.DELETE.${this.streamName}.${this.name}`, new Uint8Array());
  }
}
