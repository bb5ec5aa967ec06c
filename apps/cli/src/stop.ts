import type { Cluster } from './cluster.js';
import { hostIdOf } from './cluster.js';
import { endComponents, endingOrder } from './components.js';
import { containersOf, eachOf, stopContainer } from './docker.js';
import { Failure } from './failure.js';
import { removeFilters } from './network.js';
import { endStrays } from './processes.js';
import type { Folders } from './profile.js';
import type { Say } from './terminal.js';

/** As `docker stop` has it. */
const CONTAINER_GRACE_SECONDS = 10;
/** Those that take no notice of their signal only wait, so that many do it together. */
const AT_ONCE = 64;

/**
 * Ends every process of the cluster, then its containers: pods' own first, then what holds their networks. Its Services
 * no longer answer: their rules go too, and the node ports are free for others. The next start puts them back.
 */
export async function stopCluster(cluster: Cluster, folders: Folders, say: Say): Promise<void> {
  const [nodes = [], ...others] = endingOrder(cluster);
  const killed = [...(await endComponents(folders, nodes))];
  const containers = cluster.runtime === 'docker' ? await stopContainers(hostIdOf(cluster), say).catch(heldFailure) : undefined;
  if (cluster.runtime === 'docker') await removeFilters(hostIdOf(cluster));
  for (const group of others) killed.push(...(await endComponents(folders, group)));
  await endStrays(folders.logs);
  if (killed.length > 0) say(`killed, since they did not end in time: ${killed.join(', ')}`);
  if (containers !== undefined) throw containers;
}

/** An engine that does not answer keeps no process running: it is said when all else has ended. */
function heldFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}

async function stopContainers(id: string, say: Say): Promise<void> {
  const running = (await containersOf(id)).filter((container) => container.running);
  if (running.length === 0) return;
  say(`stopping ${running.length} containers`);
  const sandbox = (name: string) => name.startsWith('k8s_POD_');
  await eachOf(
    running.filter(({ name }) => !sandbox(name)),
    AT_ONCE,
    (container) => stopContainer(container.id, CONTAINER_GRACE_SECONDS),
  );
  await eachOf(
    running.filter(({ name }) => sandbox(name)),
    AT_ONCE,
    (container) => stopContainer(container.id, 1),
  );
}
