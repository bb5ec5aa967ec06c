import { resolve } from 'node:path';

import { archiveFolderOf } from './archive/folder.js';
import type { Cluster } from './cluster.js';
import { Failure, messageOf } from './failure.js';
import { logPlaceOf } from './nats.js';
import { withOwnServers } from './own-servers.js';
import { postgresUrlOf } from './postgres.js';
import type { Folders } from './profile.js';
import { secretsOf } from './profile.js';
import type { Terminal } from './terminal.js';

/** How the projection is to be built anew. */
export interface RebuildOptions {
  /** Beside the one there is, to compare. */
  readonly check: boolean;
  /** Where the archive is now; absent: where it was made. */
  readonly archive?: string;
}

/**
 * Builds the projection anew from the log and its archive, or with `check` beside the one there is and compares: then the first row
 * that differs, undefined where none does. The log and the database are started for it where they do not run; a control plane that runs goes on.
 */
export function rebuildProjection(
  cluster: Cluster,
  folders: Folders,
  options: RebuildOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string | undefined> {
  return withOwnServers(cluster, folders, terminal, signal, () => rebuildWhileTheyRun(cluster, folders, options, terminal));
}

async function rebuildWhileTheyRun(
  cluster: Cluster,
  folders: Folders,
  { check, archive }: RebuildOptions,
  terminal: Terminal,
): Promise<string | undefined> {
  // Loaded here: the drivers are slow to load, and no other command needs them.
  const [{ connectWholeLog, rebuild, rebuildCheck }, { MIGRATIONS }] = await Promise.all([import('#libs/adapters'), import('#migrations')]);
  const secrets = await secretsOf(folders);
  const options = { url: postgresUrlOf(cluster, secrets), cluster: cluster.id, migrations: MIGRATIONS };
  const folder = archive === undefined ? archiveFolderOf(cluster, folders) : resolve(archive);
  const where = { ...logPlaceOf(cluster, secrets), name: 'decklog-rebuild', archive: folder };
  const log = await connectWholeLog(where).catch((error: unknown) => {
    throw new Failure(`the log can't be read: ${messageOf(error)}`, ['An archive that was moved is named with --archive.'], 1, {
      cause: error,
    });
  });
  try {
    if (!check) {
      await terminal.step('🔨', 'Rebuilding the projection from the log', async (say) => {
        const { state, lease, event } = await rebuild(log, options);
        say(`it stands at state:${state},lease:${lease},event:${event}`);
      });
      return undefined;
    }
    return await terminal.step('🔎', 'Comparing the projection with one built from the log', async (say) => {
      const report = await rebuildCheck(log, options);
      for (const { table, rows, digests } of report.tables) {
        say(`${table}: ${rows[0]} rows, digest ${digests[0]}; from the log ${rows[1]} rows, digest ${digests[1]}`);
      }
      if (report.equal) say('the same rows in the same order');
      const first = report.tables.find(({ difference }) => difference !== undefined);
      return first === undefined
        ? undefined
        : `the projection differs from the log: table ${first.table}, first at ${first.difference ?? ''}`;
    });
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`the projection can't be rebuilt: ${messageOf(error)}`, [], 1, { cause: error });
  } finally {
    await log.close();
  }
}
