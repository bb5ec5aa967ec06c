import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { parseBackup, pieceProblem, type BackupManifest, type BackupPiece } from '#libs/history';
import { tarEntries, type TarEntry } from './tar.js';
import { pieceOf } from './write.js';

/** A file is no backup, or not a whole one. The message names it. */
export class BackupDamaged extends Error {
  override readonly name = 'BackupDamaged';
}

/** What a backup was found to be. */
export interface CheckedBackup {
  readonly manifest: BackupManifest;
  /** The small files in it, by name. */
  readonly files: ReadonlyMap<string, string>;
}

const MANIFEST = 'manifest.json';

/** The entries of a backup, one at a time. Throws BackupDamaged. */
export async function* backupEntries(file: string): AsyncGenerator<TarEntry> {
  const source = createReadStream(file, { highWaterMark: 1024 * 1024 });
  const unpacked = source.pipe(createGunzip());
  source.on('error', (error) => unpacked.destroy(error));
  try {
    yield* tarEntries(unpacked as AsyncIterable<Buffer>);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined && !code.startsWith('Z_') && !code.startsWith('ERR_')) throw error;
    const why = code === 'Z_BUF_ERROR' ? 'its end is missing' : code === 'Z_DATA_ERROR' ? 'it can not be unpacked' : message;
    throw new BackupDamaged(`${file} is no whole backup: ${why}`, { cause: error });
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

/** Reads all of a backup and compares every byte with what its manifest says, which comes last. Throws BackupDamaged. */
export async function checkBackup(file: string, signal?: AbortSignal): Promise<CheckedBackup> {
  const found: BackupPiece[] = [];
  const files = new Map<string, string>();
  let manifest: BackupManifest | undefined;
  for await (const entry of backupEntries(file)) {
    signal?.throwIfAborted();
    if (manifest) throw new BackupDamaged(`${file} is no whole backup: something follows its manifest`);
    if (entry.name === MANIFEST) manifest = manifestIn(file, entry);
    else found.push(pieceOf(entry));
    if (!entry.name.includes('/')) files.set(entry.name, entry.content.toString('utf8'));
  }
  if (!manifest) throw new BackupDamaged(`${file} is no whole backup: it has no manifest`);
  const problem = pieceProblem(manifest, found);
  if (problem !== undefined) throw new BackupDamaged(`${file} is damaged: ${problem}`);
  return { manifest, files };
}

function manifestIn(file: string, { content }: TarEntry): BackupManifest {
  try {
    return parseBackup(content.toString('utf8'));
  } catch (error) {
    throw new BackupDamaged(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
