import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { backupOrder, type BackupManifest, type BackupPiece, type BackupStream } from '#libs/history';
import { SCHEMA } from '#libs/log';
import { syncFolder } from '../archive/durable.js';
import { ARCHIVED } from '../jetstream/lookups.js';
import { serverOptions } from '../jetstream/server-url.js';
import { Wire } from '../jetstream/wire.js';
import { snapshotOf } from './snapshot.js';
import { TAR_END, tarEntry, type TarEntry } from './tar.js';

/** What is backed up, and where to. */
export interface BackupOptions {
  /** The log's server, with the credentials of `backup`. */
  readonly url: string;
  readonly cluster: string;
  /** Must not be there yet. */
  readonly file: string;
  /** Small files that belong to it, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** RFC 3339, and who does it. */
  readonly takenAt: string;
  readonly takenBy: string;
  readonly signal?: AbortSignal;
  /** How much of which stream has been read. */
  readonly progress?: (stream: string, bytes: number) => void;
}

/** Some of a snapshot, which is much larger, in each entry: what reading it back has to hold at once. */
const PIECE_BYTES = 8 * 1024 * 1024;

export const pieceOf = ({ name, content }: TarEntry): BackupPiece => ({
  name,
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
});

/** The entries of a backup, made while they are read; the manifest last. */
class Entries {
  private readonly streams: BackupStream[] = [];
  private readonly files: BackupPiece[] = [];
  private archived = 0;
  manifest: BackupManifest | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly options: BackupOptions,
  ) {}

  async *all(): AsyncGenerator<TarEntry> {
    const { cluster, files, takenAt, takenBy } = this.options;
    for (const [name, text] of Object.entries(files)) {
      const entry = { name, content: Buffer.from(text) };
      this.files.push(pieceOf(entry));
      yield entry;
    }
    for (const name of backupOrder(cluster)) yield* this.stream(name);
    const { archived, streams } = this;
    const own = { cluster, takenAt, takenBy, server: this.wire.server.version, schema: SCHEMA };
    this.manifest = { kind: 'DecklogBackup', version: 1, ...own, archived, streams, files: this.files };
    yield { name: 'manifest.json', content: Buffer.from(`${JSON.stringify(this.manifest, undefined, 2)}\n`) };
  }

  private async *stream(name: string): AsyncGenerator<TarEntry> {
    const { cluster, progress, signal } = this.options;
    const snapshot = await snapshotOf(this.wire, name);
    if (!snapshot) return;
    const { config, state } = snapshot.report;
    if (name === `decklog_${cluster}_state`)
      this.archived = Number((config['metadata'] as Readonly<Record<string, string>> | undefined)?.[ARCHIVED] ?? 0);
    const pieces: BackupPiece[] = [];
    let bytes = 0;
    for await (const content of joined(snapshot.chunks, PIECE_BYTES)) {
      signal?.throwIfAborted();
      const entry = { name: `${name}/${String(pieces.length + 1).padStart(6, '0')}`, content };
      pieces.push(pieceOf(entry));
      bytes += content.length;
      progress?.(name, bytes);
      yield entry;
    }
    this.streams.push({ name, first: state.first_seq, last: state.last_seq, messages: state.messages, settings: config, pieces });
  }
}

async function* joined(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield Buffer.concat(parts);
    [parts, length] = [[], 0];
  }
  if (length > 0) yield Buffer.concat(parts);
}

async function* bytesOf(entries: AsyncIterable<TarEntry>, seconds: number): AsyncGenerator<Buffer> {
  for await (const entry of entries) yield tarEntry(entry, seconds);
  yield TAR_END;
}

/**
 * Writes a backup of a cluster's log to a file while the cluster runs: the server's snapshot of each stream, so that what a later one
 * refers to is in an earlier one. The file is there whole or not at all. Throws where there is one of that name.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { url, file, takenAt, signal } = options;
  const wire = await Wire.open({ ...serverOptions(url), name: 'decklog-backup' });
  const unfinished = `${file}.${randomBytes(4).toString('hex')}.unfinished`;
  try {
    const entries = new Entries(wire, options);
    const seconds = Math.floor(Date.parse(takenAt) / 1000);
    const out = createWriteStream(unfinished, { flags: 'wx', mode: 0o600 });
    await pipeline(
      Readable.from(bytesOf(entries.all(), seconds), { highWaterMark: 1 }),
      createGzip({ level: 1 }),
      out,
      signal ? { signal } : {},
    );
    const written = await open(unfinished, 'r');
    await written.sync().finally(() => written.close());
    // Not renamed: that would replace a file of that name.
    await link(unfinished, file);
    await syncFolder(dirname(file));
    if (!entries.manifest) throw new TypeError('a backup without a manifest');
    return entries.manifest;
  } finally {
    await unlink(unfinished).catch(() => undefined);
    await wire.close();
  }
}
