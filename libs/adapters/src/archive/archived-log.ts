import type {
  AppendWrite,
  Appended,
  EventLog,
  Guard,
  MessageSource,
  ReadBatch,
  ReadOptions,
  Recorded,
  Sequence,
  StoredBatch,
  StoredMessage,
  StreamName,
} from '#libs/log';
import { digestOf } from '../digest.js';
import { connectLog, type JetStreamLog, type JetStreamOptions } from '../jetstream/jetstream-log.js';
import type { LogSigns } from '../jetstream/lookups.js';
import { headersOfBlock, recordedOf } from '../jetstream/message.js';
import { subjectMatches } from '../jetstream/reader.js';
import { ArchiveDamaged } from './file.js';
import { ArchiveFolder } from './folder.js';
import { merged } from './merged.js';

/** A log of which a part was archived, read as if nothing had been. What is appended, and all that is newer, is the log's own. */
export class ArchivedLog implements EventLog, MessageSource {
  private readonly both: MessageSource;

  constructor(
    private readonly log: JetStreamLog,
    private readonly archive: ArchiveFolder,
  ) {
    this.both = merged(log, archive);
  }

  append(stream: StreamName, writes: readonly AppendWrite[], guards?: readonly Guard[]): Promise<Appended> {
    return this.log.append(stream, writes, guards);
  }

  async *read(stream: StreamName, after: Sequence, options: ReadOptions = {}): AsyncGenerator<ReadBatch> {
    const until = stream === 'state' ? Math.min(this.archive.through, options.until ?? Infinity) : 0;
    if (after < until) yield* this.past(after, until, options);
    if (options.signal?.aborted !== true && until < (options.until ?? Infinity))
      yield* this.log.read(stream, Math.max(after, until), options);
  }

  messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncIterable<StoredBatch> {
    return this.both.messages(stream, after, until, signal);
  }

  last(stream: StreamName): Promise<Sequence> {
    return this.log.last(stream);
  }

  lastOf(stream: StreamName, subject: string): Promise<Recorded | undefined> {
    return this.log.lastOf(stream, subject);
  }

  signs(timeoutMs: number): Promise<LogSigns> {
    return this.log.signs(timeoutMs);
  }

  close(): Promise<void> {
    return this.log.close();
  }

  /** Events of `state` up to where it was archived: each sequence is in one place or the other. */
  private async *past(after: Sequence, until: Sequence, { subjects, digests, signal }: ReadOptions): AsyncGenerator<ReadBatch> {
    let last = after;
    for await (const { messages, through } of this.both.messages('state', after, until, signal)) {
      for (const { sequence } of messages) last = follows(last, sequence, this.archive.folder);
      if (through === until) follows(last, until + 1, this.archive.folder);
      const wanted = messages.filter(({ subject }) => subjects?.some((pattern) => subjectMatches(pattern, subject)) !== false);
      yield { events: wanted.flatMap((message) => eventOf(message, digests === true)), through };
    }
  }
}

function follows(last: Sequence, next: Sequence, folder: string): Sequence {
  if (next === last + 1) return next;
  throw new ArchiveDamaged(
    `neither the log nor the archive in ${folder} has state:${last + 1}${next > last + 2 ? ` to state:${next - 1}` : ''}`,
  );
}

function eventOf(message: StoredMessage, digests: boolean): readonly Recorded[] {
  const { sequence, subject, nanoseconds, headers, body } = message;
  const event = recordedOf('state', sequence, subject, Number(nanoseconds.slice(0, -6)), headersOfBlock(headers), body);
  if (!event) return [];
  return [digests ? { ...event, digest: digestOf(message) } : event];
}

/**
 * A cluster's log as whoever needs all of it reads it: with what was archived, from the folder where that is. Throws
 * ArchiveDamaged where more was archived than the folder holds. Messages that nobody archived are missed where they are read.
 */
export async function connectWholeLog(
  options: JetStreamOptions & { readonly archive: string },
): Promise<EventLog & MessageSource & Pick<JetStreamLog, 'signs'>> {
  const log = await connectLog(options);
  try {
    const archive = await ArchiveFolder.open(options.archive, options.cluster);
    const { archived, missing } = await log.bounds('state');
    if (archived > archive.through) throw incomplete(archive, archived, missing);
    return archive.through === 0 ? log : new ArchivedLog(log, archive);
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Throws ArchiveDamaged where a folder can't hold everything that the stream `state` lacks: then nothing more may be taken from it. */
export function explain({ archived, missing }: { readonly archived: Sequence; readonly missing: number }, archive: ArchiveFolder): void {
  if (archived > archive.through || missing > archive.count) throw incomplete(archive, archived, missing);
}

const incomplete = ({ folder, through, count }: ArchiveFolder, archived: Sequence, missing: number): ArchiveDamaged =>
  new ArchiveDamaged(
    `the log was archived up to state:${archived} and lacks ${missing} messages; the archive in ${folder} goes up to state:${through} ` +
      `and holds ${count}: it is not the whole archive of this cluster`,
  );
