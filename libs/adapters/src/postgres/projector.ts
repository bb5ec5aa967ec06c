import type { DataSource } from 'typeorm';
import type { AuditStream, EventLog, Position, Sequence, StreamName } from '#libs/log';
import { EventUnreadable, ORIGIN, SequenceArchived, SequenceOutOfRange, STREAMS } from '#libs/log';
import { AS_EXPECTED, NO_METRICS, type ConditionReport, type Conditions, type Logger, type Metrics } from '#libs/runtime';
import { pause } from '../pause.js';
import { chainRows, headOf, type Head } from './chain.js';
import type { Session } from './data-source.js';
import { holding } from './lock.js';
import { batchSeconds } from './projection-lag.js';
import { writeBatch } from './write-batch.js';
import { followRequests } from './write-requests.js';

/** The log ends before what the projection has seen: it was rolled back. Nobody may serve from either before a person has decided. */
export class LogRolledBack extends Error {
  override readonly name = 'LogRolledBack';
}

/** What the projection has not seen was archived meanwhile: it has to be built anew, from the log and its archive. */
export class ProjectionOvertaken extends Error {
  override readonly name = 'ProjectionOvertaken';
}

/** What a projector works with. `log` is the one beneath any sealing: rows hold Secrets as they are stored. */
export interface ProjectorOptions {
  readonly log: EventLog;
  /** Projected beside the log's streams where it is given. The projector does not close it. */
  readonly audit?: AuditStream;
  readonly dataSource: DataSource;
  readonly logger: Logger;
  /** Told whether projecting goes on; nobody unless set. */
  readonly conditions?: Conditions;
  /** How long Kubernetes Events are kept; 30 days unless set. */
  readonly eventAgeDays?: number;
  /** Where batches are counted; nowhere unless set. */
  readonly metrics?: Metrics;
}

/** What is projected, each under a lock of its own: the number is its place. */
type Source = StreamName | 'audit';
const SOURCES: readonly Source[] = [...STREAMS, 'audit'];

const RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;
const PRUNE_EVERY_MS = 60_000;
const DAYS_OF_EVENTS = 30;

/** How long revisions of these streams are kept, as the streams themselves forget them; those of `state` for ever. */
const kept = (stream: StreamName, eventAgeDays: number): string | undefined =>
  ({ state: undefined, lease: '10 minutes', event: `${eventAgeDays + 1} days` })[stream];

/** Whether an error is one of the code or the data, which trying again would not cure. */
const isBug = (error: unknown): boolean => error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError;

/**
 * Carries the log, and the audit stream, into Postgres. One process is active for each stream, fenced by an advisory lock on the very
 * connection that writes; others stand by, and take over when that connection ends, or within five seconds of its saying nothing more
 * (`holding`).
 */
export class Projector {
  private current: Position = ORIGIN;
  private audited: Sequence = 0;
  private readonly active = new Set<StreamName>();

  constructor(private readonly options: ProjectorOptions) {}

  /** How far this process has projected, where it is active. */
  get position(): Position {
    return this.current;
  }

  /** The streams this process projects just now. */
  get streams(): readonly StreamName[] {
    return [...this.active];
  }

  /**
   * Projects until the signal aborts, through failures of log and database. Rejects with LogRolledBack, with ProjectionOvertaken,
   * and with what an event that can't be projected throws: to skip one would corrupt silently.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    try {
      const sources = this.options.audit === undefined ? STREAMS : SOURCES;
      await Promise.all(sources.map((source) => this.keepProjecting(source, both)));
    } finally {
      stop.abort();
    }
  }

  private async keepProjecting(source: Source, signal: AbortSignal): Promise<void> {
    for (let retryMs = RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
      const before = this.at(source);
      try {
        await this.project(source, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (source !== 'audit') this.refuseToGoOn(source, error);
        const said = error instanceof Error ? error.message : String(error);
        this.options.logger.warn(`projecting ${source} failed and is tried again`, { after: this.at(source), error: said });
        const reason = error instanceof EventUnreadable ? 'Unreadable' : 'Failing';
        this.say(source, { state: 'degraded', reason, message: `projecting ${source} after ${this.at(source)} fails: ${said}` });
      } finally {
        if (source !== 'audit') this.active.delete(source);
      }
      if (this.at(source) > before) retryMs = RETRY_MS;
      await pause(retryMs, signal);
    }
  }

  /** Throws where trying again would not help. The audit stream is no part of the truth: nothing of it ends a projector. */
  private refuseToGoOn(stream: StreamName, error: unknown): void {
    if (error instanceof SequenceArchived) {
      throw new ProjectionOvertaken(`${error.message}; \`decklog rebuild\` builds the projection anew, with what was archived`, {
        cause: error,
      });
    }
    if (error instanceof SequenceOutOfRange) {
      throw new LogRolledBack(`the projection has seen more than the log holds: ${error.message}`, { cause: error });
    }
    if (isBug(error)) throw new Error(`projecting ${stream} after ${this.current[stream]}`, { cause: error });
  }

