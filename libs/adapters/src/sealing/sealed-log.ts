import type { AppendWrite, Appended, EventLog, Guard, ReadBatch, ReadOptions, Recorded, Sequence, StreamName } from '#libs/log';
import { parseSubject } from '#libs/log';
import type { Keyring, SealedObject } from './keyring.js';

const decoder = new TextDecoder();

/** The Secret a subject belongs to, if it is one. */
function secretOf(subject: string): SealedObject | undefined {
  if (!subject.includes('.core.secrets.')) return undefined;
  const parts = parseSubject(subject);
  return parts?.group === '' && parts.resource === 'secrets' ? parts : undefined;
}

/**
 * A log whose Secrets are sealed: encrypted before they are appended, opened as they are read. Whoever uses it sees
 * plain bodies (`encoding` json); whoever reads the log beneath sees sealed ones. All else passes through.
 */
export class SealedLog implements EventLog {
  constructor(
    private readonly log: EventLog,
    private readonly keyring: Keyring,
  ) {}

  async append(stream: StreamName, writes: readonly AppendWrite[], guards?: readonly Guard[]): Promise<Appended> {
    if (!writes.some(({ subject }) => secretOf(subject))) return this.log.append(stream, writes, guards);
    return this.log.append(stream, await Promise.all(writes.map((write) => this.seal(write))), guards);
  }

  async *read(stream: StreamName, after: Sequence, options?: ReadOptions): AsyncGenerator<ReadBatch> {
    for await (const batch of this.log.read(stream, after, options)) {
      const sealed = batch.events.some(({ meta }) => meta.encoding !== 'json');
      yield sealed ? { ...batch, events: await Promise.all(batch.events.map((event) => this.open(event))) } : batch;
    }
  }

  last(stream: StreamName): Promise<Sequence> {
    return this.log.last(stream);
  }

  async lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    const event = await this.log.lastOf(stream, subject);
    return event && this.open(event);
  }

  /** Closes the log beneath and the keyring. */
  async close(): Promise<void> {
    await this.log.close();
    await this.keyring.close();
  }

  private async seal(write: AppendWrite): Promise<AppendWrite> {
    const secret = secretOf(write.subject);
    if (!secret) return write;
    const { metadata } = JSON.parse(decoder.decode(write.body)) as { readonly metadata: { readonly uid?: string } };
    if (!metadata.uid) throw new RangeError(`${write.subject}: a Secret without a uid can't be sealed`);
    const body = await this.keyring.seal(secret, metadata.uid, write.body);
    return { ...write, body, meta: { ...write.meta, encoding: 'aes256gcm' } };
  }

  private async open(event: Recorded): Promise<Recorded> {
    if (event.meta.encoding === 'json') return event;
    const secret = secretOf(event.subject);
    if (!secret) throw new RangeError(`${event.subject} is sealed, but no Secret`);
    return { ...event, body: await this.keyring.open(secret, event.body), meta: { ...event.meta, encoding: 'json' } };
  }
}
