import type { Cluster } from './cluster.js';
import { endComponents, endingOrder } from './components.js';
import { containersOf, eachOf, stopContainer } from './docker.js';
import type { Folders } from './profile.js';
import type { Say } from './terminal.js';

/** As `docker stop` has it. */
const CONTAINER_GRACE_SECONDS = 10;
const AT_ONCE = 8;

/** Ends every process of the cluster, then its containers: pods' own first, then what holds their networks. */
export async function stopCluster(cluster: Cluster, folders: Folders, say: Say): Promise<void> {
  const [nodes = [], ...others] = endingOrder(cluster);
  const killed = [...(await endComponents(folders, nodes))];
  if (cluster.runtime === 'docker') await stopContainers(cluster.id, say);
  for (const group of others) killed.push(...(await endComponents(folders, group)));
  if (killed.length > 0) say(`killed, since they did not end in time: ${killed.join(', ')}`);
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
