import type { Msg } from 'nats';
import type { ReadOptions, Sequence, StreamName } from '#libs/log';
import { LogUnavailable, SequenceArchived, SequenceOutOfRange } from '#libs/log';
import type { Lookups } from './lookups.js';
import type { Delivery } from './message.js';
import { deliveryOf } from './message.js';
import { Session, type Created } from './session.js';
import { streamName } from './stream-settings.js';
import type { Wire } from './wire.js';
import { AnswerLost } from './wire.js';

const RETRY_MS = 200;
/** The status of a consumer that has nothing to give just now. */
const IDLE = 100;
/** A copy that lacks a message is left for another so often; then none has it. */
const COPIES_TRIED = 12;
/** Consumers are put on servers by chance: so many are made to get one on a certain server. */
const CONSUMERS_TRIED = 64;

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
  /** Reads the copy of this server alone, and ends where it has no more to give. */
  readonly server?: string;
  /** Told of messages that a server's copy lacks, which another's may have. */
  readonly onHole?: (server: string, from: Sequence, to: Sequence) => void;
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
  private hole: { readonly after: Sequence; readonly before: Sequence; readonly times: number } | undefined;
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
    const { last, archived, copies } = await this.lookups.bounds(this.stream);
    if (this.at > last) throw new SequenceOutOfRange(`${this.stream} ends at ${last}, before ${this.at}`);
    const { until, subjects, incomplete, server } = this.options;
    if (incomplete !== true) this.refuseHoles(archived);
    this.ended = undefined;
    this.failure = undefined;
    this.read = [];
    this.through = this.at;
    const filtered = subjects !== undefined && (until === undefined || until <= last);
    const selection = filtered ? subjects : undefined;
    const newest = copies > 1 && server === undefined ? await this.lookups.newest(this.stream, selection) : 0;
    const { session, pending } = await this.placed(selection, copies);
    session.last = last;
    session.newest = newest;
    if (pending === 0) this.reachedEnd(session);
    return session;
  }

  /** A consumer, on the server that is asked for. */
  private async placed(
    subjects: readonly string[] | undefined,
    copies: number,
  ): Promise<{ readonly session: Session; readonly pending: number }> {
    const { server } = this.options;
    for (let tried = 0; tried < CONSUMERS_TRIED; tried++) {
      const name = streamName(this.cluster, this.stream);
      const session = new Session(this.wire, name, (message) => this.take(message, session), copies);
      session.filtered = subjects !== undefined;
      const created: Created = await session.create(this.at, subjects).catch((error: unknown) => {
        session.stop();
        throw error;
      });
      session.pending = created.pending;
      if (server === undefined || created.server === server) return { session, pending: created.pending };
      session.stop();
    }
    throw new LogUnavailable(`${server} does not give out its copy of ${this.stream}`);
  }

  /** Nobody is given a part of the events for all of them. */
  private refuseHoles(archived: Sequence): void {
    if (this.at < archived) {
      const why = `${this.stream} was archived up to ${archived}: what it still holds after ${this.at} is not all there was`;
      throw new SequenceArchived(why, archived);
    }
    const { hole } = this;
    if (hole?.after !== this.at || hole.times < (this.lookups.replicas > 1 ? COPIES_TRIED : 1)) return;
    throw new SequenceOutOfRange(
      `${this.stream} lacks ${this.at + 1} to ${hole.before - 1}: messages were removed that no archive accounts for`,
    );
  }

  /** Of a selection nobody sees that one is missing: but messages are removed only after the stream was marked. */
  private async refuseIfArchived(): Promise<void> {
    if (this.stream !== 'state' || this.options.incomplete === true) return;
    this.refuseHoles((await this.lookups.bounds(this.stream)).archived);
  }

  /** Whether a message of `state` does not follow on the one before: this stream forgets nothing by itself. */
  private skips(sequence: Sequence, { filtered, server }: Session): boolean {
    if (this.stream !== 'state' || filtered || this.options.incomplete === true || sequence === this.through + 1) return false;
    const { through, hole } = this;
    this.hole = { after: through, before: sequence, times: hole?.after === through ? hole.times + 1 : 1 };
    if (server !== undefined) this.options.onHole?.(server, through + 1, sequence - 1);
    return true;
  }

  private async *drain(session: Session): AsyncGenerator<Decoded<T>> {
    const stir = (): void => this.wake();
    const unlisten = this.wire.onChange(stir);
    const { signal } = this.options;
    signal?.addEventListener('abort', stir);
    const watch = setInterval(stir, session.heartbeatMs / 2).unref();
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

  private take(message: Msg, session: Session): void {
    if (this.ended || this.failure) return;
    try {
      if (message.reply === '' || message.reply === undefined) {
        if (!session.status(message)) this.ended = 'again';
        else if (message.headers?.code === IDLE) this.idle(session);
      } else if (!this.deliver(message, session)) this.ended = 'again';
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
    this.wake();
  }

  /** Takes one message; false where one before it is missing. */
  private deliver(message: Msg, session: Session): boolean {
    const delivery = deliveryOf(message.reply ?? '');
    const { sequence, consumed, pending } = delivery;
    session.pending = pending;
    // A copy that is behind begins where it ends, which may be before what was asked for.
    if (sequence <= this.through) return session.passOver(consumed);
    if (!session.next(consumed) || this.skips(sequence, session)) return false;
    const { until, subjects } = this.options;
    if (until !== undefined && sequence > until) {
      this.through = until;
      this.ended = 'done';
      return true;
    }
    const decoded = this.decode(message, delivery);
    if (
      decoded !== undefined &&
      (session.filtered || subjects === undefined || subjects.some((pattern) => subjectMatches(pattern, message.subject)))
    )
      this.read.push(decoded);
    this.through = sequence;
    if (sequence === until) this.ended = 'done';
    else if (pending === 0) this.reachedEnd(session);
    return true;
  }

  /** A consumer has nothing to give. One that counts messages as left and gives none reads a copy that lacks them. */
  private idle({ server, filtered, pending }: Session): void {
    if (this.options.server !== undefined) {
      this.through = Math.max(this.through, this.options.until ?? 0);
      this.ended = 'done';
    } else if (server !== undefined && pending > 0) {
      // Of a selection nobody can tell where it is that something is missing.
      if (filtered) this.failure = new LogUnavailable(`the copy of ${this.stream} of ${server} lacks a part of what was asked for`);
      else this.ended = 'again';
    }
  }

  /** Nothing is left up to where the stream ended when the session began: what is missing there is no event, or none of the selection. */
  private reachedEnd(session: Session): void {
    const { until } = this.options;
    // A copy that is behind has nothing left to give before it has given everything.
    if (this.through < session.newest) return;
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