  /** One turn at a source: waits for the lock, then projects until the connection or the signal ends it. */
  private project(source: Source, signal: AbortSignal): Promise<void> {
    return holding(this.options.dataSource, SOURCES.indexOf(source), signal, (session, held) =>
      source === 'audit' ? this.followAudit(session, held) : this.follow(session, source, held),
    );
  }

  private async followAudit(session: Session, signal: AbortSignal): Promise<void> {
    const { audit, logger } = this.options;
    if (audit === undefined) return;
    // Nothing may come for long: that the stream answers is enough to say that all is well again.
    await audit.bounds();
    this.say('audit', AS_EXPECTED);
    for await (const at of followRequests(session, audit, logger, signal)) {
      this.audited = at;
      this.say('audit', AS_EXPECTED);
    }
    if (signal.aborted) throw new Error('the connection to the database ended');
  }

  private async follow(session: Session, stream: StreamName, signal: AbortSignal): Promise<void> {
    const { log, logger } = this.options;
    let head = await headOf(session, stream);
    if (!head.chained) {
      logger.info(`the rows of ${stream} get their hash chain from the log`, { stream, sequence: head.sequence });
      await chainRows(log, session, stream, signal);
      head = await headOf(session, stream);
    }
    await this.carry(session, stream, head, signal);
    if (signal.aborted) throw new Error('the connection to the database ended');
  }

  private async carry(session: Session, stream: StreamName, from: Head, signal: AbortSignal): Promise<void> {
    const { log, logger, eventAgeDays = DAYS_OF_EVENTS, metrics = NO_METRICS } = this.options;
    const seconds = batchSeconds(metrics, stream);
    const keptFor = kept(stream, eventAgeDays);
    let head = from;
    this.reached(stream, head.sequence);
    this.active.add(stream);
    logger.info(`projecting ${stream}`, { stream, sequence: head.sequence });
    let pruned = performance.now();
    for await (const batch of log.read(stream, head.sequence, { signal, digests: true })) {
      const begin = performance.now();
      head = await writeBatch(session, stream, head, batch);
      seconds.observe((performance.now() - begin) / 1_000);
      this.reached(stream, head.sequence);
      if (keptFor === undefined || performance.now() - pruned < PRUNE_EVERY_MS) continue;
      await prune(session, stream, keptFor);
      pruned = performance.now();
    }
  }

  private say(source: Source, report: ConditionReport): void {
    const name = `projecting-${source}`;
    // What goes on as it should from the beginning is not spoken of.
    if (report.state !== 'ok' || this.options.conditions?.get(name) !== undefined) this.options.conditions?.report(name, report);
  }

  private at(source: Source): Sequence {
    return source === 'audit' ? this.audited : this.current[source];
  }

  private reached(stream: StreamName, sequence: Sequence): void {
    this.current = { ...this.current, [stream]: sequence };
    this.say(stream, AS_EXPECTED);
  }
}

/**
 * Forgets revisions older than the stream keeps them, but for the one that each object stands at: as of any moment that is
 * left, what is there is found. The stream's newest stays as well: the chain goes on from it. The tombstones that nothing is left
 * of go too.
 */
export async function prune(session: Session, stream: StreamName, kept: string): Promise<void> {
  await session.query(
    `delete from revision r where r.stream = $1 and r.time < now() - $2::interval
       and r.sequence < (select max(sequence) from revision where stream = $1) and (r.type = 'Deleted' or exists (
       select 1 from revision n where n.api_group = r.api_group and n.resource = r.resource
         and n.namespace = r.namespace and n.name = r.name and n.sequence > r.sequence))`,
    [stream, kept],
  );
  await session.query(
    `delete from object o where o.stream = $1 and o.deleted
       and not exists (select 1 from revision r where r.stream = o.stream and r.sequence = o.sequence)`,
    [stream],
  );
}
