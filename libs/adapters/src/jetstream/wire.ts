import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection, Subscription } from 'nats';
import { connect, createInbox, Events } from 'nats';

/** No answer came: the server may or may not have done what was asked. */
export class AnswerLost extends Error {
  override readonly name = 'AnswerLost';
}

interface Waiting {
  readonly deadline: number;
  /** Takes one answer; true when it was the last. */
  readonly take: (message: Msg) => boolean;
  readonly fail: (error: AnswerLost) => void;
}

const SWEEP_MS = 250;
const encoder = new TextEncoder();

/** JSON as the JetStream API takes it. */
export const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

/** A block of headers that is bytes already. The client encodes headers through this one method alone. */
const encoded = (block: Uint8Array): MsgHdrs => ({ encode: () => block }) as unknown as MsgHdrs;

/** A server that was gone to is given so much time to find the others. */
const STAY_MS = 3_000;
/** A leader that died is followed by another within this, most often. */
const UNANSWERED_MS = 5_000;
/** Nobody is there who answers for what was asked. */
const NO_RESPONDERS = 503;
/** One server that is slow is waited for. */
const ALONE_MS = 5_000;
/** Of several, what one that died was asked is lost: the next leads by then, and has to be asked. */
const ONE_OF_SEVERAL_MS = 1_500;

/** How long one answer of the log is waited for; whoever asked then looks whether it happened, and asks again. */
export const answerWithinMs = (replicas: number): number => (replicas > 1 ? ONE_OF_SEVERAL_MS : ALONE_MS);

/**
 * A connection with a reply inbox of its own: one wildcard subscription and a number per request, no timer and no stack
 * trace each (a fourth of the CPU of the client's own requests). Requests that are open when the connection breaks
 * fail with AnswerLost.
 */
export class Wire {
  private readonly inbox = createInbox();
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Set<() => void>();
  private readonly sweeper: NodeJS.Timeout;
  private next = 0;
  private left = -Infinity;
  private unansweredSince: number | undefined;
  connected = true;
  closed = false;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly several: boolean,
  ) {
    connection.subscribe(`${this.inbox}.*`, { callback: (_error, message) => this.answer(message) });
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref();
    void this.follow();
  }

  /** Connects, and reconnects for ever once it has been connected. Throws where the first attempt fails. */
  static async open(options: ConnectionOptions): Promise<Wire> {
    const connection = await connect({
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      noAsyncTraces: true,
      ...options,
    });
    return new Wire(connection, Array.isArray(options.servers) && options.servers.length > 1);
  }

  get server(): { readonly id: string; readonly version: string; readonly maxPayload: number } {
    const info = this.connection.info;
    return { id: info?.server_id ?? '', version: info?.version ?? '0', maxPayload: info?.max_payload ?? 0 };
  }

  /** Leaves a server that does not belong to the others any more: connects to the next one, if there is one. Not again and again. */
  elsewhere(): void {
    const now = performance.now();
    if (this.closed || !this.connected || now - this.left < STAY_MS) return;
    this.left = now;
    // It breaks the connection, which then comes back as after any other break.
    void this.connection.reconnect().catch(() => undefined);
  }

  /**
   * No server answered for a stream: where that lasts, and there are several, it may be the one that this is connected to, which is cut
   * off from the others. What gets no answer at all is counted here; what is answered without being so, by whoever can tell.
   */
  unanswered(): void {
    const now = performance.now();
    this.unansweredSince ??= now;
    if (this.several && now - this.unansweredSince > UNANSWERED_MS) this.elsewhere();
  }

  /** One did that leads it. */
  answered(): void {
    this.unansweredSince = undefined;
  }

  publish(subject: string, payload: Uint8Array, headers?: Uint8Array): void {
    this.connection.publish(subject, payload, headers ? { headers: encoded(headers) } : {});
  }

  /** One answer. Rejects with AnswerLost after `timeoutMs`, and when the connection breaks. */
  request(subject: string, payload: Uint8Array, timeoutMs: number, headers?: Uint8Array): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const take = (message: Msg): boolean => {
        resolve(message);
        return true;
      };
      this.ask(subject, payload, timeoutMs, { take, fail: reject }, headers);
    });
  }

  /** Many answers, up to the first without a body but with a status, which is the last of the array. */
  requestMany(subject: string, payload: Uint8Array, timeoutMs: number): Promise<readonly Msg[]> {
    return new Promise((resolve, reject) => {
      const messages: Msg[] = [];
      const take = (message: Msg): boolean => {
        messages.push(message);
        const last = message.data.length === 0 && (message.headers?.code ?? 0) !== 0;
        if (last) resolve(messages);
        return last;
      };
      this.ask(subject, payload, timeoutMs, { take, fail: reject });
    });
  }

  /** Whatever arrives at an inbox of its own. `pull` publishes with that inbox as the reply. */
  listen(callback: (message: Msg) => void): {
    readonly inbox: string;
    readonly pull: (subject: string, payload: Uint8Array) => void;
    readonly stop: () => void;
  } {
    const inbox = createInbox();
    const subscription: Subscription = this.connection.subscribe(inbox, { callback: (_error, message) => callback(message) });
    return {
      inbox,
      pull: (subject, payload) => this.connection.publish(subject, payload, { reply: inbox }),
      stop: () => {
        if (!this.closed) subscription.unsubscribe();
      },
    };
  }

  /** Called whenever the connection breaks, comes back or closes; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves at the next change of the connection, when the signal aborts, or after `timeoutMs`. */
  changed(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        stop();
        resolve();
      };
      const stop = this.onChange(done);
      const timer = setTimeout(done, timeoutMs);
      signal?.addEventListener('abort', done);
      if (signal?.aborted) done();
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.sweeper);
    this.loseAll('the log is closed');
    this.notify();
    await this.connection.close();
  }

  private ask(
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    { take, fail }: Pick<Waiting, 'take' | 'fail'>,
    headers?: Uint8Array,
  ): void {
    if (this.closed || !this.connected) {
      fail(new AnswerLost(this.closed ? 'the log is closed' : 'the log is not connected'));
      return;
    }
    const number = this.next++;
    const reply = `${this.inbox}.${number}`;
    this.waiting.set(number, { deadline: performance.now() + timeoutMs, take, fail });
    try {
      this.connection.publish(subject, payload, headers ? { reply, headers: encoded(headers) } : { reply });
    } catch (error) {
      this.waiting.delete(number);
      fail(new AnswerLost('publishing', { cause: error }));
    }
  }

  private answer(message: Msg): void {
    const number = Number(message.subject.slice(this.inbox.length + 1));
    if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) this.unanswered();
    if (this.waiting.get(number)?.take(message)) this.waiting.delete(number);
  }

  private sweep(): void {
    const now = performance.now();
    for (const [number, { deadline, fail }] of this.waiting) {
      if (deadline > now) continue;
      this.waiting.delete(number);
      this.unanswered();
      fail(new AnswerLost('no answer in time'));
    }
  }

  private loseAll(why: string): void {
    const lost = [...this.waiting.values()];
    this.waiting.clear();
    for (const { fail } of lost) fail(new AnswerLost(why));
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private async follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === Events.Disconnect) {
        this.connected = false;
        this.loseAll('the connection broke');
      } else if (type === Events.Reconnect) this.connected = true;
      else continue;
      this.notify();
    }
  }
}
