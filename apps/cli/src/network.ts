import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

import { parseNetwork, parseRoutes } from './addresses.js';
import type { Network } from './addresses.js';
import type { Cluster } from './cluster.js';
import { hostIdOf } from './cluster.js';
import { dockerSubnets } from './docker.js';
import { Failure } from './failure.js';
import { runningAsRoot } from './profile.js';
import { findProgram, run } from './run.js';

/** Every IPv4 network the machine knows: interfaces, routes, the container engine's networks. */
export async function machineNetworks(): Promise<readonly Network[]> {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).flatMap((one) => parseNetwork(one.cidr ?? '') ?? []));
  const routes = parseRoutes(await readFile('/proc/net/route', 'utf8').catch(() => ''));
  return [...own, ...routes, ...(await dockerSubnets())];
}

/** The interface that carries the cluster's advertised address. */
export function dummyInterface(id: string): string {
  return `dl${id}`;
}

function ip(...args: string[]): Promise<{ readonly code: number; readonly stderr: string; readonly stdout: string }> {
  return run(findProgram('ip') ?? 'ip', args, { timeoutMs: 10_000 });
}

export function addressPresent(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) => (list ?? []).some((one) => one.address === address));
}

/**
 * Gives the machine the cluster's advertised address: on an interface of its own, a dummy, or where the kernel has no
 * such kind a bridge without ports; on the loopback interface where it has neither. Only root may; harmless when done.
 */
export async function ensureAdvertised(cluster: Pick<Cluster, 'id' | 'hostId' | 'advertiseAddress'>): Promise<void> {
  const { advertiseAddress: address } = cluster;
  if (address === '127.0.0.1' || addressPresent(address)) return;
  const name = dummyInterface(hostIdOf(cluster));
  const made = async (kind: string) => (await ip('link', 'add', name, 'type', kind)).code === 0;
  const present = (await ip('link', 'show', name)).code === 0 || (await made('dummy')) || (await made('bridge'));
  const up = present && (await ip('link', 'set', name, 'up')).code === 0;
  const added = await ip('address', 'add', `${address}/32`, 'dev', up ? name : 'lo');
  if (added.code !== 0 && !addressPresent(address)) {
    throw new Failure(`the address ${address} can't be given to this machine: ${added.stderr.trim()}`, [
      runningAsRoot() ? 'Install iproute2, or give the container the capability NET_ADMIN.' : 'Run as the user who made the cluster: root.',
    ]);
  }
}

/** Takes the advertised address away again. */
export async function removeAdvertised(cluster: Pick<Cluster, 'id' | 'hostId' | 'advertiseAddress'>): Promise<void> {
  if (cluster.advertiseAddress === '127.0.0.1') return;
  await ip('link', 'delete', dummyInterface(hostIdOf(cluster)));
}

/** Whether the kernel takes a NAT table of nftables: tried with a table that is added and deleted in one transaction. */
export async function nftablesWork(id: string): Promise<boolean> {
  const nft = findProgram('nft');
  if (nft === undefined || !runningAsRoot()) return false;
  const table = `ip decklog_${id}_try`;
  const input = [
    `add table ${table}`,
    `add chain ${table} out { type nat hook output priority -105; policy accept; }`,
    `delete table ${table}`,
    '',
  ].join('\n');
  return (await run(nft, ['-f', '-'], { timeoutMs: 10_000, input })).code === 0;
}

/** The tables of the cluster in an `nft list tables`: `decklog_<id>`, of whatever family, and any named on from it. */
export function tablesOf(listing: string, id: string): readonly string[] {
  return listing.split('\n').flatMap((line) => {
    const [, family, name] = /^table (\S+) (\S+)$/.exec(line.trim()) ?? [];
    return name === `decklog_${id}` || name?.startsWith(`decklog_${id}_`) === true ? [`${family} ${name}`] : [];
  });
}

/** The deletions for those lines of `iptables-save` whose comment names the cluster, per table. */
export function deletionsOf(saved: string, id: string): readonly (readonly string[])[] {
  const deletions: string[][] = [];
  let table = 'filter';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (!line.startsWith('-A ')) continue;
    const words = shellWords(line);
    const comment = words[words.indexOf('--comment') + 1] ?? '';
    if (!words.includes('--comment') || !new RegExp(`(^|[^0-9a-z])decklog[^0-9a-z]?(.*[^0-9a-z])?${id}([^0-9a-z]|$)`).test(comment))
      continue;
    deletions.push(['-t', table, '-D', ...words.slice(1)]);
  }
  return deletions;
}

/** Splits as iptables-save quotes: words in double quotes with backslashes. */
function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
}

/** Removes what the cluster put into the packet filters, and gives back the node ports it held on this machine. */
export async function removeFilters(id: string): Promise<void> {
  if (!runningAsRoot()) return;
  const { releaseNodePorts } = await import('#libs/node-adapters');
  await releaseNodePorts(id);
  const nft = findProgram('nft');
  if (nft !== undefined) {
    const listing = await run(nft, ['list', 'tables'], { timeoutMs: 10_000 });
    for (const table of tablesOf(listing.stdout, id)) await run(nft, ['delete', 'table', ...table.split(' ')], { timeoutMs: 10_000 });
  }
  for (const program of ['iptables', 'ip6tables']) {
    const [save, change] = [findProgram(`${program}-save`), findProgram(program)];
    if (save === undefined || change === undefined) continue;
    const saved = await run(save, [], { timeoutMs: 20_000 });
    for (const deletion of deletionsOf(saved.stdout, id)) await run(change, ['-w', '10', ...deletion], { timeoutMs: 20_000 });
  }
}

/** Removes bridges of the cluster that the engine did not take with its networks. */
export async function removeBridges(id: string): Promise<void> {
  const ours = Object.keys(networkInterfaces()).filter((name) => new RegExp(`^dl${id}n\\d+$`).test(name));
  for (const name of ours) await ip('link', 'delete', name);
}
