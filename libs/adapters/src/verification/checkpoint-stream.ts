import type { ConnectionOptions } from 'nats';
import { checkpointLine, checkpointSubject, LogUnavailable, parseCheckpoint, type Sequence, type SignedCheckpoint } from '#libs/log';
import { headerBlock, headersOf } from '../jetstream/message.js';
import { serverOptions } from '../jetstream/server-url.js';
import { applyStream, compressionOf, MAX_MESSAGE, WrongLogSettings } from '../jetstream/stream-settings.js';
import { AnswerLost, json, Wire } from '../jetstream/wire.js';

/** Where a cluster's checkpoints are kept. */
export interface CheckpointStreamOptions {
  readonly url: string;
  readonly cluster: string;
  readonly name?: string;
  readonly replicas?: number;
  /** Reads only: the stream is not made. */
  readonly readOnly?: boolean;
  readonly connection?: ConnectionOptions;
}

const TIMEOUT_MS = 5_000;
const BATCH = 256;

const nameOf = (cluster: string): string => `decklog_${cluster}_checkpoint`;

/** Signed checkpoints in a stream of their own, beside those that they speak of. */
export class CheckpointStream {
  private constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
  ) {}

  /** Connects, and makes the stream where there is none. */
  static async connect({
    url,
    cluster,
    name = 'decklog-checkpoints',
    replicas = 1,
    readOnly,
    connection,
  }: CheckpointStreamOptions): Promise<CheckpointStream> {
    const wire = await Wire.open({ ...serverOptions(url), name, ...connection });
    try {
      const settings = {
        name: nameOf(cluster),
        subjects: [checkpointSubject(cluster)],
        storage: 'file',
        retention: 'limits',
        max_msg_size: MAX_MESSAGE,
        num_replicas: replicas,
        compression: compressionOf(replicas),
        allow_direct: true,
      };
      if (readOnly !== true) await applyStream(wire, nameOf(cluster), settings);
    } catch (error) {
      await wire.close();
      throw error instanceof AnswerLost ? new WrongLogSettings(error.message, { cause: error }) : error;
    }
    return new CheckpointStream(wire, cluster);
  }

  /**
   * Stores a checkpoint; where it is in the stream. `after`: where the one before it is, and must still be the newest. Throws
   * LogUnavailable where it can't.
   */
  async append(checkpoint: SignedCheckpoint, after?: Sequence): Promise<Sequence> {
    const expected = after === undefined ? undefined : headerBlock(undefined, { expected: after }, undefined);
    const answer = await this.asked(() =>
      this.wire.request(checkpointSubject(this.cluster), Buffer.from(checkpointLine(checkpoint)), TIMEOUT_MS, expected),
    );
    const { seq, error } =
      answer.data.length > 0 ? answer.json<{ readonly seq?: number; readonly error?: { readonly description: string } }>() : {};
    if (!seq) throw new LogUnavailable(error?.description ?? 'the stream of checkpoints is not there');
    return seq;
  }

  /** All of them, oldest first; none where there is no stream. Throws SyntaxError for what is no checkpoint. */
  async all(): Promise<readonly SignedCheckpoint[]> {
    const found: SignedCheckpoint[] = [];
    for (let next = 1, ended = false; !ended;) {
      const asked = json({ seq: next, batch: BATCH, next_by_subj: checkpointSubject(this.cluster) });
      ended = true;
      for (const message of await this.asked(() =>
        this.wire.requestMany(`$JS.API.DIRECT.GET.${nameOf(this.cluster)}`, asked, TIMEOUT_MS),
      )) {
        const code = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
        if (code !== 0) break;
        const headers = headersOf(message);
        found.push(parseCheckpoint(message.string()));
        next = Number(headers.get('Nats-Sequence')) + 1;
        ended = Number(headers.get('Nats-Num-Pending') ?? 0) === 0;
      }
    }
    return found;
  }

  /** The newest; undefined where there is none. */
  async newest(): Promise<SignedCheckpoint | undefined> {
    return (await this.newestKept())?.checkpoint;
  }

  /** The newest, and where it is in the stream. */
  async newestKept(): Promise<{ readonly checkpoint: SignedCheckpoint; readonly sequence: Sequence } | undefined> {
    const asked = json({ last_by_subj: checkpointSubject(this.cluster) });
    const message = await this.asked(() => this.wire.request(`$JS.API.DIRECT.GET.${nameOf(this.cluster)}`, asked, TIMEOUT_MS));
    if (message.data.length === 0) return undefined;
    return { checkpoint: parseCheckpoint(message.string()), sequence: Number(headersOf(message).get('Nats-Sequence')) };
  }

  close(): Promise<void> {
    return this.wire.close();
  }

  private async asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof AnswerLost ? new LogUnavailable(error.message, { cause: error }) : error;
    }
  }
}
