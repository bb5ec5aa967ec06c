import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The kubectl that specs run: named by `DECKLOG_KUBECTL`, in the cache, or on PATH. Throws where there is none. */
export function kubectlBinary(): string {
  const cache = process.env['DECKLOG_CACHE'] ?? join(homedir(), '.cache', 'decklog');
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl'));
  const found = [process.env['DECKLOG_KUBECTL'] ?? '', join(cache, 'bin', 'kubectl'), ...onPath].find(
    (path) => path !== '' && existsSync(path),
  );
  if (found === undefined) throw new Error('kubectl is needed: set DECKLOG_KUBECTL, or have it on PATH');
  return found;
}
