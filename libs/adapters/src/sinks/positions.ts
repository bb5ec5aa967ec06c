import type { ConnectionOptions } from 'nats';
import type { Sequence } from '#libs/log';
import { LogUnavailable } from '#libs/log';
import { headersOf } from '../jetstream/message.js';
import { serverOptions } from '../jetstream/server-url.js';
import { applyStream, WrongLogSettings } from '../jetstream/stream-settings.js';
import { AnswerLost, json, Wire } from '../jetstream/wire.js';

/** How far a sink has come: everything up to these is delivered. */
export interface SinkPosition {
  /** In the stream `state`. */
  readonly state: Sequence;
  /** In the audit stream. */
  readonly audit: Sequence;
}

/** Where the positions of a cluster's sinks are kept. */
export interface SinkPositionsOptions {
  readonly url: string;
  readonly cluster: string;
  readonly replicas?: number;
  /** Reads only: the stream is not made. */
  readonly readOnly?: boolean;
  readonly connection?: ConnectionOptions;
}

const TIMEOUT_MS = 5_000;
const nameOf = (cluster: string): string => `decklog_${cluster}_sink`;

/** Positions of sinks, durable, on the log's own server: the newest of each. */
export class SinkPositions {
  private constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
  ) {}

  /** Connects, and makes the stream where there is none. */
  static async connect({ url, cluster, replicas = 1, readOnly, connection }: SinkPositionsOptions): Promise<SinkPositions> {
    const wire = await Wire.open({ ...serverOptions(url), name: 'decklog-sinks', ...connection });
    try {
      const settings = {
        name: nameOf(cluster),
        subjects: [`decklog.${cluster}.sink.*`],
        storage: 'file',
        retention: 'limits',
        max_msgs_per_subject: 1,
        num_replicas: replicas,
        allow_direct: true,
      };
      if (readOnly !== true) await applyStream(wire, nameOf(cluster), settings);
    } catch (error) {
      await wire.close();
      throw error instanceof AnswerLost ? new WrongLogSettings(error.message, { cause: error }) : error;
    }
    return new SinkPositions(wire, cluster);
  }

  /** Where a sink stands; undefined: it has delivered nothing yet. */
  async get(sink: string): Promise<SinkPosition | undefined> {
    const asked = json({ last_by_subj: this.subject(sink) });
    const message = await this.patient(() => this.wire.request(`$JS.API.DIRECT.GET.${nameOf(this.cluster)}`, asked, TIMEOUT_MS));
    if (message.data.length === 0 || headersOf(message).get('Nats-Sequence') === undefined) return undefined;
    return message.json<SinkPosition>();
  }

  /** Keeps where a sink stands; on disk before it resolves. Throws LogUnavailable where it can't. */
  async put(sink: string, position: SinkPosition): Promise<void> {
    const answer = await this.patient(() => this.wire.request(this.subject(sink), json(position), TIMEOUT_MS));
    const { seq } = answer.data.length > 0 ? answer.json<{ readonly seq?: number }>() : {};
    if (seq === undefined) throw new LogUnavailable('the positions of sinks can not be kept');
  }

  close(): Promise<void> {
    return this.wire.close();
  }

  private subject(sink: string): string {
    return `decklog.${this.cluster}.sink.${sink}`;
  }

  private async patient<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof AnswerLost ? new LogUnavailable(error.message, { cause: error }) : error;
    }
  }
}
