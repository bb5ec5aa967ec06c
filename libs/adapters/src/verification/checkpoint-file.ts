import { open, readFile } from 'node:fs/promises';
import { checkpointLine, parseCheckpoint, type SignedCheckpoint } from '#libs/log';

/**
 * The checkpoints of a file, oldest first; none where there is no file. A last line that was cut off is left out, and one that is there
 * twice counts once: two keepers that take turns may both have written it. Throws SyntaxError for others.
 */
export async function readCheckpointFile(path: string): Promise<readonly SignedCheckpoint[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = new Set(whole.split('\n').filter((line) => line !== ''));
  return [...lines].map(parseCheckpoint).sort((a, b) => a.number - b.number);
}

/** So much of a file's end is read to find its newest line. */
const END_BYTES = 64 * 1024;

/** The newest checkpoint of a file; undefined where there is none. Throws SyntaxError where its last whole line is none. */
export async function newestInFile(path: string): Promise<SignedCheckpoint | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - END_BYTES);
    const end = (await file.read(Buffer.alloc(size - start), 0, size - start, start)).buffer.toString('utf8');
    const line =
      end
        .slice(0, end.lastIndexOf('\n') + 1)
        .trimEnd()
        .split('\n')
        .at(-1) ?? '';
    return line === '' ? undefined : parseCheckpoint(line);
  } finally {
    await file.close();
  }
}

/** Appends a checkpoint to a file, on disk before it resolves. */
export async function appendCheckpoint(path: string, checkpoint: SignedCheckpoint): Promise<void> {
  const file = await open(path, 'a+', 0o600);
  try {
    // After a crash the last line may be cut off: what is added begins a line of its own.
    const { size } = await file.stat();
    const last = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
    await file.appendFile(`${last === '\n' ? '' : '\n'}${checkpointLine(checkpoint)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}
