import { randomUUID } from 'node:crypto';
import type { BackupManifest, BackupStream } from '#libs/history';
import { formatLost, LogUnavailable, STREAMS, type LostSequences, type Sequence } from '#libs/log';
import { RESTORED } from '../jetstream/lookups.js';
import { headerBlock } from '../jetstream/message.js';
import { serverOptions } from '../jetstream/server-url.js';
import { compressionOf } from '../jetstream/stream-settings.js';
import { Wire } from '../jetstream/wire.js';
import { BackupDamaged, backupEntries } from './read.js';
import { restoreSnapshot } from './snapshot.js';
import type { TarEntry } from './tar.js';
import { pieceOf } from './write.js';

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly file: string;
  /** What `checkBackup` found in it. */
  readonly manifest: BackupManifest;
  /** The log's server, with credentials that may restore. */
  readonly url: string;
  /** Copies of each stream; as many as there were unless set. */
  readonly replicas?: number;
  /** So many sequences of each stream of the log are left out, since the lost cluster may have given them out. */
  readonly skip: number;
  readonly signal?: AbortSignal;
  readonly progress?: (stream: string, bytes: number) => void;
}

const TIMEOUT_MS = 10_000;
/** The server takes 1,000 messages a batch. */
const BATCH = 1_000;
const NOTHING = new Uint8Array();

/** Entries in the order the manifest lists them. */
class Sequel {
  private held: TarEntry | undefined;
  private readonly entries: AsyncGenerator<TarEntry>;

  constructor(private readonly file: string) {
    this.entries = backupEntries(file);
  }

  async *of({ name, pieces }: BackupStream, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    for (const piece of pieces) {
      signal?.throwIfAborted();
      const entry = await this.find(piece.name);
      if (pieceOf(entry).sha256 !== piece.sha256) throw new BackupDamaged(`${this.file} changed while ${name} was restored`);
      yield entry.content;
    }
  }

  private async find(name: string): Promise<TarEntry> {
    for (;;) {
      const next = await this.entries.next();
      if (next.done === true) throw new BackupDamaged(`${this.file} changed: ${name} is gone`);
      if (next.value.name === name) return next.value;
    }
  }

  async close(): Promise<void> {
    await this.entries.return(undefined);
  }
}

/** Which sequences of a stream are left out. */
const skipped = ({ last }: BackupStream, skip: number): LostSequences => ({
  after: last,
  through: last + skip,
});

/**
 * Makes a cluster's streams out of a backup, each as it was with every sequence and time in its place. What the cluster wrote
 * after the backup is lost; so that no resourceVersion means two things, sequences that it may have given out are left out.
 */
export async function restoreBackup(options: RestoreOptions): Promise<void> {
  const { file, manifest, url, replicas, skip, signal, progress } = options;
  const wire = await Wire.open({ ...serverOptions(url), name: 'decklog-restore' });
  const sequel = new Sequel(file);
  const ofLog = STREAMS.map((stream) => `decklog_${manifest.cluster}_${stream}`);
  try {
    for (const stream of manifest.streams) {
      const isLog = skip > 0 && ofLog.includes(stream.name);
      const { first, last, messages, settings, name } = stream;
      const { after, through } = skipped(stream, skip);
      const metadata = { ...ownMetadata(settings), ...(isLog ? { [RESTORED]: formatLost({ after, through }) } : {}) };
      const config = { ...settings, metadata, ...(replicas === undefined ? {} : keptBy(replicas, settings)) };
      const state = { first_seq: first, last_seq: last, messages };
      const made = await restoreSnapshot(
        wire,
        { config, state },
        counted(sequel.of(stream, signal), (bytes) => progress?.(name, bytes)),
      );
      if (made.state.last_seq < last) throw new LogUnavailable(`${name} ends at ${made.state.last_seq}, the backup at ${last}`);
      if (isLog) await leaveOut(wire, name, made.state.last_seq, through);
    }
  } finally {
    await sequel.close();
    await wire.close();
  }
}

/** How many servers keep a stream, and how. */
const keptBy = (replicas: number, settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  num_replicas: replicas,
  ...('compression' in settings ? { compression: compressionOf(replicas) } : {}),
});

/** What the server adds by itself is left out. */
const ownMetadata = (settings: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries((settings['metadata'] ?? {}) as Readonly<Record<string, string>>).filter(([key]) => !key.startsWith('_nats.')),
  );

async function* counted(chunks: AsyncIterable<Buffer>, tell: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    tell(bytes);
  }
}

/** Fills a stream with markers, which hold no event, up to a sequence. */
async function leaveOut(wire: Wire, name: string, last: Sequence, through: Sequence): Promise<void> {
  const subject = `${name.replaceAll('_', '.')}.skip`;
  for (let at = last; at < through; at += BATCH) {
    const size = Math.min(BATCH, through - at);
    const id = randomUUID();
    for (let index = 0; index < size - 1; index++) wire.publish(subject, NOTHING, headerBlock(undefined, undefined, { id, size, index }));
    const place = size === 1 ? undefined : { id, size, index: size - 1 };
    const answer = await wire.request(subject, NOTHING, TIMEOUT_MS, headerBlock(undefined, undefined, place));
    const { error } =
      answer.data.length === 0 ? { error: { description: 'no answer' } } : answer.json<{ error?: { description: string } }>();
    if (error) throw new LogUnavailable(`sequences of ${name} can't be left out: ${error.description}`);
  }
}
