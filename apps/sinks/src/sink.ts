import { Gauge, register } from 'prom-client';
import { pause, type SinkMessage, type SinkPosition, type SinkPositions } from '#libs/adapters';
import type { AuditStream, EventLog, Recorded, Sequence } from '#libs/log';
import type { Logger, PastReader } from '#libs/runtime';
import { asBefore, entriesOfAudit, entryOfEvent, type Before } from './entries.js';
import type { SinkSettings } from './sinks-file.js';
import type { Target } from './target.js';

/** What a sink follows, and where it keeps how far it has come. */
export interface SinkSources {
  readonly log: EventLog;
  readonly audit: AuditStream;
  readonly history: PastReader;
  readonly positions: SinkPositions;
  readonly logger: Logger;
}

/** Entries and bytes that go together. */
const MOST_ENTRIES = 200;
const MOST_BYTES = 1024 * 1024;
/** Bodies of objects that are remembered, so that a change can be told. */
const REMEMBERED = 2_000;
const SHORTEST_MS = 200;
const LONGEST_MS = 60_000;

function gauge(name: string, help: string): Gauge<'sink' | 'stream'> {
  const known = register.getSingleMetric(name) as Gauge<'sink' | 'stream'> | undefined;
  return known ?? new Gauge({ name, help, labelNames: ['sink', 'stream'] });
}

/** Follows the log and the audit stream for one target: in order, at least once, going on where it was. */
export class Sink {
  private readonly delivered = gauge('decklog_sink_sequence', 'Up to which sequence of a stream a sink has delivered.');
  private readonly failures = gauge('decklog_sink_failures', 'Deliveries of a sink that failed since the last that did not.');
  private readonly known = new Map<string, Before>();
  private position: SinkPosition = { state: 0, audit: 0 };
  private saving: Promise<void> = Promise.resolve();
  private delivering: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: SinkSettings,
    private readonly target: Target,
    private readonly sources: SinkSources,
  ) {}

  /** Delivers until the signal aborts, through failures of the target and of the streams. */
  async run(signal: AbortSignal): Promise<void> {
    const found = await this.retried('where it stands', signal, () => this.begin());
    if (found === undefined) return;
    this.position = found;
    await Promise.all([this.keepOn('state', signal, () => this.state(signal)), this.keepOn('audit', signal, () => this.audit(signal))]);
    await this.target.close();
  }

  private async begin(): Promise<SinkPosition> {
    const { positions, log, audit } = this.sources;
    const { name, from } = this.settings;
    const kept = await positions.get(name);
    if (kept !== undefined) return kept;
    const begins = from === 'beginning' ? { state: 0, audit: 0 } : { state: await log.last('state'), audit: (await audit.bounds()).last };
    await positions.put(name, begins);
    return begins;
  }

  private async keepOn(stream: string, signal: AbortSignal, follow: () => Promise<void>): Promise<void> {
    await this.retried(`to follow ${stream}`, signal, async () => {
      await follow();
      if (!signal.aborted) throw new Error(`${stream} ended`);
      return true;
    });
  }

  private async state(signal: AbortSignal): Promise<void> {
    for await (const { events, through } of this.sources.log.read('state', this.position.state, { signal })) {
      let entries: SinkMessage[] = [];
      let bytes = 0;
      for (const event of events) {
        const entry = entryOfEvent(event, await this.before(event), this.settings);
        this.remember(event);
        if (entry === undefined) continue;
        entries.push(entry);
        bytes += entry.text.length;
        if (entries.length < MOST_ENTRIES && bytes < MOST_BYTES) continue;
        await this.deliver(entries, { state: event.sequence }, signal);
        entries = [];
        bytes = 0;
      }
      if (signal.aborted) return;
      if (entries.length > 0) await this.deliver(entries, { state: through }, signal);
    }
  }

  private async audit(signal: AbortSignal): Promise<void> {
    for await (const batch of this.sources.audit.read({ after: this.position.audit, follow: true, signal })) {
      await this.deliver(entriesOfAudit(batch, this.settings), { audit: batch.sequence }, signal);
    }
  }

  /** What an update changed is told from the event before: remembered, else asked for. A Secret's is nobody's business. */
  private async before({ subject, meta, sequence }: Recorded): Promise<Before | undefined> {
    if (meta.type !== 'Updated' || meta.encoding !== 'json') return undefined;
    const known = this.known.get(subject);
    if (known !== undefined) return known;
    const { history } = this.sources;
    await history.reached('state', sequence);
    return (await history.revision('state', sequence, true))?.before;
  }

  private remember(event: Recorded): void {
    const { subject, meta } = event;
    this.known.delete(subject);
    if (meta.type === 'Deleted' || meta.encoding !== 'json') return;
    this.known.set(subject, asBefore(event));
    if (this.known.size <= REMEMBERED) return;
    const oldest = this.known.keys().next();
    if (oldest.done !== true) this.known.delete(oldest.value);
  }

  private async deliver(
    entries: readonly SinkMessage[],
    reached: Partial<Record<keyof SinkPosition, Sequence>>,
    signal: AbortSignal,
  ): Promise<void> {
    const done = await this.retried('to deliver', signal, async () => {
      await this.inTurn(entries);
      return true;
    });
    if (done === undefined) return;
    await this.save(reached, signal);
  }

  /** Both streams have one target, which opens its file or connection once and fills one file at a time. */
  private inTurn(entries: readonly SinkMessage[]): Promise<void> {
    const delivered = this.delivering.then(() => this.target.deliver(entries));
    this.delivering = delivered.catch(() => undefined);
    return delivered;
  }

  /** Both streams move one position: one save after the other, each with the newest of both. */
  private save(reached: Partial<Record<keyof SinkPosition, Sequence>>, signal: AbortSignal): Promise<void> {
    this.position = { ...this.position, ...reached };
    const { name } = this.settings;
    const keep = (position: SinkPosition) => () => this.sources.positions.put(name, position).then(() => true);
    this.saving = this.saving.then(async () => {
      const { position } = this;
      // What was delivered while it ends is kept if it can be: else it comes twice.
      if (signal.aborted) await keep(position)().catch(() => false);
      else await this.retried('to keep where it stands', signal, keep(position));
      for (const [stream, sequence] of Object.entries(position)) this.delivered.set({ sink: name, stream }, sequence as number);
    });
    return this.saving;
  }

  /** Does something again until it succeeds, more and more slowly; undefined where the signal aborts first. */
  private async retried<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const labels = { sink: this.settings.name, stream: '' };
    for (let [waitMs, failed] = [SHORTEST_MS, 0]; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_MS)) {
      try {
        const result = await work();
        this.failures.set(labels, 0);
        return result;
      } catch (error) {
        if (signal.aborted) return undefined;
        failed += 1;
        this.failures.set(labels, failed);
        this.sources.logger.warn(`the sink ${this.settings.name} failed ${what} and tries again`, { failed, waitMs, error: String(error) });
      }
      await pause(waitMs, signal);
    }
    return undefined;
  }
}
