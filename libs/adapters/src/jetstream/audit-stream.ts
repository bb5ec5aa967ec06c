import type { ConnectionOptions, Msg } from 'nats';
import type { AuditBatch, AuditEntry, AuditReadOptions, AuditStream, Sequence } from '#libs/log';
import { auditSubject, LogUnavailable } from '#libs/log';
import { boundsOf } from './lookups.js';
import { headersOf } from './message.js';
import { serverOptions } from './server-url.js';
import { applyStream, compressionOf, MAX_MESSAGE, WrongLogSettings } from './stream-settings.js';
import { AnswerLost, json, Wire } from './wire.js';

/** Where the audit stream is, and how much it keeps. */
export interface AuditOptions {
  readonly url: string;
  readonly cluster: string;
  readonly name?: string;
  readonly replicas?: number;
  /** The oldest entries go beyond this; 256 MiB unless set. */
  readonly maxBytes?: number;
  /** Entries older than this go; 30 days unless set. */
  readonly maxAgeMs?: number;
  /** Reads only: the stream is neither made nor changed. */
  readonly readOnly?: boolean;
  readonly connection?: ConnectionOptions;
}

const DAY_MS = 24 * 3_600_000;
const TIMEOUT_MS = 5_000;
const BATCH = 64;
const FOLLOW_MS = 500;

/** The name of a cluster's audit stream. */
export const auditStreamName = (cluster: string): string => `decklog_${cluster}_audit`;

/** What the audit stream is made with: bounded by age and size, the oldest forgotten first. */
export const auditSettings = ({ cluster, replicas = 1, maxBytes = 256 * 1024 * 1024, maxAgeMs = 30 * DAY_MS }: AuditOptions): object => ({
  name: auditStreamName(cluster),
  subjects: [auditSubject(cluster)],
  storage: 'file',
  retention: 'limits',
  discard: 'old',
  max_bytes: maxBytes,
  max_age: maxAgeMs * 1e6,
  max_msg_size: MAX_MESSAGE,
  num_replicas: replicas,
  compression: compressionOf(replicas),
  allow_direct: true,
});

/** The audit stream on NATS JetStream: a message holds what one writer had gathered. */
class JetStreamAudit implements AuditStream {
  constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
  ) {}

  async append(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      const answer = await this.wire.request(auditSubject(this.cluster), json(entries), TIMEOUT_MS);
      const stored =
        answer.data.length > 0 ? answer.json<{ readonly seq?: number; readonly error?: { readonly description: string } }>() : {};
      if (stored.seq === undefined) throw new AnswerLost(stored.error?.description ?? 'the audit stream is not there');
      this.wire.answered();
    } catch (error) {
      if (error instanceof AnswerLost) throw new LogUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  async *read({ since, after = 0, follow = false, signal }: AuditReadOptions = {}): AsyncGenerator<AuditBatch> {
    let next: object = since === undefined ? { seq: after + 1 } : { start_time: new Date(since).toISOString() };
    while (!signal?.aborted) {
      const { batches, ended } = this.taken(await this.ask(next));
      for (const batch of batches) {
        if (signal?.aborted) return;
        yield batch;
      }
      const last = batches.at(-1);
      if (last !== undefined) next = { seq: last.sequence + 1 };
      if (!ended) continue;
      if (!follow) return;
      await this.wire.changed(FOLLOW_MS, signal);
    }
  }

  async bounds(): Promise<{ readonly first: Sequence; readonly last: Sequence }> {
    try {
      const { first, last } = await boundsOf(this.wire, auditStreamName(this.cluster));
      return { first, last };
    } catch (error) {
      if (error instanceof AnswerLost) throw new LogUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  close(): Promise<void> {
    return this.wire.close();
  }

  private async ask(from: object): Promise<readonly Msg[]> {
    try {
      return await this.wire.requestMany(
        `$JS.API.DIRECT.GET.${auditStreamName(this.cluster)}`,
        json({ ...from, batch: BATCH, next_by_subj: auditSubject(this.cluster) }),
        TIMEOUT_MS,
      );
    } catch (error) {
      if (error instanceof AnswerLost) throw new LogUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  /** The batches of an answer; `ended` where the stream has no more of them just now. */
  private taken(messages: readonly Msg[]): { readonly batches: readonly AuditBatch[]; readonly ended: boolean } {
    const batches: AuditBatch[] = [];
    let pending = 0;
    for (const message of messages) {
      const headers = headersOf(message);
      const code = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
      if (code === 503) throw new LogUnavailable('the audit stream is not there');
      if (code !== 0) break;
      pending = Number(headers.get('Nats-Num-Pending') ?? 0);
      batches.push({ sequence: Number(headers.get('Nats-Sequence')), entries: message.json<readonly AuditEntry[]>() });
    }
    return { batches, ended: pending === 0 };
  }
}

/** Connects to a cluster's audit stream; makes it, or brings its limits to what is asked for. */
export async function connectAudit(options: AuditOptions): Promise<AuditStream> {
  const wire = await Wire.open({ ...serverOptions(options.url), name: options.name ?? 'decklog-audit', ...options.connection });
  try {
    if (options.readOnly !== true) await applyStream(wire, auditStreamName(options.cluster), auditSettings(options));
  } catch (error) {
    await wire.close();
    throw error instanceof AnswerLost ? new WrongLogSettings(error.message, { cause: error }) : error;
  }
  return new JetStreamAudit(wire, options.cluster);
}
