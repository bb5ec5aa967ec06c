import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, createBrotliCompress, createBrotliDecompress, type BrotliCompress } from 'node:zlib';
import type { ArchiveFile, Range } from '#libs/history';
import { countOf, formatRanges, lengthened } from '#libs/history';
import type { Sequence, StoredMessage } from '#libs/log';
import { decodeRecords, encodeRecord, headingOf } from './records.js';

/** A file of an archive is missing, damaged or of another cluster. The message names it. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
}

/** What a file may hold, uncompressed. */
export const CONTENT_BYTES = 64 * 1024 * 1024;
/** Revisions of one object repeat each other over some distance: a window of 4 MiB. */
const WINDOW_BITS = 22;
/** Of files that many others are read beside: each reader holds its window. */
const SMALL_WINDOW_BITS = 16;
const compression = (windowBits: number): { readonly params: Readonly<Record<number, number>> } => ({
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_LGWIN]: windowBits,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  },
});
const UNFINISHED = '.unfinished';

/** What a file's entry in the manifest says of it, without who and when. */
export type Written = Omit<ArchiveFile, 'archivedAt' | 'archivedBy'>;

/** A file while it is written: unfinished under a name of its own until `finish`. */
export class ArchiveFileWriter {
  private readonly hash = createHash('sha256');
  private readonly contentHash = createHash('sha256');
  private readonly ranges: Range[] = [];
  private readonly drained: Promise<void>;
  private bytes = 0;
  private contentBytes = 0;

  private constructor(
    private readonly folder: string,
    private readonly unfinished: string,
    private readonly file: FileHandle,
    private readonly compressor: BrotliCompress,
  ) {
    this.drained = this.drain();
    this.drained.catch(() => undefined);
  }

  /** `isLate`: it holds what lies before what was archived already, and so is read beside other files. */
  static async open(folder: string, cluster: string, isLate: boolean): Promise<ArchiveFileWriter> {
    const compressor = createBrotliCompress(compression(isLate ? SMALL_WINDOW_BITS : WINDOW_BITS));
    const unfinished = join(folder, `${randomBytes(8).toString('hex')}${UNFINISHED}`);
    const writer = new ArchiveFileWriter(folder, unfinished, await open(unfinished, 'wx', 0o600), compressor);
    await writer.put(Buffer.from(headingOf(cluster)));
    return writer;
  }

  get full(): boolean {
    return this.contentBytes >= CONTENT_BYTES;
  }

  async add(message: StoredMessage): Promise<void> {
    lengthened(this.ranges, message.sequence);
    await this.put(encodeRecord(message));
  }

  /** Everything is on disk under the file's own name. */
  async finish(): Promise<Written> {
    this.compressor.end();
    await this.drained;
    await this.file.sync();
    await this.file.close();
    const sha256 = this.hash.digest('hex');
    const [first, last] = [this.ranges[0]?.from ?? 0, this.ranges.at(-1)?.to ?? 0];
    const name = `state-${String(first).padStart(12, '0')}-${String(last).padStart(12, '0')}-${sha256.slice(0, 8)}.br`;
    await rename(this.unfinished, join(this.folder, name));
    const content = { contentBytes: this.contentBytes, contentSha256: this.contentHash.digest('hex') };
    return { name, sequences: formatRanges(this.ranges), messages: countOf(this.ranges), bytes: this.bytes, sha256, ...content };
  }

  /** Gives up: nothing of it is left. */
  async discard(): Promise<void> {
    this.compressor.destroy();
    await this.drained.catch(() => undefined);
    await this.file.close().catch(() => undefined);
    await unlink(this.unfinished).catch(() => undefined);
  }

  private async put(content: Uint8Array): Promise<void> {
    this.contentHash.update(content);
    this.contentBytes += content.length;
    if (this.compressor.write(content)) return;
    await new Promise<void>((resolve, reject) => {
      this.compressor.once('drain', resolve);
      this.drained.catch(reject);
    });
  }

  private async drain(): Promise<void> {
    for await (const piece of this.compressor) {
      const compressed = piece as Buffer;
      this.hash.update(compressed);
      this.bytes += compressed.length;
      await this.file.writeFile(compressed);
    }
  }
}

/** Whether a name is that of a file whose writing was cut off. */
export const isUnfinished = (name: string): boolean => name.endsWith(UNFINISHED);

/** Hands pieces on and digests them on the way. */
async function* digested(pieces: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/**
 * The messages of a file, in order. Throws ArchiveDamaged where the file is not there, or by its end at the latest where it
 * is not what its entry says.
 */
export async function* readArchiveFile(folder: string, cluster: string, entry: ArchiveFile | Written): AsyncGenerator<StoredMessage> {
  const path = join(folder, entry.name);
  const [hash, contentHash] = [createHash('sha256'), createHash('sha256')];
  const source = createReadStream(path);
  const content = createBrotliDecompress();
  const stop = (error?: Error): void => void content.destroy(error);
  source
    .on('error', stop)
    .on('data', (piece) => hash.update(piece))
    .pipe(content);
  const ranges: Range[] = [];
  try {
    let last: Sequence = 0;
    for await (const message of decodeRecords(digested(content as AsyncIterable<Buffer>, contentHash), headingOf(cluster))) {
      if (message.sequence <= last) throw new SyntaxError('its messages are out of order');
      last = message.sequence;
      lengthened(ranges, last);
      yield message;
    }
    const is = { sha256: hash.digest('hex'), contentSha256: contentHash.digest('hex'), sequences: formatRanges(ranges) };
    for (const key of ['sha256', 'contentSha256', 'sequences'] as const) {
      if (is[key] !== entry[key]) throw new SyntaxError(`its ${key} is ${short(is[key])}, the manifest says ${short(entry[key])}`);
    }
  } catch (error) {
    const isGone = (error as { readonly code?: unknown }).code === 'ENOENT';
    const why = isGone ? 'it is missing' : error instanceof Error ? error.message : String(error);
    throw new ArchiveDamaged(`archive file ${path}: ${why}`, { cause: error });
  } finally {
    source.destroy();
    content.destroy();
  }
}

const short = (text: string): string => (text.length > 24 ? `${text.slice(0, 24)}...` : text);
