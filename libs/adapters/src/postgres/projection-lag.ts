import { STREAMS, type EventLog, type Sequence, type StreamName } from '#libs/log';
import { exponentialBuckets, type Distribution, type Logger, type Metrics } from '#libs/runtime';
import { pause } from '../pause.js';

/** How far a projection is: what a Projector says of itself. */
export interface Projecting {
  readonly position: Readonly<Record<StreamName, Sequence>>;
  /** The streams that this process projects just now. */
  readonly streams: readonly StreamName[];
}

const LOOK_EVERY_MS = 2_000;
const LABELS = ['stream'] as const;

/** Events that the log has and the projection has not, and for how long there have been such. */
export interface Lag {
  readonly events: number;
  readonly seconds: number;
}

/** What is known of one stream's lag. */
export interface Seen {
  readonly events: number;
  /** When the projection was last seen to hold all that the log did. */
  readonly evenAt: number;
}

/** What is known after a look at the log's end. `now` in milliseconds. */
export const seenAt = (before: Seen | undefined, end: Sequence, position: Sequence, now: number): Seen => {
  const events = Math.max(0, end - position);
  return { events, evenAt: events === 0 ? now : (before?.evenAt ?? now) };
};

/** A stream's lag by what was seen of it. */
export const lagOf = ({ events, evenAt }: Seen, now: number): Lag => ({ events, seconds: events === 0 ? 0 : (now - evenAt) / 1_000 });

/** Watches how far behind the log a projection is, stream by stream, for as long as this process projects them. */
export class ProjectionLag {
  private readonly seen = new Map<StreamName, Seen>();

  constructor(
    private readonly log: Pick<EventLog, 'last'>,
    private readonly projector: Projecting,
    private readonly logger: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Has the lag shown; returns how to end that. */
  showIn(metrics: Metrics): () => void {
    const ask = (name: string, help: string, value: (stream: StreamName) => number | undefined): (() => void) =>
      metrics.ask({ name: `decklog_projection_${name}`, help, labels: LABELS, type: 'gauge' }, () =>
        this.projector.streams.flatMap((stream) => {
          const found = value(stream);
          return found === undefined ? [] : [{ labels: [stream], value: found }];
        }),
      );
    const lag = (stream: StreamName): Lag | undefined => {
      const seen = this.seen.get(stream);
      return seen && lagOf(seen, this.now());
    };
    const ends = [
      ask(
        'position',
        'The newest sequence of the log that the projection holds, where this process projects it.',
        (stream) => this.projector.position[stream],
      ),
      ask('lag_events', 'Messages that the log has and the projection does not yet have.', (stream) => lag(stream)?.events),
      ask(
        'lag_seconds',
        'For how long the projection has not held all that the log does; 0 while it does.',
        (stream) => lag(stream)?.seconds,
      ),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Looks at the log's end now and then, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => this.logger.debug('the projection’s lag is not known', { error: String(error) }));
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  /** Compares the projection with the log's end. What this process does not project any more is forgotten. */
  async look(): Promise<void> {
    for (const stream of STREAMS) {
      if (!this.projector.streams.includes(stream)) {
        this.seen.delete(stream);
        continue;
      }
      const end = await this.log.last(stream);
      this.seen.set(stream, seenAt(this.seen.get(stream), end, this.projector.position[stream], this.now()));
    }
  }
}

/** How long batches of the projection took, by stream. */
export const batchSeconds = (metrics: Metrics, stream: StreamName): Distribution =>
  metrics
    .histogram({
      name: 'decklog_projection_batch_duration_seconds',
      help: 'How long the projection took to write a batch of events, in one transaction.',
      labels: LABELS,
      buckets: exponentialBuckets(0.001, 2, 14),
    })
    .of(stream);
