import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';

import { addressesOf, MOST_NODES } from './addresses.js';
import { release } from './allocation.js';
import type { Allocation } from './allocation.js';
import type { Cluster } from './cluster.js';
import { hostIdOf, nodeName } from './cluster.js';
import { endComponents, endingOrder } from './components.js';
import { containersOf, dockerSocket, dockerVersion, eachOf, removeContainer, removeNetworksOf } from './docker.js';
import { Failure } from './failure.js';
import { removeContext } from './kubeconfig-file.js';
import { removeAdvertised, removeBridges, removeFilters } from './network.js';
import { endRemains, postgresFolder } from './postgres.js';
import type { Folders } from './profile.js';
import { runningAsRoot, sharedFolder } from './profile.js';
import { endStrays, recordFile } from './processes.js';
import { findProgram, mustRun } from './run.js';

/** Stands in for a `cluster.json` that is damaged: what has to be known to remove the cluster, out of its allocation. */
export function fromAllocation(profile: string, allocation: Allocation, folders: Folders): Cluster {
  const nodes = MOST_NODES_LOOKED_FOR.filter((number) => existsSync(recordFile(folders.run, nodeName(number))));
  return {
    schema: 1,
    profile,
    id: allocation.id,
    index: allocation.index,
    createdAt: '',
    runtime: 'docker',
    layout: allocation.ports.natsServers === undefined ? 'standalone' : 'ha',
    nodes: Math.max(1, ...nodes),
    advertiseAddress: runningAsRoot() ? addressesOf(allocation.index).advertise : '127.0.0.1',
    proxy: 'nftables',
    ports: allocation.ports,
  };
}

const MOST_NODES_LOOKED_FOR = Array.from({ length: MOST_NODES }, (_, i) => i + 1);

/** Removes the cluster and all it has on the machine, and nothing of anyone else's. Can be repeated. */
export async function removeEverything(cluster: Cluster, folders: Folders): Promise<void> {
  for (const group of endingOrder(cluster)) await endComponents(folders, group);
  await endStrays(folders.logs);
  await endRemains(postgresFolder(cluster, folders));
  if (cluster.runtime === 'docker') await removeContainers(hostIdOf(cluster));
  await removeFilters(hostIdOf(cluster));
  await removeBridges(hostIdOf(cluster));
  await removeAdvertised(cluster);
  await removeContext(cluster.profile, cluster.id);
  if (runningAsRoot()) await removeFolder(sharedFolder(cluster));
  await removeFolder(folders.root);
  await release(hostIdOf(cluster));
}

async function removeContainers(id: string): Promise<void> {
  const answer = await dockerVersion();
  if (!('version' in answer)) {
    // No engine, no containers: it was taken off the machine since.
    if (!existsSync(dockerSocket()) && findProgram('dockerd') === undefined) return;
    throw new Failure(`the cluster's containers can't be removed: Docker does not answer (${answer.why})`, [
      'Start Docker, then delete again.',
    ]);
  }
  await eachOf(await containersOf(id), 8, (container) => removeContainer(container.id));
  await removeNetworksOf(id);
}

/** The mount points at or below a folder, the deepest first, out of /proc/self/mountinfo. */
export function mountsBelow(mountinfo: string, folder: string): readonly string[] {
  return mountinfo
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}

/** Removes a folder without following what pods may have mounted in it. */
export async function removeFolder(folder: string): Promise<void> {
  const path = resolve(folder);
  for (const point of mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), path))
    await mustRun('umount', [point], { timeoutMs: 20_000 });
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
