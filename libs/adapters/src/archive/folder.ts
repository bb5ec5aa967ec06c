import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveFile, ArchiveManifest, Range } from '#libs/history';
import { archivedMessages, emptyManifest, parseManifest, parseRanges } from '#libs/history';
import type { MessageSource, Sequence, StoredBatch, StoredMessage, StreamName } from '#libs/log';
import { replaceFile } from './durable.js';
import { ArchiveDamaged, isUnfinished, readArchiveFile, type Written } from './file.js';

const MANIFEST = 'manifest.json';
/** Messages handed on at once. */
const BATCH = 512;

/** A file and what it holds. */
interface Held {
  readonly file: ArchiveFile | Written;
  readonly ranges: readonly Range[];
  readonly from: Sequence;
  readonly to: Sequence;
}

/** A file that is being read, at its next message. */
interface Opened {
  readonly file: AsyncGenerator<StoredMessage>;
  readonly next: StoredMessage;
}

function heldOf(file: ArchiveFile | Written): Held {
  const ranges = parseRanges(file.sequences);
  return { file, ranges, from: ranges[0]?.from ?? 0, to: ranges.at(-1)?.to ?? 0 };
}

/** A folder of archived messages of one cluster, as its manifest lists them. Nothing is read of a file before it is needed. */
export class ArchiveFolder implements MessageSource {
  private readonly held: readonly Held[];

  private constructor(
    readonly folder: string,
    readonly manifest: ArchiveManifest,
    fresh: readonly Written[] = [],
  ) {
    this.held = [...manifest.files, ...fresh].map(heldOf).sort((a, b) => a.from - b.from);
  }

  /** The archive in a folder; one without a manifest holds nothing. Throws ArchiveDamaged where the manifest can't be read or is another cluster's. */
  static async open(folder: string, cluster: string): Promise<ArchiveFolder> {
    const path = join(folder, MANIFEST);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ENOENT') return new ArchiveFolder(folder, emptyManifest(cluster));
      throw error;
    }
    try {
      const manifest = parseManifest(text);
      if (manifest.cluster !== cluster) throw new SyntaxError(`it is of cluster ${manifest.cluster}, not ${cluster}`);
      return new ArchiveFolder(folder, manifest);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new ArchiveDamaged(`archive manifest ${path}: ${error.message}`, { cause: error });
    }
  }

  /** Nothing after this sequence is here. */
  get through(): Sequence {
    return this.manifest.through;
  }

  /** How many messages are here. */
  get count(): number {
    return archivedMessages(this.manifest);
  }

  /** The same with files that no manifest lists yet. */
  with(fresh: readonly Written[]): ArchiveFolder {
    return new ArchiveFolder(this.folder, this.manifest, fresh);
  }

  /** Those files alone. */
  only(fresh: readonly Written[]): ArchiveFolder {
    return new ArchiveFolder(this.folder, emptyManifest(this.manifest.cluster), fresh);
  }

  /** Whether a message is here. Asked in ascending order it takes next to no time. */
  holder(): (sequence: Sequence) => boolean {
    const places = this.held.map(({ ranges }) => ({ ranges, at: 0 }));
    return (sequence) =>
      places.some((place) => {
        while ((place.ranges[place.at]?.to ?? Infinity) < sequence) place.at++;
        return (place.ranges[place.at]?.from ?? Infinity) <= sequence;
      });
  }

  async *messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncGenerator<StoredBatch> {
    if (stream !== 'state') return;
    let messages: StoredMessage[] = [];
    for await (const message of this.ordered(after, until)) {
      signal?.throwIfAborted();
      messages.push(message);
      if (messages.length < BATCH) continue;
      yield { messages, through: message.sequence };
      messages = [];
    }
    yield { messages, through: until };
  }

  /** All files at once, each opened when its first message is due and closed after the last one that is wanted. */
  private async *ordered(after: Sequence, until: Sequence): AsyncGenerator<StoredMessage> {
    const waiting = this.held.filter(({ from, to }) => to > after && from <= until);
    const open: Opened[] = [];
    try {
      for (let last = after; ;) {
        let first = earliest(open);
        while (waiting[0] && waiting[0].from <= (first?.next.sequence ?? waiting[0].from)) {
          const { file } = waiting.shift() as Held;
          await this.openNext(open, readArchiveFile(this.folder, this.manifest.cluster, file), after);
          first = earliest(open);
        }
        if (!first || first.next.sequence > until) return;
        if (first.next.sequence > last) yield first.next;
        last = first.next.sequence;
        open.splice(open.indexOf(first), 1);
        await this.openNext(open, first.file, last);
      }
    } finally {
      for (const { file } of open) await file.return(undefined);
    }
  }

  /** Holds a file open at its first message after a sequence; one without any is read to its end, and so checked. */
  private async openNext(open: Opened[], file: AsyncGenerator<StoredMessage>, after: Sequence): Promise<void> {
    for await (const next of uninterrupted(file)) {
      if (next.sequence <= after) continue;
      open.push({ file, next });
      return;
    }
  }

  /** Makes the folder, and removes what is left of archiving that was cut off: no manifest has ever listed it. */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const known = new Set(this.manifest.files.map(({ name }) => name));
    for (const name of await readdir(this.folder)) {
      const isLeft =
        isUnfinished(name) || name.endsWith('.new') || (/^state-\d{12}-\d{12}-[0-9a-f]{8}\.br$/.test(name) && !known.has(name));
      if (isLeft) await unlink(join(this.folder, name));
    }
  }

  /** Makes a manifest the folder's. */
  async store(manifest: ArchiveManifest): Promise<ArchiveFolder> {
    await replaceFile(join(this.folder, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
    return new ArchiveFolder(this.folder, manifest);
  }
}

/** The rest of a generator, which stays open where the loop over it is left. */
const uninterrupted = (file: AsyncGenerator<StoredMessage>): AsyncIterable<StoredMessage> => ({
  [Symbol.asyncIterator]: () => ({ next: () => file.next() }),
});

const earliest = (open: readonly Opened[]): Opened | undefined =>
  open.reduce<Opened | undefined>((a, b) => (a && a.next.sequence <= b.next.sequence ? a : b), undefined);
