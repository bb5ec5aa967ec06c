import { createHash } from 'node:crypto';
import type { Instant } from '#libs/apimachinery';
import type {
  AppendWrite,
  Appended,
  EventLog,
  EventMeta,
  Guard,
  Moved,
  ReadBatch,
  ReadOptions,
  Recorded,
  Sequence,
  StoredMessage,
  StreamName,
} from '#libs/log';
import { absolutePlace, digestParts, encodeMeta, LogUnavailable, neededGuards, SequenceOutOfRange, STREAMS } from '#libs/log';

/** What an injected fault does to an append: nothing is stored, or it is stored and the answer says otherwise. */
export type AppendFault = 'unavailable' | 'lost-answer' | undefined;

/** What a test decides about a log in memory. */
export interface MemoryLogOptions {
  /** The time that events are stored at; absent: one millisecond per append, from 0. */
  readonly now?: () => Instant;
  /** Asked before each append. A `lost-answer` stores the writes and throws LogUnavailable. */
  readonly fault?: (stream: StreamName, writes: readonly AppendWrite[]) => AppendFault;
  /** Awaited before each batch that a reader gets: holds a reader back, so that tests see stale caches. */
  readonly beforeRead?: (stream: StreamName, next: Sequence) => Promise<void> | undefined;
  /** Told of what was stored, before anybody else hears of it. */
  readonly onStored?: (events: readonly Recorded[]) => void;
  /** A log that this one goes on from: it begins with all that the other holds. */
  readonly after?: MemoryLog;
}

/** One stream: slot i holds sequence i + 1; the marker of a guard is an empty slot. */
interface Stream {
  readonly slots: (Recorded | undefined)[];
  readonly last: Map<string, Recorded>;
  wake: (() => void)[];
}

const BATCH = 512;

/** An event's metadata as readers get it: what it says of events stored with it is absolute. */
function placed(meta: EventMeta, stream: StreamName, sequence: Sequence): EventMeta {
  const { root, cause } = meta;
  return {
    ...meta,
    ...(root === undefined ? {} : { root: absolutePlace(root, stream, sequence) }),
    ...(cause === undefined ? {} : { cause: absolutePlace(cause, stream, sequence) }),
  };
}

/** Whether a NATS subject pattern (`*` one token, `>` the rest) matches. */
function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [i, token] of pattern.entries()) {
    if (token === '>') return subject.length > i;
    if (i >= subject.length || (token !== '*' && token !== subject[i])) return false;
  }
  return pattern.length === subject.length;
}

function selector(subjects: readonly string[] | undefined): (event: Recorded) => boolean {
  if (subjects === undefined) return () => true;
  const patterns = subjects.map((subject) => subject.split('.'));
  return ({ subject }) => {
    const tokens = subject.split('.');
    return patterns.some((pattern) => matches(pattern, tokens));
  };
}

/** An event as a stream would store it: its metadata as a header block. */
function storedForm({ sequence, subject, time, meta, body }: Recorded): StoredMessage {
  const lines = encodeMeta(meta).map(([name, value]) => `${name}: ${value}\r\n`);
  const headers = new TextEncoder().encode(`NATS/1.0\r\n${lines.join('')}\r\n`);
  return { sequence, subject, nanoseconds: `${time}000000`, headers, body };
}

function withDigest(event: Recorded): Recorded {
  const hash = createHash('sha256');
  for (const part of digestParts(storedForm(event))) hash.update(part);
  return { ...event, digest: hash.digest() };
}

/**
 * The log as an array: deterministic, and synchronous within one call. Tests, simulated nodes and the simulation use
 * it; the contract spec that it shares with JetStream keeps it honest, down to the sequences that guards take.
 */
export class MemoryLog implements EventLog {
  private readonly streams: Readonly<Record<StreamName, Stream>>;
  private readonly options: MemoryLogOptions;
  private ticks = 0;
  private closed = false;

