import type { StreamName } from '#libs/log';
import { exponentialBuckets, type Count, type Distribution, type Metrics } from '#libs/runtime';

/** From a millisecond on, doubled. */
const SECONDS = exponentialBuckets(0.001, 2, 14);
const WRITES = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;
const LABELS = ['stream'] as const;

/** What an appender counts of its stream: what it sends, not what it is asked for, so that a write costs nothing more. */
export class AppendMetrics {
  private readonly seconds: Distribution;
  private readonly writes: Distribution;
  private readonly conflicts: Count;
  private readonly refused: Count;
  private readonly lost: Count;

  constructor(
    private readonly metrics: Metrics,
    private readonly stream: StreamName,
  ) {
    this.seconds = metrics
      .histogram({
        name: 'decklog_log_append_duration_seconds',
        help: 'How long the log took to store a message or an atomic batch, from when it was sent.',
        labels: LABELS,
        buckets: SECONDS,
      })
      .of(stream);
    this.writes = metrics
      .histogram({
        name: 'decklog_log_append_batch_writes',
        help: 'How many writes were stored together, in one atomic batch or alone.',
        labels: LABELS,
        buckets: WRITES,
      })
      .of(stream);
    const unstored = metrics.counter({
      name: 'decklog_log_append_failures_total',
      help: 'Messages and batches that were not stored as sent: conflict (a subject or a guard had moved), refused by the server, lost (no answer).',
      labels: [...LABELS, 'reason'],
    });
    this.conflicts = unstored.of(stream, 'conflict');
    this.refused = unstored.of(stream, 'refused');
    this.lost = unstored.of(stream, 'lost');
  }

  /** Tells how many appends wait, whenever somebody looks. Returns how to end that. */
  waiting(count: () => number): () => void {
    const description = {
      name: 'decklog_log_append_queue',
      help: 'Appends that wait to be stored, those being sent included.',
      labels: LABELS,
      type: 'gauge',
    } as const;
    return this.metrics.ask(description, () => [{ labels: [this.stream], value: count() }]);
  }

  stored(writes: number, ms: number): void {
    this.seconds.observe(ms / 1_000);
    this.writes.observe(writes);
  }

  unstored(kind: 'conflict' | 'refused' | 'lost'): void {
    const counts = { conflict: this.conflicts, refused: this.refused, lost: this.lost };
    counts[kind].add();
  }
}
