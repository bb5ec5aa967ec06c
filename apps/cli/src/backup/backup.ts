import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';

import { backedUp, type BackupManifest } from '#libs/history';
import { sizeText } from '../archive/text.js';
import { archiveFolderOf } from '../archive/folder.js';
import { Failure, messageOf } from '../failure.js';
import { loadAdapters, type Adapters } from '../fork/adapters.js';
import { backupUrlOf } from '../nats.js';
import { withOwnServers } from '../own-servers.js';
import { foldersOf, requireCluster, secretsOf } from '../profile.js';
import type { Say, Terminal } from '../terminal.js';
import { writeKeys } from './keys.js';
import { CLUSTER_FILE, clusterText } from './origin.js';

/** What is backed up, and where to. */
export interface BackupOptions {
  readonly profile: string;
  readonly file: string;
  /** The file that the cluster's keys are written to, too. */
  readonly keys?: string;
  /** A log of someone else's, with the credentials of its backup. */
  readonly natsUrl?: string;
  /** Of a cluster that has no profile: its id. */
  readonly cluster?: string;
}

const SAY_EVERY_MS = 5_000;

/** Writes a cluster's log to a file while it runs. */
export async function backup(options: BackupOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const file = resolve(options.file);
  for (const path of [file, ...(options.keys === undefined ? [] : [resolve(options.keys)])]) {
    if (existsSync(path)) throw new Failure(`${path} is there already`, ['Backups are never written over: choose another name.'], 2);
    if (!existsSync(dirname(path))) throw new Failure(`there is no folder ${dirname(path)}`, [], 2);
  }
  const { writeBackup } = await loadAdapters();
  const { cluster: id, natsUrl } = options;
  if (id !== undefined) {
    if (natsUrl === undefined || options.keys !== undefined)
      throw new Failure('--cluster goes with --nats-url, and without --keys: there is no profile that has any', [], 2);
    await take(writeBackup, { url: natsUrl, cluster: id, file, files: {} }, terminal, signal);
    return;
  }
  const cluster = await requireCluster(options.profile);
  const folders = foldersOf(cluster.profile);
  const manifest = await withOwnServers(cluster, folders, terminal, signal, async () => {
    const url = natsUrl ?? backupUrlOf(cluster, await secretsOf(folders));
    if (url === undefined)
      throw new Failure('the log is on a server of your own: a backup needs a user of it that may take snapshots', [
        'Give its URL with --nats-url; docs/production.md has the permissions.',
      ]);
    return take(writeBackup, { url, cluster: cluster.id, file, files: { [CLUSTER_FILE]: clusterText(cluster) } }, terminal, signal);
  });
  if (manifest.archived > 0)
    terminal.warn(`What was archived up to state:${manifest.archived} is not in it: keep ${archiveFolderOf(cluster, folders)}, too.`);
  if (options.keys === undefined) {
    terminal.warn('No keys are in it: without them nobody reads its Secrets. `./decklog backup FILE --keys KEYFILE` writes both.');
    return;
  }
  await writeKeys(resolve(options.keys), cluster, folders);
  terminal.line(
    '🔑',
    `The cluster's keys are in ${resolve(options.keys)}: keep it apart from ${file}, since together they open every Secret.`,
  );
}

async function take(
  writeBackup: Adapters['writeBackup'],
  what: Omit<Parameters<Adapters['writeBackup']>[0], 'takenAt' | 'takenBy' | 'signal' | 'progress'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<BackupManifest> {
  const about = { takenAt: new Date().toISOString(), takenBy: userInfo().username, signal };
  const manifest = await terminal
    .step('💾', 'Backing up the log', async (say) => {
      const made = await writeBackup({ ...what, ...about, progress: toldNowAndThen(say) });
      say(`up to ${placesText(made)}: ${messagesText(made)}`);
      return made;
    })
    .catch((error: unknown) => {
      if (error instanceof Failure || signal.aborted) throw error;
      throw new Failure(`the log was not backed up: ${messageOf(error)}`, [`Nothing was written to ${what.file}.`], 1, { cause: error });
    });
  terminal.line('📦', `${what.file} (${sizeText((await stat(what.file)).size)})`);
  return manifest;
}

/** Where the log stood, as positions are written. */
export const placesText = (manifest: BackupManifest): string =>
  (['state', 'lease', 'event'] as const).map((stream) => `${stream}:${backedUp(manifest, stream)}`).join(',');

const messagesText = ({ streams }: BackupManifest): string =>
  `${streams.reduce((sum, { messages }) => sum + messages, 0)} messages of ${streams.length} streams`;

/** Says now and then how far it is. */
export function toldNowAndThen(say: Say): (stream: string, bytes: number) => void {
  let said = performance.now();
  return (stream, bytes) => {
    if (performance.now() - said < SAY_EVERY_MS) return;
    said = performance.now();
    say(`${stream}: ${sizeText(bytes)}`);
  };
}
