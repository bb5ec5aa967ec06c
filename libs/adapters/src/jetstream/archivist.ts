import type { MessageSource, Sequence, StoredBatch, StreamName } from '#libs/log';
import { LogUnavailable } from '#libs/log';
import { checkCluster } from './jetstream-log.js';
import { ARCHIVED, type Bounds, Lookups } from './lookups.js';
import { storedOf } from './message.js';
import { Reader } from './reader.js';
import { serverOptions } from './server-url.js';
import { streamName } from './stream-settings.js';
import { AnswerLost, json, Wire } from './wire.js';

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 5;
const RETRY_MS = 200;
/** Deletions on their way at once. */
const AT_ONCE = 64;

interface ApiAnswer {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly description: string };
}

/** The one who takes messages out of a cluster's stream `state`: reads it as it is stored, marks how far it was archived, deletes. */
export class Archivist implements MessageSource {
  private readonly lookups: Lookups;
  private readonly name: string;

  private constructor(
    private readonly wire: Wire,
    private readonly cluster: string,
  ) {
    this.lookups = new Lookups(wire, cluster, 1);
    this.name = streamName(cluster, 'state');
  }

  /** Connects with the archiver's credentials. Throws LogUnavailable where the cluster's log is not there or not to be read. */
  static async connect(url: string, cluster: string): Promise<Archivist> {
    checkCluster(cluster);
    const archivist = new Archivist(await Wire.open({ ...serverOptions(url), name: 'decklog-archiver' }), cluster);
    try {
      await archivist.bounds();
      return archivist;
    } catch (error) {
      await archivist.close();
      throw error;
    }
  }

  bounds(): Promise<Bounds> {
    return this.patiently(() => this.lookups.bounds('state'));
  }

  async *messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncGenerator<StoredBatch> {
    const options = { until, incomplete: true, ...(signal ? { signal } : {}) };
    const reader = new Reader(this.wire, this.cluster, stream, this.lookups, storedOf, after, options);
    for await (const { read, through } of reader.batches()) yield { messages: read, through };
  }

  /** From now on nobody takes what the stream holds up to this sequence for all there was. */
  async mark(through: Sequence): Promise<void> {
    const { config } = await this.ask(`$JS.API.STREAM.INFO.${this.name}`, {});
    const metadata = (config?.['metadata'] ?? {}) as Readonly<Record<string, string>>;
    if (Number(metadata[ARCHIVED] ?? 0) >= through) return;
    const own = Object.entries(metadata).filter(([key]) => !key.startsWith('_nats.'));
    await this.ask(`$JS.API.STREAM.UPDATE.${this.name}`, {
      ...config,
      metadata: { ...Object.fromEntries(own), [ARCHIVED]: String(through) },
    });
  }

  /** Deletes messages, many at once, and says after each lot how many are gone. The first failure ends it. */
  async remove(sequences: AsyncIterable<Sequence>, progress: (removed: number) => void | Promise<void>): Promise<number> {
    let removed = 0;
    let lot: Sequence[] = [];
    const flush = async (): Promise<void> => {
      await Promise.all(lot.map((sequence) => this.delete(sequence)));
      removed += lot.length;
      lot = [];
      await progress(removed);
    };
    for await (const sequence of sequences) {
      lot.push(sequence);
      if (lot.length === AT_ONCE) await flush();
    }
    if (lot.length > 0) await flush();
    return removed;
  }

  close(): Promise<void> {
    return this.wire.close();
  }

  /** What is gone already was deleted by a request whose answer was lost. */
  private async delete(sequence: Sequence): Promise<void> {
    // Not overwritten on disk before it is freed: the archive has it anyhow.
    await this.ask(`$JS.API.STREAM.MSG.DELETE.${this.name}`, { seq: sequence, no_erase: true }, /no message found|not found/);
  }

  private async ask(subject: string, payload: object, harmless?: RegExp): Promise<ApiAnswer> {
    const message = await this.patiently(() => this.wire.request(subject, json(payload), TIMEOUT_MS));
    const answer = message.data.length === 0 ? { error: { description: 'JetStream does not answer' } } : message.json<ApiAnswer>();
    if (answer.error && harmless?.test(answer.error.description) !== true)
      throw new LogUnavailable(`${subject}: ${answer.error.description}`);
    return answer;
  }

  /** Everything asked here is safe to repeat. */
  private async patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof AnswerLost)) throw error;
        if (attempt === ATTEMPTS || this.wire.closed)
          throw new LogUnavailable(`the log does not answer: ${error.message}`, { cause: error });
        await this.wire.changed(RETRY_MS);
      }
    }
  }
}
