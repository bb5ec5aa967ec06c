import type { ArchiveAnchor, ArchiveManifest, ArchivePlan } from '#libs/history';
import { archivePlanner } from '#libs/history';
import type { Instant } from '#libs/apimachinery';
import type { Sequence, StoredMessage } from '#libs/log';
import { digestOf } from '../digest.js';
import type { Archivist } from '../jetstream/archivist.js';
import { headersOfBlock } from '../jetstream/message.js';
import { explain } from './archived-log.js';
import { syncFolder } from './durable.js';
import { ArchiveDamaged, ArchiveFileWriter, type Written } from './file.js';
import type { ArchiveFolder } from './folder.js';

/** A place in the work at which it may be cut off, told before it goes on. */
export type ArchiveStep = 'planned' | 'written' | 'verified' | 'listed' | 'marked' | 'removing' | 'removed';

/** What archiving works with. */
export interface ArchivingOptions {
  readonly archivist: Archivist;
  readonly archive: ArchiveFolder;
  readonly now: () => Instant;
  /** Who archives, for the manifest. */
  readonly by: string;
  /** The chain at the newest event that is archived, where the projection has it. */
  readonly anchor?: ArchiveAnchor;
  /** What is being done, and how far it is. */
  readonly progress?: (step: ArchiveStep, done: number, of: number) => void | Promise<void>;
}

/** What came of archiving. */
export interface Archived {
  /** Messages written to files now: fewer than removed, where an earlier attempt had written some. */
  readonly written: number;
  readonly files: readonly Written[];
  readonly removed: number;
  readonly manifest: ArchiveManifest;
}

const sizeOf = ({ subject, headers, body }: StoredMessage): number => subject.length + headers.length + body.length;

/** Looks at the whole stream and says what of it may go. Changes nothing. */
export async function planArchive(archivist: Archivist, before: Sequence): Promise<ArchivePlan> {
  const { last } = await archivist.bounds();
  const planner = archivePlanner(Math.min(before, last));
  for await (const { messages } of archivist.messages('state', 0, last)) {
    for (const message of messages) {
      const deleted = headersOfBlock(message.headers).get('Dl-Type') === 'Deleted';
      planner.note({ sequence: message.sequence, subject: message.subject, deleted, bytes: sizeOf(message) });
    }
  }
  return planner.plan();
}

/**
 * Moves what a plan names from the stream to an archive: writes it to files, reads these back and compares every message with the
 * stream's, lists them in the manifest, marks the stream, and only then deletes. Cut off anywhere, each message is in the
 * stream or in a file that the manifest lists, and archiving again goes on. One at a time may do so.
 */
export async function archiveMessages(plan: ArchivePlan, options: ArchivingOptions): Promise<Archived> {
  const { archivist, archive, progress = () => undefined } = options;
  explain(await archivist.bounds(), archive);
  await archive.prepare();
  await progress('planned', 0, plan.messages);
  const files = await write(plan, options);
  await progress('written', plan.messages, plan.messages);
  await verify(plan, options, files);
  await progress('verified', plan.messages, plan.messages);
  const manifest = await list(plan, options, files);
  await progress('listed', 0, plan.messages);
  await archivist.mark(plan.before);
  await progress('marked', 0, plan.messages);
  const removed = await archivist.remove(sequencesOf(plan, archivist), (done) => progress('removing', done, plan.messages));
  await progress('removed', removed, plan.messages);
  return { written: files.reduce((sum, { messages }) => sum + messages, 0), files, removed, manifest };
}

/** The messages that a plan names, as the stream has them. */
async function* planned({ before, cuts }: ArchivePlan, archivist: Archivist): AsyncGenerator<StoredMessage> {
  for await (const { messages } of archivist.messages('state', 0, before)) {
    for (const message of messages) if (message.sequence < (cuts.get(message.subject) ?? 0)) yield message;
  }
}

async function* sequencesOf(plan: ArchivePlan, archivist: Archivist): AsyncGenerator<Sequence> {
  for await (const { sequence } of planned(plan, archivist)) yield sequence;
}

/**
 * Writes to files what none of the archive has yet. What lies before the end of what was archived already goes to files of its own: all
 * that overlap are read at once, and only those do.
 */
async function write(plan: ArchivePlan, { archivist, archive, progress = () => undefined }: ArchivingOptions): Promise<readonly Written[]> {
  const files: Written[] = [];
  const isHeld = archive.holder();
  let writer: ArchiveFileWriter | undefined;
  const finish = async (): Promise<void> => {
    if (writer) files.push(await writer.finish());
    writer = undefined;
  };
  let [done, isLate] = [0, true];
  try {
    for await (const message of planned(plan, archivist)) {
      if (++done % 10_000 === 0) await progress('planned', done, plan.messages);
      if (isHeld(message.sequence)) continue;
      if (isLate && message.sequence > archive.through) {
        await finish();
        isLate = false;
      }
      writer ??= await ArchiveFileWriter.open(archive.folder, archive.manifest.cluster, isLate);
      await writer.add(message);
      if (writer.full) await finish();
    }
    await finish();
  } finally {
    await writer?.discard();
  }
  await syncFolder(archive.folder);
  return files;
}

/** Reads everything back and compares it with the stream. Throws ArchiveDamaged at the first message that is not the same. */
async function verify(
  plan: ArchivePlan,
  { archivist, archive, progress = () => undefined }: ArchivingOptions,
  fresh: readonly Written[],
): Promise<void> {
  const count = fresh.reduce((sum, { messages }) => sum + messages, 0);
  // What an earlier attempt wrote is read, too, where it is about to be relied on.
  const copies = count === plan.messages ? archive.only(fresh) : archive.with(fresh);
  const stored = copies.messages('state', 0, plan.before)[Symbol.asyncIterator]();
  let batch: readonly StoredMessage[] = [];
  let [at, done] = [0, 0];
  const next = async (): Promise<StoredMessage | undefined> => {
    while (at === batch.length) {
      const { done: isEnd, value } = await stored.next();
      if (isEnd === true) return undefined;
      [batch, at] = [value.messages, 0];
    }
    return batch[at++];
  };
  try {
    for await (const message of planned(plan, archivist)) {
      let copy = await next();
      while (copy && copy.sequence < message.sequence) copy = await next();
      if (copy?.sequence !== message.sequence || Buffer.compare(digestOf(copy), digestOf(message)) !== 0) {
        throw new ArchiveDamaged(
          `what was written of state:${message.sequence} to ${archive.folder} is not what the log has: nothing was removed`,
        );
      }
      if (++done % 10_000 === 0) await progress('written', done, plan.messages);
    }
    // To its end: only then a file's hashes have been compared.
    while ((await next()) !== undefined);
  } finally {
    await stored.return?.(undefined);
  }
}

async function list(
  plan: ArchivePlan,
  { archive, now, by, anchor }: ArchivingOptions,
  fresh: readonly Written[],
): Promise<ArchiveManifest> {
  const archivedAt = new Date(now()).toISOString();
  const { manifest } = await archive.store({
    ...archive.manifest,
    through: Math.max(archive.manifest.through, plan.before),
    files: [...archive.manifest.files, ...fresh.map((file) => ({ ...file, archivedAt, archivedBy: by }))],
    anchors:
      anchor === undefined
        ? archive.manifest.anchors
        : [...archive.manifest.anchors.filter(({ sequence }) => sequence !== anchor.sequence), anchor],
  });
  return manifest;
}
