import { isLost, type Lost, type Position, type Sequence, type StreamName } from '#libs/log';
import type { HistoryReader, StateView } from '#libs/runtime';
import { ExpiredList } from '../encoding/respond.js';

/** Samples taken over the length of the horizon: how exactly it is known. */
const SAMPLES = 20;

/**
 * What the standard API no longer shows: a position is expired once it has been passed for longer than the
 * horizon. The log keeps everything; this is the promise that upstream's compaction makes to its clients.
 */
export class CompactionHorizon {
  private readonly samples: { readonly at: number; readonly position: Position }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly view: StateView,
    private readonly history: HistoryReader,
    private readonly now: () => number,
    private readonly horizonMs: number,
    private readonly lostSequences: Lost = {},
  ) {}

  /** Begins to remember when which position was reached. */
  start(): void {
    this.sample();
    this.timer = setInterval(() => this.sample(), Math.max(1, this.horizonMs / SAMPLES));
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Whether a position of the stream lies beyond the horizon. */
  async expired(stream: StreamName, sequence: Sequence): Promise<boolean> {
    if (this.lost(stream, sequence)) return true;
    const limit = this.now() - this.horizonMs;
    const known = this.samples.findLast(({ at }) => at <= limit);
    if (known !== undefined) return sequence < known.position[stream];
    const [first] = this.samples;
    // This process is younger than the horizon: what was passed before its time is dated by the log.
    if (first === undefined || sequence >= first.position[stream]) return false;
    const time = await this.history.timeOf(stream, sequence).catch(() => undefined);
    return time !== undefined && time < limit;
  }

  /** Whether the position may be one of a cluster that is gone. */
  lost(stream: StreamName, sequence: Sequence): boolean {
    return isLost(this.lostSequences, stream, sequence);
  }

  private sample(): void {
    const { state, lease, event } = this.view.position;
    this.samples.push({ at: this.now(), position: { state, lease, event } });
    const limit = this.now() - this.horizonMs;
    while ((this.samples[1]?.at ?? Infinity) <= limit) this.samples.shift();
  }
}

/** 410 for an exact list beyond the horizon. */
export const expiredList = (): ExpiredList => new ExpiredList('The resourceVersion for the provided list is too old.');

/** 410 for a continue token beyond the horizon, with the token of an inconsistent continuation. */
export const expiredContinue = (token: string): ExpiredList =>
  new ExpiredList(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
    token,
  );
