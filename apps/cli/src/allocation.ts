import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { addressesOf, chooseIndex, MOST_CLUSTERS, PORT_BLOCKS, portsOfBlock } from './addresses.js';
import { assignPorts, heldPorts } from './cluster.js';
import type { Ports } from './cluster.js';
import { codeOf, Failure } from './failure.js';
import { withLock } from './lock.js';
import { machineNetworks } from './network.js';
import { decklogHome, readIfThere, runningAsRoot, SYSTEM_FOLDER, writeWhole } from './profile.js';

/** What a cluster holds of the machine, kept where the machine's other clusters see it. */
export interface Allocation {
  readonly id: string;
  readonly index: number;
  readonly ports: Ports;
  /** The profile's folder: an allocation whose folder is gone is nobody's. */
  readonly folder: string;
}

const PREFERRED_API_PORT = 6443;

/** Where allocations are written, and where those of others are read. */
function writtenFolder(): string {
  return runningAsRoot() ? join(SYSTEM_FOLDER, 'allocations') : join(decklogHome(), '.allocations');
}

function readFolders(): readonly string[] {
  return [...new Set([join(SYSTEM_FOLDER, 'allocations'), join(decklogHome(), '.allocations')])];
}

/** Runs while no other cluster of the machine allocates. */
export function allocating<T>(work: () => Promise<T>): Promise<T> {
  return withLock('allocations', 'the allocation of addresses', 60_000, work);
}

/** What is asked of a cluster's ports: that of the API server, and as many as several of everything need. */
export interface PortWishes {
  readonly apiPort?: number | undefined;
  readonly several?: boolean;
}

/** Takes an id, an index and ports for a new cluster. The profile's folder must exist. */
export async function allocate(
  folder: string,
  { apiPort, several = false }: PortWishes,
  warn: (text: string) => void,
): Promise<Allocation> {
  return allocating(async () => {
    // What a start that was killed had taken for this folder is given back first.
    for (const half of await allocationsOf(folder)) await release(half.id);
    const others = await liveAllocations();
    const choice = chooseIndex(new Set(others.map(({ index }) => index)), await machineNetworks());
    if (choice === undefined) {
      throw new Failure('no range of addresses is free: every 10.64.0.0/16 to 10.159.0.0/16 is in use on this machine', [
        'Delete a profile (`./decklog profile list`), or remove routes or networks inside 10.64.0.0 - 10.255.255.255.',
      ]);
    }
    if (choice.inside.length > 0) {
      warn(`The cluster's addresses ${addressesOf(choice.index).clusterCidr} lie inside a wider route of this machine; the cluster's win.`);
    }
    const ports = await choosePorts(new Set(others.flatMap((other) => heldPorts(other.ports))), { apiPort, several });
    const allocation: Allocation = { id: freshId(others), index: choice.index, ports, folder };
    await record(allocation);
    return allocation;
  });
}

/**
 * The same for a cluster that had an id and an index before: those, where nobody on the machine holds either and no network of the
 * machine lies there; otherwise others.
 */
export async function allocateAgain(folder: string, before: Pick<Allocation, 'id' | 'index'>, wishes: PortWishes): Promise<Allocation> {
  return allocating(async () => {
    for (const half of await allocationsOf(folder)) await release(half.id);
    const others = await liveAllocations();
    const free = chooseIndex(new Set(INDEXES.filter((index) => index !== before.index)), await machineNetworks());
    const isFree = free !== undefined && others.every(({ id, index }) => id !== before.id && index !== before.index);
    const id = isFree ? before.id : freshId([...others, before]);
    const ports = await choosePorts(new Set(others.flatMap((other) => heldPorts(other.ports))), wishes);
    const allocation: Allocation = { id, index: before.index, ports, folder };
    await record(allocation);
    return allocation;
  });
}

const INDEXES = Array.from({ length: MOST_CLUSTERS }, (_, index) => index);

