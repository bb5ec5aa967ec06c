import { randomUUID } from 'node:crypto';
import type { Msg } from 'nats';
import type { Sequence } from '#libs/log';
import { headersOf } from './message.js';
import type { Wire } from './wire.js';
import { AnswerLost, json } from './wire.js';

/** Messages asked for and not yet handed on: bounds what a slow reader holds. */
const WINDOW = 1_024;
const WINDOW_BYTES = 16 * 1024 * 1024;
/** A consumer that has nothing to give says so this often. */
const HEARTBEAT_MS = 5_000;
/** Where its server may die and others live. */
const ONE_OF_SEVERAL_HEARTBEAT_MS = 1_000;
const EXPIRES_MS = 30_000;
/** Without a sign of life for so many heartbeats, the consumer is taken to be gone. */
const SILENT_BEATS = 2.5;
const INACTIVE_NS = 60e9;
const TIMEOUT_MS = 5_000;

const ns = (ms: number): number => ms * 1e6;

interface ConsumerAnswer {
  readonly num_pending?: number;
  /** Of several servers: the one that the consumer reads at. */
  readonly cluster?: { readonly leader?: string };
  readonly error?: { readonly description: string };
}

/** What a new consumer begins with. */
export interface Created {
  /** How many messages are left for it. */
  readonly pending: number;
  readonly server: string | undefined;
}

/** One ephemeral consumer and the pulls on it. */
export class Session {
  /** The stream's last sequence when the session began. */
  last: Sequence = 0;
  /** Where there are copies: what has to have come before nothing is left up to `last`, since a copy may be behind. */
  newest: Sequence = 0;
  /** The server sends a selection only. */
  filtered = false;
  /** The server whose copy of the stream it reads; undefined where there is but one. */
  server: string | undefined;
  /** How many messages are left for it, as the server counted when it last gave one. */
  pending = 0;
  readonly heartbeatMs: number;
  private readonly name = randomUUID();
  private readonly inbox: ReturnType<Wire['listen']>;
  private consumed = 0;
  private outstanding = 0;
  private buffered = 0;
  private heard = performance.now();

  constructor(
    private readonly wire: Wire,
    private readonly streamName: string,
    take: (message: Msg) => void,
    copies: number,
  ) {
    this.heartbeatMs = copies > 1 ? ONE_OF_SEVERAL_HEARTBEAT_MS : HEARTBEAT_MS;
    this.inbox = wire.listen(take);
  }

  /** Makes the consumer. */
  async create(after: Sequence, subjects: readonly string[] | undefined): Promise<Created> {
    const config = {
      name: this.name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: after + 1,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_NS,
      ...(subjects ? { filter_subjects: subjects } : {}),
    };
    const asked = json({ stream_name: this.streamName, config, action: 'create' });
    const message = await this.wire.request(`$JS.API.CONSUMER.CREATE.${this.streamName}.${this.name}`, asked, TIMEOUT_MS);
    if (message.data.length === 0) throw new AnswerLost(`status ${message.headers?.code ?? 'unknown'} of JetStream`);
    const { error, num_pending: pending = 0, cluster } = message.json<ConsumerAnswer>();
    if (error) throw new AnswerLost(`creating a consumer: ${error.description}`);
    this.heard = performance.now();
    this.server = cluster?.leader;
    return { pending, server: this.server };
  }

  /** Keeps the window filled: asks for more once half of it is free. */
  pull(): void {
    const free = WINDOW - this.outstanding - this.buffered;
    if (free < WINDOW / 2) return;
    this.outstanding += free;
    const asked = { batch: free, max_bytes: WINDOW_BYTES, expires: ns(EXPIRES_MS), idle_heartbeat: ns(this.heartbeatMs) };
    this.inbox.pull(`$JS.API.CONSUMER.MSG.NEXT.${this.streamName}.${this.name}`, json(asked));
  }

  /** Counts a message; false where the consumer has sent one that did not arrive. */
  next(consumed: number): boolean {
    this.heard = performance.now();
    this.outstanding--;
    this.buffered++;
    return consumed === ++this.consumed;
  }

  /** Counts a message that nobody waits for. */
  passOver(consumed: number): boolean {
    const isNext = this.next(consumed);
    this.buffered--;
    return isNext;
  }

  /** What was buffered has been handed on. */
  freed(): void {
    this.buffered = 0;
  }

  /** Takes a message without an event: a heartbeat, or the end of a pull. False where the consumer is gone. */
  status(message: Msg): boolean {
    this.heard = performance.now();
    const headers = headersOf(message);
    switch (message.headers?.code) {
      case 100:
        return Number(headers.get('Nats-Last-Consumer') ?? this.consumed) <= this.consumed;
      case 404:
      case 408:
      case 409: {
        const pending = headers.get('Nats-Pending-Messages');
        this.outstanding -= Number(pending ?? 0);
        return pending !== undefined;
      }
      case undefined:
      default:
        return false;
    }
  }

  silent(): boolean {
    return this.outstanding > 0 && performance.now() - this.heard > SILENT_BEATS * this.heartbeatMs;
  }

  stop(): void {
    this.inbox.stop();
    if (this.wire.connected && !this.wire.closed)
      this.wire.publish(`$JS.API.CONSUMER.DELETE.${this.streamName}.${this.name}`, new Uint8Array());
  }
}
