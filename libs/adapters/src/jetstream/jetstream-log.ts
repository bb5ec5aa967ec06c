import type { ConnectionOptions } from 'nats';
import type {
  AppendWrite,
  Appended,
  EventLog,
  Guard,
  Lost,
  MessageSource,
  ReadBatch,
  ReadOptions,
  Recorded,
  Sequence,
  StoredBatch,
  StreamName,
} from '#libs/log';
import { LogUnavailable, STREAMS } from '#libs/log';
import { NO_METRICS, type Metrics } from '#libs/runtime';
import { Appender } from './appender.js';
import { type Bounds, type Copy, type LogSigns, Lookups } from './lookups.js';
import { eventOf, storedOf } from './message.js';
import { NOBODY, type LogObserver } from './observer.js';
import type { Decode } from './reader.js';
import { Reader } from './reader.js';
import { Seen } from './seen.js';
import { checkServer, ensureStream } from './stream-settings.js';
import { serverOptions } from './server-url.js';
import { AnswerLost, Wire, answerWithinMs } from './wire.js';

/** Where the log is, and how patient to be with it. */
export interface JetStreamOptions {
  /** One URL or several with commas, e.g. `nats://127.0.0.1:4222`. */
  readonly url: string;
  /** The cluster's id: a token of every subject and of the streams' names. `[A-Za-z0-9-]+`. */
  readonly cluster: string;
  /** Shown by the server for this connection. */
  readonly name?: string;
  /** Copies of each stream, 1 unless set. */
  readonly replicas?: number;
  /** How long Kubernetes Events are kept; absent: as long as they are now, 30 days where there are none yet. */
  readonly eventAgeMs?: number;
  /** How long an append or a point read waits for a log that does not answer; unless set 5 s, or 10 s where servers may choose a leader. */
  readonly patienceMs?: number;
  /** Appends that may wait at once, for each stream; 8,192 unless set. */
  readonly maxQueued?: number;
  /** Told how the log is doing; nobody unless set. */
  readonly observer?: LogObserver;
  /** Where appends are counted; nowhere unless set. */
  readonly metrics?: Metrics;
  /** More of the client's own options (credentials, TLS). */
  readonly connection?: ConnectionOptions;
}

const RETRY_MS = 50;
const PATIENCE_MS = 5_000;
/** Servers choose another leader within nine seconds, mostly five or six. */
const ELECTING_PATIENCE_MS = 10_000;
const LONGEST_WAIT_MS = 1_000;
/** Another leader is there any moment. */
const ELECTING_WAIT_MS = 200;
/** So many messages at the end of a stretch are looked at one by one, where they are not given out. */
const MOST_MISSING = 1_000;

/** The log on NATS JetStream. */
export class JetStreamLog implements EventLog, MessageSource {
  private readonly lookups: Lookups;
  private readonly seen: Readonly<Record<StreamName, Seen>> = { state: new Seen(), lease: new Seen(1_024), event: new Seen(1_024) };
  private readonly appenders: Readonly<Record<StreamName, Appender>>;

  constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
    private readonly patienceMs: number,
    maxQueued: number,
    replicas: number,
    private readonly observer: LogObserver,
    metrics: Metrics,
  ) {
    this.lookups = new Lookups(wire, cluster, replicas);
    wire.onChange(() => observer.connection(wire.connected && !wire.closed));
    const longestWaitMs = replicas > 1 ? ELECTING_WAIT_MS : LONGEST_WAIT_MS;
    const waits = { patienceMs, longestWaitMs, answerMs: answerWithinMs(replicas) };
    const options = { ...waits, maxQueued, maxQueuedBytes: 128 * 1024 * 1024, observer, metrics };
    const appender = (stream: StreamName): Appender => new Appender(wire, stream, this.lookups, this.seen[stream], options);
    this.appenders = { state: appender('state'), lease: appender('lease'), event: appender('event') };
  }

  append(stream: StreamName, writes: readonly AppendWrite[], guards: readonly Guard[] = []): Promise<Appended> {
    return this.appenders[stream].append(writes, guards);
  }

  async *read(stream: StreamName, after: Sequence, options: ReadOptions = {}): AsyncGenerator<ReadBatch> {
    const seen = this.seen[stream];
    const decode: Decode<Recorded> = (message, delivery) => {
      const event = eventOf(stream, message, delivery, options.digests === true);
      if (event) seen.note(event.subject, event.sequence);
      return event;
    };
    const onHole = (server: string, from: Sequence, to: Sequence): void => this.observer.copyLacks(server, stream, from, to);
    const reader = new Reader(this.wire, this.cluster, stream, this.lookups, decode, after, { ...options, onHole });
    for await (const { read, through } of reader.batches()) yield { events: read, through };
  }

  async *messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncGenerator<StoredBatch> {
    // A server that gives out a message no more (its bytes were altered) counts it all the same: a reader would wait for it.
    const held = await this.lastHeld(stream, after, until);
    if (held === after) yield { messages: [], through: until };
    if (held === after) return;
    const options = { until: held, incomplete: true, ...(signal ? { signal } : {}) };
    const reader = new Reader(this.wire, this.cluster, stream, this.lookups, storedOf, after, options);
    for await (const { read, through } of reader.batches()) yield { messages: read, through: through === held ? until : through };
  }

  /** The servers that keep a stream; none is named where there is but one. */
  copies(stream: StreamName): Promise<readonly Copy[]> {
    return this.patiently(() => this.lookups.copies(stream));
  }

  /** What one server's own copy holds: what it lacks is left out. Throws LogUnavailable where that server gives out nothing. */
  copy(server: string): MessageSource {
    const { wire, cluster, lookups } = this;
    return {
      async *messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncGenerator<StoredBatch> {
        const options = { until, incomplete: true, server, ...(signal ? { signal } : {}) };
        const reader = new Reader(wire, cluster, stream, lookups, storedOf, after, options);
        for await (const { read, through } of reader.batches()) yield { messages: read, through };
      },
    };
  }

  /** The last sequence up to `until` whose message the server gives out; `after` where there is none nearby. */
  private async lastHeld(stream: StreamName, after: Sequence, until: Sequence): Promise<Sequence> {
    const last = Math.min(until, await this.last(stream));
    for (let sequence = last; sequence > Math.max(after, last - MOST_MISSING); sequence--) {
      if (await this.patiently(() => this.lookups.holds(stream, sequence))) return sequence;
    }
    return last - MOST_MISSING > after ? last : after;
  }

  async last(stream: StreamName): Promise<Sequence> {
    return (await this.bounds(stream)).last;
  }

  /** Where a stream ends, how far it was archived, and how many of its messages are gone. */
  /** Which sequences of each stream a cluster that is gone may have given out. */
  async lost(): Promise<Lost> {
    const found = await Promise.all(STREAMS.map(async (stream) => [stream, (await this.bounds(stream)).lost] as const));
    return Object.fromEntries(found.filter(([, lost]) => lost !== undefined)) as Lost;
  }

  bounds(stream: StreamName): Promise<Bounds> {
    return this.patiently(() => this.lookups.bounds(stream));
  }

  /** Whether the server answers, how long that takes, and how far its clock is from ours. Throws AnswerLost where it does not answer in time. */
  signs(timeoutMs: number): Promise<LogSigns> {
    return this.lookups.signs(timeoutMs);
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.patiently(() => this.lookups.lastOf(stream, subject));
  }

  async close(): Promise<void> {
    for (const stream of STREAMS) this.appenders[stream].close();
    await this.wire.close();
  }

  /** Asks again until an answer comes. */
  private async patiently<T>(ask: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.patienceMs;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof AnswerLost)) throw error;
        if (this.wire.closed || performance.now() > deadline) throw new LogUnavailable(error.message, { cause: error });
        await this.wire.changed(RETRY_MS);
      }
    }
  }
}

/** Whether a name can be a cluster's id. Throws RangeError where it can't. */
export function checkCluster(cluster: string): void {
  if (!/^[A-Za-z0-9-]+$/.test(cluster)) throw new RangeError(`a cluster can't be called ${JSON.stringify(cluster)}`);
}

/**
 * Connects to a cluster's log, creating its three streams where they are missing. Throws WrongLogSettings where the
 * server or a stream is not as it must be (nothing is changed then), and the client's error where no server answers.
 */
export async function connectLog({
  url,
  cluster,
  name = 'decklog',
  replicas = 1,
  eventAgeMs,
  patienceMs = replicas > 1 ? ELECTING_PATIENCE_MS : PATIENCE_MS,
  maxQueued = 8_192,
  observer = NOBODY,
  metrics = NO_METRICS,
  connection = {},
}: JetStreamOptions): Promise<JetStreamLog> {
  checkCluster(cluster);
  const wire = await Wire.open({ ...serverOptions(url), name, ...connection });
  try {
    checkServer(wire);
    for (const stream of STREAMS) await ensureStream(wire, cluster, stream, replicas, eventAgeMs);
  } catch (error) {
    await wire.close();
    throw error;
  }
  return new JetStreamLog(wire, cluster, patienceMs, maxQueued, replicas, observer, metrics);
}
