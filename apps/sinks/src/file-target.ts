import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { SinkMessage } from '#libs/adapters';
import type { SinkSettings } from './sinks-file.js';
import type { Target } from './target.js';

const MIB = 1024 * 1024;

/** A file that entries are appended to, one a line. What is full is put aside as `<path>.1`, the older ones behind it. */
export class FileTarget implements Target {
  private file: FileHandle | undefined;
  private bytes = 0;

  constructor(private readonly settings: NonNullable<SinkSettings['file']>) {}

  async deliver(entries: readonly SinkMessage[]): Promise<void> {
    const text = Buffer.from(entries.map((entry) => `${entry.text}\n`).join(''));
    const file = await this.opened();
    await file.appendFile(text);
    await file.sync();
    this.bytes += text.length;
    if (this.bytes >= this.settings.maxMiB * MIB) await this.putAside();
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  /** The file, its last line whole: what was cut off comes again as a line of its own. */
  private async opened(): Promise<FileHandle> {
    if (this.file !== undefined) return this.file;
    const file = await open(this.settings.path, 'a+', 0o600);
    const { size } = await file.stat();
    const last = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
    if (last !== '\n') await file.appendFile('\n');
    this.bytes = size;
    this.file = file;
    return file;
  }

  private async putAside(): Promise<void> {
    const { path, keep } = this.settings;
    await this.close();
    await rm(keep === 0 ? path : `${path}.${keep}`, { force: true });
    for (let number = keep - 1; number >= 1; number--) await moved(`${path}.${number}`, `${path}.${number + 1}`);
    if (keep > 0) await rename(path, `${path}.1`);
  }
}

/** Renames a file that may not be there. */
async function moved(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}
