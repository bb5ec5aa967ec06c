import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

/** Where the clusters of a machine say which node ports each holds on it. Gone after a reboot, as the ports are. */
export const NODE_PORT_CLAIMS = '/run/decklog/node-ports';

/** What a cluster got of what it wanted. `refused` maps a claim to the cluster that has it. */
export interface NodePortClaims {
  readonly held: ReadonlySet<string>;
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Makes the wanted node ports (`tcp-30080`) the cluster's own on this machine, and gives back those it no
 * longer wants. The first cluster to claim a port has it; several nodes of one cluster hold it together.
 */
export async function claimNodePorts(cluster: string, wanted: ReadonlySet<string>, dir = NODE_PORT_CLAIMS): Promise<NodePortClaims> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  for (const claim of await readdir(dir)) {
    if (!wanted.has(claim) && (await holder(dir, claim)) === cluster) await rm(path.join(dir, claim), { force: true });
  }
  const held = new Set<string>();
  const refused = new Map<string, string>();
  for (const claim of wanted) {
    const owner = await claimOne(dir, claim, cluster);
    if (owner === cluster) held.add(claim);
    else refused.set(claim, owner);
  }
  return { held, refused };
}

/** Gives back every node port a cluster holds: when it stops or is deleted. */
export async function releaseNodePorts(cluster: string, dir = NODE_PORT_CLAIMS): Promise<void> {
  const claims = await readdir(dir).catch(() => []);
  for (const claim of claims) if ((await holder(dir, claim)) === cluster) await rm(path.join(dir, claim), { force: true });
}

const holder = (dir: string, claim: string): Promise<string | undefined> => readFile(path.join(dir, claim), 'utf8').catch(() => undefined);

async function claimOne(dir: string, claim: string, cluster: string): Promise<string> {
  try {
    const file = await open(path.join(dir, claim), 'wx');
    await file.writeFile(cluster);
    await file.close();
    return cluster;
  } catch {
    return (await holder(dir, claim)) ?? 'unknown';
  }
}
