import { Counter, register } from 'prom-client';
import type { AuditEntry, AuditStream } from '#libs/log';
import type { Logger, World } from '#libs/runtime';
import { auditEntryOf, auditKindOf, isAnonymous, type AuditedEnd, type AuditedRequest } from './auditable.js';
import { AuditLimiter } from './limiter.js';

const MAX_QUEUED = 4_096;
const MAX_BATCH = 256;
const FLUSH_MS = 1_000;
const SAY_MS = 30_000;
/** How long a server that ends waits for its last entries. */
const LAST_MS = 2_000;

type Outcome = 'stored' | 'dropped' | 'counted';

function counter(): Counter<'outcome'> {
  const name = 'decklog_audit_entries_total';
  const known = register.getSingleMetric(name) as Counter<'outcome'> | undefined;
  const help = 'Requests for the audit stream, by what became of them: stored, counted with others alike, or dropped.';
  return known ?? new Counter({ name, help, labelNames: ['outcome'] });
}

/**
 * Writes what is auditable to the audit stream, in batches, beside the requests: it never makes one wait or fail. Where
 * the stream does not take entries as fast as they come, some are dropped, counted and said.
 */
export class AuditRecorder {
  private readonly limiter = new AuditLimiter();
  private readonly entries = counter();
  private queue: AuditEntry[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private dropped = 0;
  private said = -Infinity;

  constructor(
    private readonly stream: AuditStream,
    private readonly world: Pick<World, 'now'>,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.tick(), FLUSH_MS).unref();
  }

  /** Records a request where it is to be; `end` absent: one that is beginning and may last. */
  record(request: AuditedRequest, end: AuditedEnd | undefined): void {
    const kind = auditKindOf(request.info, request.user, end?.code) ?? (end?.annotated === undefined ? undefined : 'annotated');
    if (kind === undefined) return;
    const entry = auditEntryOf(kind, request, end);
    if (!this.limiter.admit(entry, isAnonymous(request.user))) {
      this.count('counted', 1);
      return;
    }
    this.enqueue([entry]);
    if (this.queue.length >= MAX_BATCH) void this.flush();
  }

  /** Stores what is left, for as long as that does not take too long. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.enqueue(this.limiter.drain(this.world.now(), true));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LAST_MS)));
    await Promise.race([this.flush().then(() => this.flush()), late]);
    clearTimeout(timer);
  }

  /** Stores what is queued now; resolves when it is stored or was given up for now. */
  flush(): Promise<void> {
    this.flushing ??= this.store().finally(() => (this.flushing = undefined));
    return this.flushing;
  }

  private tick(): void {
    this.enqueue(this.limiter.drain(this.world.now()));
    if (this.queue.length > 0) void this.flush();
    if (this.dropped === 0 || this.world.now() - this.said < SAY_MS) return;
    this.logger.warn('audit entries were dropped', { dropped: this.dropped });
    this.said = this.world.now();
    this.dropped = 0;
  }

  private enqueue(entries: readonly AuditEntry[]): void {
    const room = MAX_QUEUED - this.queue.length;
    this.queue.push(...entries.slice(0, room));
    if (entries.length > room) this.drop(entries.length - room);
  }

  private async store(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, MAX_BATCH);
      try {
        await this.stream.append(batch);
      } catch (error) {
        this.logger.debug('audit entries could not be stored', { error: error instanceof Error ? error.message : String(error) });
        return;
      }
      this.queue = this.queue.slice(batch.length);
      this.count('stored', batch.length);
    }
  }

  private drop(many: number): void {
    this.dropped += many;
    this.count('dropped', many);
  }

  private count(outcome: Outcome, many: number): void {
    this.entries.inc({ outcome }, many);
  }
}
