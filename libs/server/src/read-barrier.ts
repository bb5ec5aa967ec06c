import { StatusError, tryAgainLater } from '#libs/apimachinery';
import { LogUnavailable, type EventLog, type Sequence, type StreamName } from '#libs/log';
import type { StateView } from '#libs/runtime';

interface Round {
  readonly promise: Promise<Sequence>;
  readonly resolve: (sequence: Sequence) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes reads consistent: asks the log where it ends, then waits until the cache has come that far. One question
 * to the log serves everybody who came before it was sent; at most one is in flight for each stream.
 */
export class ReadBarrier {
  private readonly asking = new Map<StreamName, Round>();
  private readonly waiting = new Map<StreamName, Round>();

  constructor(
    private readonly log: EventLog,
    private readonly view: StateView,
    private readonly timeoutMs: number,
    private readonly futureWaitMs: number,
  ) {}

  /** Resolves once the cache holds everything acknowledged before the call. 503 where the log can't be asked. */
  async latest(stream: StreamName, signal: AbortSignal): Promise<void> {
    const sequence = await this.last(stream);
    if (this.view.position[stream] >= sequence) return;
    try {
      await this.view.reached(stream, sequence, AbortSignal.any([signal, AbortSignal.timeout(this.timeoutMs)]));
    } catch (error) {
      throw signal.aborted
        ? error
        : new StatusError('Timeout', 'Timeout: the cache did not catch up with the log', { retryAfterSeconds: 1 });
    }
  }

  /** Resolves once the cache holds the sequence; one that stays in the future is 504, as upstream's. */
  async notOlderThan(stream: StreamName, sequence: Sequence, signal: AbortSignal): Promise<void> {
    if (this.view.position[stream] >= sequence) return;
    try {
      await this.view.reached(stream, sequence, AbortSignal.any([signal, AbortSignal.timeout(this.futureWaitMs)]));
    } catch (error) {
      if (signal.aborted) throw error;
      throw tooLargeVersion(sequence, this.view.position[stream]);
    }
  }

  /** The newest sequence, not older than this call. */
  private last(stream: StreamName): Promise<Sequence> {
    const queued = this.waiting.get(stream);
    if (queued !== undefined) return queued.promise;
    const round = newRound();
    this.waiting.set(stream, round);
    // Asked in the next turn, so that all requests that arrived together share it.
    if (!this.asking.has(stream)) setImmediate(() => this.ask(stream));
    return round.promise;
  }

  private ask(stream: StreamName): void {
    const round = this.waiting.get(stream);
    if (round === undefined || this.asking.has(stream)) return;
    this.waiting.delete(stream);
    this.asking.set(stream, round);
    this.log
      .last(stream)
      .then(round.resolve, (error: unknown) =>
        round.reject(error instanceof LogUnavailable ? tryAgainLater('ServiceUnavailable', 'the log is not available', 1) : error),
      )
      .finally(() => {
        this.asking.delete(stream);
        this.ask(stream);
      });
  }
}

function newRound(): Round {
  let resolve: Round['resolve'] = () => undefined;
  let reject: Round['reject'] = () => undefined;
  const promise = new Promise<Sequence>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** 504 for a resourceVersion that has not come yet (apiserver `storage.NewTooLargeResourceVersionError`). */
export const tooLargeVersion = (sequence: Sequence, current: Sequence): StatusError =>
  new StatusError('Timeout', `Timeout: Too large resource version: ${sequence}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