  constructor(options: MemoryLogOptions = {}) {
    this.options = options;
    const begun = (name: StreamName): Stream => {
      const { slots = [], last = [] } = options.after?.streams[name] ?? {};
      return { slots: [...slots], last: new Map(last), wake: [] };
    };
    this.streams = { state: begun('state'), lease: begun('lease'), event: begun('event') };
  }

  async append(stream: StreamName, writes: readonly AppendWrite[], guards: readonly Guard[] = []): Promise<Appended> {
    if (this.closed) throw new LogUnavailable('the log is closed');
    const fault = this.options.fault?.(stream, writes);
    if (fault === 'unavailable') throw new LogUnavailable('the log can not be reached');
    const needed = neededGuards(writes, guards);
    const moved = this.moved(stream, [...writes, ...needed]);
    if (moved.length > 0) return { moved };
    const sequences = writes.length === 0 ? [] : this.store(stream, writes, needed.length);
    if (fault === 'lost-answer') throw new LogUnavailable('the answer did not come');
    return { sequences };
  }

  async *read(stream: StreamName, after: Sequence, { subjects, until, digests, signal }: ReadOptions = {}): AsyncGenerator<ReadBatch> {
    const { slots } = this.streams[stream];
    if (after > slots.length) throw new SequenceOutOfRange(`${stream} ends at ${slots.length}, before ${after}`);
    const selected = selector(subjects);
    let at = after;
    while (!this.closed && !signal?.aborted && (until === undefined || at < until)) {
      if (at === slots.length) {
        await this.appended(stream, signal);
        continue;
      }
      await this.options.beforeRead?.(stream, at + 1);
      const through = Math.min(slots.length, at + BATCH, until ?? Infinity);
      const events = slots.slice(at, through).filter((slot): slot is Recorded => slot !== undefined && selected(slot));
      at = through;
      if (!signal?.aborted) yield { events: digests ? events.map(withDigest) : events, through };
    }
  }

  async last(stream: StreamName): Promise<Sequence> {
    return this.streams[stream].slots.length;
  }

  async lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.streams[stream].last.get(subject);
  }

  /** The sequence of the first event behind a place; undefined where there is none yet. */
  nextAfter(stream: StreamName, after: Sequence): Sequence | undefined {
    const { slots } = this.streams[stream];
    for (let at = after; at < slots.length; at++) if (slots[at]) return at + 1;
    return undefined;
  }

  /** The events behind a place, up to another. */
  between(stream: StreamName, after: Sequence, through: Sequence): readonly Recorded[] {
    return this.streams[stream].slots.slice(after, through).filter((slot) => slot !== undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const name of STREAMS) this.wake(this.streams[name]);
  }

  private moved(stream: StreamName, wanted: readonly { readonly subject: string; readonly expected: Sequence }[]): readonly Moved[] {
    return wanted.flatMap(({ subject, expected }) => {
      const actual = this.streams[stream].last.get(subject)?.sequence ?? 0;
      return actual === expected ? [] : [{ subject, expected, actual }];
    });
  }

  private store(name: StreamName, writes: readonly AppendWrite[], markers: number): readonly Sequence[] {
    const stream = this.streams[name];
    const size = writes.length + markers;
    const batch = size > 1 ? { batch: { id: `${name}-${stream.slots.length + 1}`, size } } : {};
    const time = this.options.now?.() ?? this.ticks++;
    for (let i = 0; i < markers; i++) stream.slots.push(undefined);
    const events = writes.map(({ subject, meta, body }): Recorded => {
      const sequence = stream.slots.length + 1;
      const event: Recorded = { stream: name, sequence, subject, time, meta: { ...placed(meta, name, sequence), ...batch }, body };
      stream.slots.push(event);
      stream.last.set(subject, event);
      return event;
    });
    this.options.onStored?.(events);
    this.wake(stream);
    return events.map(({ sequence }) => sequence);
  }

  private appended(name: StreamName, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      this.streams[name].wake.push(done);
    });
  }

  private wake(stream: Stream): void {
    const waiting = stream.wake;
    stream.wake = [];
    for (const resolve of waiting) resolve();
  }
}