/** Looks at the ports of a stopped cluster again: those that someone took meanwhile are replaced, all of them at once. */
export async function reallocatePorts(allocation: Allocation, apiPort: number | undefined): Promise<Ports> {
  return allocating(async () => {
    const held = heldPorts(allocation.ports);
    const free = await Promise.all(held.map(portFree));
    if (free.every(Boolean) && (apiPort ?? allocation.ports.api) === allocation.ports.api) {
      await record(allocation);
      return allocation.ports;
    }
    const others = (await liveAllocations()).filter(({ id }) => id !== allocation.id);
    const wishes = { apiPort, several: allocation.ports.natsServers !== undefined };
    const ports = await choosePorts(new Set(others.flatMap((other) => heldPorts(other.ports))), wishes, allocation.ports.api);
    await record({ ...allocation, ports });
    return ports;
  });
}

/** What was allocated for a profile's folder: more than one only where starts were killed. */
export async function allocationsOf(folder: string): Promise<readonly Allocation[]> {
  return (await liveAllocations()).filter((allocation) => allocation.folder === folder);
}

/** Gives back what a cluster held. */
export async function release(id: string): Promise<void> {
  await rm(join(writtenFolder(), `${id}.json`), { force: true });
}

/** Removes what clusters of root share on the machine, when none is left that could. */
export async function releaseMachine(): Promise<void> {
  if (!runningAsRoot()) return;
  await allocating(async () => {
    if ((await liveAllocations()).length === 0) await rm(SYSTEM_FOLDER, { recursive: true, force: true });
  });
}

/** The first block that is wholly free, and a port for the API server: the one asked for, the present one, or 6443. */
export async function choosePorts(
  taken: ReadonlySet<number>,
  { apiPort: asked, several = false }: PortWishes,
  present?: number,
): Promise<Ports> {
  if (asked !== undefined && (taken.has(asked) || !(await portFree(asked)))) {
    throw new Failure(`port ${asked} is taken`, ['Give another with --api-port, or leave it out: a free one is chosen.']);
  }
  for (let block = 0; block < PORT_BLOCKS; block++) {
    const ports = portsOfBlock(block);
    if (ports.some((port) => taken.has(port) || port === asked)) continue;
    if (!(await Promise.all(ports.map(portFree))).every(Boolean)) continue;
    return assignPorts(ports, asked ?? (await firstFree([present, PREFERRED_API_PORT], taken)) ?? ports[0] ?? 0, several);
  }
  throw new Failure('no ports are free between 21000 and 29000 on 127.0.0.1', ['Stop what listens there.']);
}

async function firstFree(candidates: readonly (number | undefined)[], taken: ReadonlySet<number>): Promise<number | undefined> {
  for (const port of candidates) {
    if (port !== undefined && !taken.has(port) && (await portFree(port))) return port;
  }
  return undefined;
}

/** Whether nobody listens on the port, on loopback or on all addresses. */
export function portFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function freshId(others: readonly Pick<Allocation, 'id'>[]): string {
  const ids = new Set(others.map(({ id }) => id));
  for (;;) {
    const id = randomBytes(3).toString('hex');
    if (!ids.has(id)) return id;
  }
}

async function record(allocation: Allocation): Promise<void> {
  const folder = writtenFolder();
  await mkdir(folder, { recursive: true });
  if (runningAsRoot()) await Promise.all([SYSTEM_FOLDER, folder].map((path) => chmod(path, 0o755)));
  await writeWhole(join(folder, `${allocation.id}.json`), JSON.stringify(allocation), 0o644);
}

/** All allocations of this machine that this user can see; those whose profile's folder is gone are removed. */
async function liveAllocations(): Promise<readonly Allocation[]> {
  const found: Allocation[] = [];
  for (const folder of readFolders()) {
    for (const file of await namesIn(folder)) {
      const allocation = JSON.parse((await readIfThere(join(folder, file))) ?? 'null') as Allocation | null;
      if (allocation === null) continue;
      if (folder === writtenFolder() && !existsSync(allocation.folder)) await rm(join(folder, file), { force: true });
      else found.push(allocation);
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return [];
    throw error;
  }
}
