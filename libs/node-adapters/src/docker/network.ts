import Docker from 'dockerode';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The label of everything on the machine that belongs to a cluster. */
export const CLUSTER_LABEL = 'dev.decklog.cluster';

/** A node's network: the bridge its pods hang on, whose gateway is the node's address. */
export interface NodeNetwork {
  readonly cluster: string;
  readonly node: string;
  /** Of the bridge and of the Docker network: `dl<id>n<k>`, at most 15 characters. */
  readonly name: string;
  /** The node's range of pod addresses. */
  readonly podCidr: string;
  readonly gateway: string;
  /** The range of all pods of the cluster, which is not to be masqueraded within. */
  readonly clusterCidr: string;
}

const commentOf = (cluster: string): string => `decklog:${cluster}`;

/** `dl<id>n<k>` of the k-th /24 of a cluster. */
export const bridgeName = (cluster: string, podCidr: string): string => `dl${cluster}n${podCidr.split('.')[2] ?? '0'}`.slice(0, 15);

/** Creates the node's bridge and the cluster's packet rules where they are missing. */
export async function ensureNodeNetwork(docker: Docker, network: NodeNetwork): Promise<void> {
  const existing = await inspectNetwork(docker, network.name);
  const subnet = existing?.IPAM?.Config?.[0]?.Subnet;
  if (existing && subnet !== network.podCidr) {
    throw new Error(`the Docker network ${network.name} exists with the range ${subnet ?? 'none'}, not ${network.podCidr}`);
  }
  if (!existing) await createBridge(docker, network);
  await ensureRules(network);
}

async function inspectNetwork(docker: Docker, name: string): Promise<Docker.NetworkInspectInfo | undefined> {
  try {
    return (await docker.getNetwork(name).inspect()) as Docker.NetworkInspectInfo;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

async function createBridge(docker: Docker, network: NodeNetwork): Promise<void> {
  const { Version } = await docker.version();
  const unprotected = Number(Version.split('.')[0]) >= 28 ? { 'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected' } : {};
  await docker.createNetwork({
    Name: network.name,
    CheckDuplicate: true,
    Driver: 'bridge',
    IPAM: { Driver: 'default', Config: [{ Subnet: network.podCidr, Gateway: network.gateway }] },
    Options: {
      'com.docker.network.bridge.name': network.name,
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
      ...unprotected,
    },
    Labels: { [CLUSTER_LABEL]: network.cluster, 'dev.decklog.node': network.node },
  });
}

/** Pods reach each other across bridges, are reached through node ports, and reach the world under the node's address. */
function rulesOf({
  cluster,
  clusterCidr,
}: Pick<NodeNetwork, 'cluster' | 'clusterCidr'>): readonly { table: string; chain: string; rule: readonly string[] }[] {
  const comment = ['-m', 'comment', '--comment', commentOf(cluster)];
  return [
    { table: 'filter', chain: 'DOCKER-USER', rule: ['-s', clusterCidr, '-d', clusterCidr, ...comment, '-j', 'ACCEPT'] },
    {
      table: 'filter',
      chain: 'DOCKER-USER',
      rule: ['-d', clusterCidr, '-m', 'conntrack', '--ctstate', 'DNAT', ...comment, '-j', 'ACCEPT'],
    },
    { table: 'nat', chain: 'POSTROUTING', rule: ['-s', clusterCidr, '!', '-d', clusterCidr, ...comment, '-j', 'MASQUERADE'] },
  ];
}

const iptables = (...args: readonly string[]): Promise<{ stdout: string }> => run('iptables', ['-w', '10', ...args]);

async function ensureRules(network: NodeNetwork): Promise<void> {
  for (const { table, chain, rule } of rulesOf(network)) {
    const there = await iptables('-t', table, '-C', chain, ...rule).then(
      () => true,
      () => false,
    );
    if (!there) await iptables('-t', table, '-I', chain, '1', ...rule);
  }
}

/** Lets a pod reach itself through its service: frames may leave a bridge's port by which they came. */
export async function enableHairpin(bridge: string): Promise<void> {
  const ports = `/sys/class/net/${bridge}/brif`;
  for (const port of await readdir(ports).catch(() => [])) {
    const file = `${ports}/${port}/hairpin_mode`;
    const mode = await readFile(file, 'utf8').catch(() => '1');
    // The port may go while we look: then there is nothing to set.
    if (mode.trim() !== '1') await writeFile(file, '1').catch(() => undefined);
  }
}

async function removeRules(cluster: string): Promise<void> {
  for (const [table, chain] of [
    ['filter', 'DOCKER-USER'],
    ['nat', 'POSTROUTING'],
  ] as const) {
    const { stdout } = await iptables('-t', table, '-S', chain).catch(() => ({ stdout: '' }));
    const mine = stdout.split('\n').filter((line) => new RegExp(`--comment "?${commentOf(cluster)}"?( |$)`).test(line));
    for (const line of mine) {
      const rule = line.split(' ').map((word) => word.replace(/^"|"$/g, ''));
      await iptables('-t', table, '-D', ...rule.slice(1));
    }
  }
}

/** Removes the bridges and packet rules of a cluster, and nothing of any other. Its containers must be gone. */
export async function removeClusterNetworks(cluster: string, socketPath = '/var/run/docker.sock'): Promise<void> {
  const docker = new Docker({ socketPath });
  const networks = await docker.listNetworks({ filters: { label: [`${CLUSTER_LABEL}=${cluster}`] } });
  for (const { Id } of networks) await docker.getNetwork(Id).remove();
  await removeRules(cluster);
}

/** Removes every container of a cluster, running or not, with its anonymous volumes. */
export async function removeClusterContainers(cluster: string, socketPath = '/var/run/docker.sock'): Promise<void> {
  const docker = new Docker({ socketPath });
  const containers = await docker.listContainers({ all: true, filters: { label: [`${CLUSTER_LABEL}=${cluster}`] } });
  const removeAll = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) {
      await docker
        .getContainer(id)
        .remove({ force: true, v: true })
        .catch((error: unknown) => {
          const { statusCode } = error as { statusCode?: number };
          if (statusCode !== 404 && statusCode !== 409) throw error;
        });
    }
  };
  const lanes = 4;
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) => removeAll(containers.filter((_c, at) => at % lanes === lane).map(({ Id }) => Id))),
  );
}
