import type { Cluster } from './cluster.js';
import { keepsLog, natsComponents } from './cluster.js';
import { endComponents } from './components.js';
import { logRuns, startNats } from './nats.js';
import { startPostgres } from './postgres.js';
import { runningProcess } from './processes.js';
import { natsServer } from './programs.js';
import type { Folders } from './profile.js';
import { secretsOf } from './profile.js';
import type { Terminal } from './terminal.js';

/**
 * Runs what needs a cluster's log and database while these run: starts those that do not, and ends them afterwards. The control plane
 * may be stopped, or refuse to serve.
 */
export async function withOwnServers<T>(
  cluster: Cluster,
  folders: Folders,
  terminal: Terminal,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const wanted = [
    ...(logRuns(cluster, folders) ? [] : natsComponents(cluster)),
    ...(cluster.postgresUrl === undefined ? ['postgres'] : []),
  ];
  const missing = wanted.filter((component) => runningProcess(folders.run, component) === undefined);
  if (missing.length === 0) return work();
  try {
    await terminal.step('📜', 'The log and the database, for as long as this takes', async (say) => {
      const secrets = await secretsOf(folders);
      if (missing.some(keepsLog)) await startNats(cluster, folders, secrets, async () => (await natsServer(say)).path, signal);
      if (missing.includes('postgres')) await startPostgres(cluster, folders, secrets, say, signal);
    });
    return await work();
  } finally {
    await endComponents(folders, missing);
  }
}
