import type { MessageSource, Sequence, StoredBatch, StoredMessage, StreamName } from '#libs/log';
import { ArchiveDamaged } from './file.js';

/** Messages handed on at once. */
const BATCH = 512;

/** The messages of a source one by one, in order. */
class Messages {
  private readonly batches: AsyncIterator<StoredBatch>;
  private batch: readonly StoredMessage[] = [];
  private at = 0;

  constructor(source: AsyncIterable<StoredBatch>) {
    this.batches = source[Symbol.asyncIterator]();
  }

  async peek(): Promise<StoredMessage | undefined> {
    while (this.at === this.batch.length) {
      const { done, value } = await this.batches.next();
      if (done === true) return undefined;
      [this.batch, this.at] = [value.messages, 0];
    }
    return this.batch[this.at];
  }

  take(): void {
    this.at++;
  }

  async stop(): Promise<void> {
    await this.batches.return?.();
  }
}

const same = (a: StoredMessage, b: StoredMessage): boolean =>
  a.subject === b.subject &&
  a.nanoseconds === b.nanoseconds &&
  Buffer.compare(a.headers, b.headers) === 0 &&
  Buffer.compare(a.body, b.body) === 0;

/**
 * Two holders of one log as one: each message once, in order, wherever it is. One that both hold must be the same in both,
 * else ArchiveDamaged. What neither holds is missing: whoever needs all of it looks.
 */
export const merged = (log: MessageSource, archive: MessageSource): MessageSource => ({
  async *messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncGenerator<StoredBatch> {
    const here = new Messages(log.messages(stream, after, until, signal));
    const there = new Messages(archive.messages(stream, after, until, signal));
    try {
      let messages: StoredMessage[] = [];
      for (;;) {
        const [one, other] = [await here.peek(), await there.peek()];
        const next = one && other ? (one.sequence <= other.sequence ? one : other) : (one ?? other);
        if (!next) break;
        if (one?.sequence === other?.sequence && one && other && !same(one, other)) {
          throw new ArchiveDamaged(`the archive holds ${stream}:${one.sequence} otherwise than the log does`);
        }
        if (one?.sequence === next.sequence) here.take();
        if (other?.sequence === next.sequence) there.take();
        messages.push(next);
        if (messages.length < BATCH) continue;
        yield { messages, through: next.sequence };
        messages = [];
      }
      if (!signal?.aborted) yield { messages, through: until };
    } finally {
      await Promise.all([here.stop(), there.stop()]);
    }
  },
});
