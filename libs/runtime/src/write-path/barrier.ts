import type { EventLog, Sequence, StreamName } from '#libs/log';
import type { StateView } from '../ports.js';

/** One question to the log in flight, and the next one, which will serve all who came after the first was sent. */
interface Asking {
  readonly current: Promise<Sequence>;
  next: Promise<Sequence> | undefined;
}

/**
 * Makes reads current: whoever passes sees every write that was acknowledged before. One question to the log
 * serves all who asked before it was sent, so that many readers cost one round trip at a time.
 */
export class ReadBarrier {
  readonly #asking = new Map<StreamName, Asking>();

  constructor(
    private readonly log: Pick<EventLog, 'last'>,
    private readonly view: Pick<StateView, 'reached'>,
  ) {}

  /** Resolves with the stream's last sequence, once the view has reached it. Rejects as `EventLog.last` or with the signal's reason. */
  async pass(stream: StreamName, signal?: AbortSignal): Promise<Sequence> {
    const last = await this.last(stream);
    await this.view.reached(stream, last, signal);
    return last;
  }

  /** Where the stream ends. A question already on its way may have been answered before this caller came: it waits for the next. */
  last(stream: StreamName): Promise<Sequence> {
    const asking = this.#asking.get(stream);
    if (!asking) return this.#ask(stream);
    asking.next ??= asking.current.then(
      () => this.#ask(stream),
      () => this.#ask(stream),
    );
    return asking.next;
  }

  #ask(stream: StreamName): Promise<Sequence> {
    const current = this.log.last(stream);
    const asking: Asking = { current, next: undefined };
    this.#asking.set(stream, asking);
    const done = (): void => {
      if (asking.next === undefined) this.#asking.delete(stream);
    };
    current.then(done, done);
    return current;
  }
}
