import { exponentialBuckets, type Count, type Distribution, type Metrics } from '../metrics.js';

/** Who is told what a queue's keys go through. */
export interface QueueMeter {
  /** The key waits, and did not before. */
  added(key: string): void;
  /** The key waits no more, and is not worked on. */
  dropped(key: string): void;
  /** The key is worked on. */
  taken(key: string): void;
  done(key: string): void;
  /** The key is to come again because it failed. */
  retried(): void;
}

/** What became of a key that was worked on. */
export type ReconcileOutcome = 'done' | 'gone' | 'raced' | 'fenced' | 'refused' | 'failed';

/** Upstream's (client-go `workqueue`). */
const BUCKETS = exponentialBuckets(1e-8, 10, 12);
const LABELS = ['name'] as const;

/** A controller's queue under the names of client-go's, and what its reconciles came to. */
export class QueueMetrics implements QueueMeter {
  readonly #name: string;
  readonly #now: () => number;
  readonly #waiting = new Map<string, number>();
  readonly #working = new Map<string, number>();
  readonly #adds: Count;
  readonly #retries: Count;
  readonly #waits: Distribution;
  readonly #works: Distribution;
  readonly #outcomes: Readonly<Record<ReconcileOutcome, Count>>;
  readonly #ends: readonly (() => void)[];

  /** `now`: in milliseconds, from anywhere on. */
  constructor(metrics: Metrics, name: string, now: () => number = () => performance.now()) {
    this.#name = name;
    this.#now = now;
    this.#adds = metrics
      .counter({ name: 'workqueue_adds_total', help: 'Total number of adds handled by workqueue', labels: LABELS })
      .of(name);
    this.#retries = metrics
      .counter({ name: 'workqueue_retries_total', help: 'Total number of retries handled by workqueue', labels: LABELS })
      .of(name);
    this.#waits = metrics
      .histogram({
        name: 'workqueue_queue_duration_seconds',
        help: 'How long in seconds an item stays in workqueue before being requested.',
        labels: LABELS,
        buckets: BUCKETS,
      })
      .of(name);
    this.#works = metrics
      .histogram({
        name: 'workqueue_work_duration_seconds',
        help: 'How long in seconds processing an item from workqueue takes.',
        labels: LABELS,
        buckets: BUCKETS,
      })
      .of(name);
    const reconciles = metrics.counter({
      name: 'decklog_reconciles_total',
      help: 'Keys that a controller worked on, by outcome; raced: somebody else wrote first, fenced: the work is another replica’s.',
      labels: ['controller', 'outcome'],
    });
    const outcome = (of: ReconcileOutcome): Count => reconciles.of(name, of);
    this.#outcomes = {
      done: outcome('done'),
      gone: outcome('gone'),
      raced: outcome('raced'),
      fenced: outcome('fenced'),
      refused: outcome('refused'),
      failed: outcome('failed'),
    };
    this.#ends = this.#asked(metrics);
  }

  added(key: string): void {
    this.#adds.add();
    this.#waiting.set(key, this.#now());
  }

  dropped(key: string): void {
    this.#waiting.delete(key);
  }

  taken(key: string): void {
    const now = this.#now();
    this.#waits.observe((now - (this.#waiting.get(key) ?? now)) / 1_000);
    this.#waiting.delete(key);
    this.#working.set(key, now);
  }

  done(key: string): void {
    const now = this.#now();
    this.#works.observe((now - (this.#working.get(key) ?? now)) / 1_000);
    this.#working.delete(key);
  }

  retried(): void {
    this.#retries.add();
  }

  came(outcome: ReconcileOutcome): void {
    this.#outcomes[outcome].add();
  }

  /** Nothing more is said of this queue. */
  close(): void {
    for (const end of this.#ends) end();
  }

  #asked(metrics: Metrics): readonly (() => void)[] {
    const ask = (name: string, help: string, value: () => number): (() => void) =>
      metrics.ask({ name, help, labels: LABELS, type: 'gauge' }, () => [{ labels: [this.#name], value: value() }]);
    const ages = (): readonly number[] => [...this.#working.values()].map((since) => (this.#now() - since) / 1_000);
    return [
      ask('workqueue_depth', 'Current depth of workqueue', () => this.#waiting.size),
      ask(
        'workqueue_unfinished_work_seconds',
        'How many seconds of work has done that is in progress and hasn’t been observed by work_duration.',
        () => ages().reduce((sum, age) => sum + age, 0),
      ),
      ask(
        'workqueue_longest_running_processor_seconds',
        'How many seconds has the longest running processor for workqueue been running.',
        () => Math.max(0, ...ages()),
      ),
    ];
  }
}
