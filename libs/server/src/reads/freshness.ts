import { StatusError, tryAgainLater } from '#libs/apimachinery';
import { LogUnavailable, type EventLog, type Sequence, type StreamName } from '#libs/log';
import { ReadBarrier } from '#libs/runtime';

/** Something that follows the log: the cache, or the projection. */
export interface Follower {
  /** What it is, in the words of a refusal. */
  readonly name: string;
  /** A position it has certainly reached, without asking anybody. */
  known(stream: StreamName): Sequence;
  /** Resolves once it has reached the sequence. Rejects with the signal's reason, and with a StatusError where it can't tell. */
  reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void>;
  /** Where it stands. */
  position(stream: StreamName): Promise<Sequence>;
}

/** Makes a read wait until what answers it is as new as the client demands, and refuses it where that takes too long. */
export class Freshness {
  private readonly barrier: ReadBarrier;

  constructor(
    log: EventLog,
    private readonly follower: Follower,
    private readonly timeoutMs: number,
    private readonly futureWaitMs: number,
  ) {
    this.barrier = new ReadBarrier(log, follower);
  }

  /** Resolves with the log's last sequence once everything acknowledged before the call is held. 503 where the log can't be asked. */
  async latest(stream: StreamName, signal: AbortSignal): Promise<Sequence> {
    const last = await this.last(stream);
    if (this.follower.known(stream) >= last) return last;
    const [patience, done] = patienceOf(signal, this.timeoutMs);
    try {
      await this.follower.reached(stream, last, patience);
      return last;
    } catch (error) {
      if (signal.aborted || !patience.aborted) throw error;
      throw new StatusError('Timeout', `Timeout: the ${this.follower.name} did not catch up with the log`, { retryAfterSeconds: 1 });
    } finally {
      done();
    }
  }

  /** Where the log ends. It has its own patience with whoever does not answer. */
  private async last(stream: StreamName): Promise<Sequence> {
    try {
      return await this.barrier.last(stream);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      throw tryAgainLater('ServiceUnavailable', 'the event log is unavailable, please try again later', 1);
    }
  }

  /** Resolves once the sequence is held; one that stays in the future is 504, as upstream's. */
  async notOlderThan(stream: StreamName, sequence: Sequence, signal: AbortSignal): Promise<void> {
    if (this.follower.known(stream) >= sequence) return;
    const [patience, done] = patienceOf(signal, this.futureWaitMs);
    try {
      await this.follower.reached(stream, sequence, patience);
    } catch (error) {
      if (signal.aborted || error instanceof StatusError) throw error;
      // It may have come just now, or the answer that it was there took longer than the patience.
      const current = await this.follower.position(stream);
      if (current < sequence) throw tooLargeVersion(sequence, current);
    } finally {
      done();
    }
  }
}

/** A signal that follows another and aborts by itself after a time, and how to let go of it: cheaper than `AbortSignal.any`. */
function patienceOf(signal: AbortSignal, ms: number): [AbortSignal, () => void] {
  const own = new AbortController();
  const follow = (): void => own.abort(signal.reason);
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  const timer = setTimeout(() => own.abort(new Error('it takes too long')), ms);
  return [
    own.signal,
    () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  ];
}

/** 504 for a resourceVersion that has not come yet (apiserver `storage.NewTooLargeResourceVersionError`). */
export const tooLargeVersion = (sequence: Sequence, current: Sequence): StatusError =>
  new StatusError('Timeout', `Timeout: Too large resource version: ${sequence}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
