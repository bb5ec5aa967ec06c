import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cluster } from './cluster.js';
import { Failure, messageOf } from './failure.js';
import { withProfileLock } from './lock.js';
import { logPlaceOf, requireLog } from './nats.js';
import type { Folders } from './profile.js';
import { secretsOf, writeWhole } from './profile.js';
import type { Terminal } from './terminal.js';

const LOCK_WAIT_MS = 120_000;

/** Gives a cluster a new sealing key while it runs. Cut off, it goes on where it was when it is run again. */
export async function rotateSealingKey(cluster: Cluster, folders: Folders, terminal: Terminal): Promise<void> {
  requireLog(cluster, folders);
  // Loaded here: the drivers are slow to load, and few other commands need them.
  const { connectKeyStore, rotateMaster } = await import('#libs/adapters');
  const file = { read: () => readFileSync(folders.sealingKey), write: (content: Uint8Array) => writeDurably(folders.sealingKey, content) };
  await withProfileLock(folders.root, LOCK_WAIT_MS, () =>
    terminal.step('🔑', 'Rotating the sealing key', async (say) => {
      const store = await connectKeyStore(logPlaceOf(cluster, await secretsOf(folders)));
      try {
        const { from, to, keys } = await rotateMaster(store, file);
        say(`${keys} keys wrapped with ${to}; ${from} opens none of them any more`);
        say(`keep a copy of ${folders.sealingKey} apart from backups: without it no Secret can be read`);
      } catch (error) {
        throw new Failure(`the sealing key was not rotated to the end: ${messageOf(error)}`, ['Run it again: it goes on.'], 1, {
          cause: error,
        });
      } finally {
        await store.close();
      }
    }),
  );
}

/** Replaces a file so that the new content is what a crash of the machine leaves. */
async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  await writeWhole(path, content);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
