import { existsSync, rmSync } from 'node:fs';

import { formatMicroTime } from '#libs/apimachinery';
import { addressesOf } from '../addresses.js';
import { allocate, release, type Allocation } from '../allocation.js';
import type { Cluster, ForkOrigin } from '../cluster.js';
import { Failure, messageOf } from '../failure.js';
import { checkContext } from '../kubeconfig-file.js';
import { withProfileLock } from '../lock.js';
import { foldersOf, loadCluster, makeFolders, requireCluster, runningAsRoot, saveCluster, writeWhole, type Folders } from '../profile.js';
import { kubectl } from '../programs.js';
import { mustRun } from '../run.js';
import { bringUp, undo, type BringUpOptions } from '../start.js';
import { formatDuration, type Terminal } from '../terminal.js';
import { loadAdapters, type Adapters } from './adapters.js';
import { checkOptions, planOf, type ForkOptions, type Plan } from './plan.js';
import { Replay } from './replay.js';
import { seedLog } from './seeding.js';
import { openSource } from './source.js';

const LOCK_WAIT_MS = 120_000;
const APPLY_WITHIN_MS = 120_000;

/** Makes a new cluster out of another's past and brings it up. What had been made is removed again where that fails. */
export async function fork(options: ForkOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const { name, profile, apply } = options;
  checkOptions(options);
  if (apply !== undefined && !existsSync(apply)) throw new Failure(`${apply} is not there`, [], 2);
  const folders = foldersOf(name);
  const source = await requireCluster(profile);
  if (source.fork !== undefined) {
    const { of } = source.fork;
    throw new Failure(`"${profile}" is a fork itself: its log knows no moments of its own clock`, [`Fork "${of}" instead.`], 2);
  }
  const { cluster, plan } = await withProfileLock(folders.root, LOCK_WAIT_MS, async () => {
    if ((await loadCluster(name)) !== undefined) {
      throw new Failure(`the profile "${name}" exists already`, [`Choose another name, or delete it: \`./decklog delete -p ${name}\`.`], 2);
    }
    await checkContext(name);
    const adapters = await loadAdapters();
    const made = await terminal.step('📸', `The past of "${profile}"`, async (say) => {
      const opened = await openSource(source, options.withoutSecrets === true, adapters);
      try {
        return await planOf(opened, options, say);
      } finally {
        await opened.close();
      }
    });
    return {
      plan: made,
      cluster: await raised(name, folders, { plan: made, adapters, ...(apply === undefined ? {} : { apply }) }, terminal, signal),
    };
  });
  const { origin, acts } = plan;
  const took = formatDuration(Date.now() - began);
  terminal.line('🍴', `"${name}" is "${origin.of}" as it was at state:${origin.at} (${origin.time}); forked in ${took}`);
  if (origin.excludeRoot !== undefined || origin.replay === true) await replay(cluster, folders, acts, terminal, signal);
  conclude(name, origin, terminal);
}

/** What a fork is raised from. */
interface Material {
  readonly plan: Plan;
  readonly adapters: Adapters;
  readonly apply?: string;
}

/** Makes the cluster and brings it up, or leaves nothing of it. */
async function raised(name: string, folders: Folders, material: Material, terminal: Terminal, signal: AbortSignal): Promise<Cluster> {
  const cluster = await create(name, folders, material.plan, terminal);
  try {
    await raise(cluster, folders, material, terminal, signal);
    if (material.apply !== undefined) await applied(material.apply, folders, terminal);
    return cluster;
  } catch (error) {
    await undo(cluster, folders, true, new Set(), terminal).catch((second: unknown) =>
      terminal.warn(`Cleaning up failed too: ${messageOf(second)}`),
    );
    throw error;
  }
}

async function create(name: string, folders: Folders, { origin }: Plan, terminal: Terminal): Promise<Cluster> {
  await makeFolders(folders);
  let allocation: Allocation | undefined;
  try {
    allocation = await allocate(folders.root, {}, (text) => terminal.warn(text));
    const cluster: Cluster = {
      schema: 1,
      profile: name,
      id: allocation.id,
      index: allocation.index,
      createdAt: new Date().toISOString(),
      runtime: 'simulated',
      layout: 'standalone',
      nodes: 0,
      advertiseAddress: runningAsRoot() ? addressesOf(allocation.index).advertise : '127.0.0.1',
      proxy: 'userspace',
      ports: allocation.ports,
      fork: origin,
    };
    await saveCluster(cluster);
    return cluster;
  } catch (error) {
    rmSync(folders.root, { recursive: true, force: true });
    if (allocation !== undefined) await release(allocation.id);
    throw error;
  }
}

async function raise(
  cluster: Cluster,
  folders: Folders,
  { plan, adapters }: Material,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { origin, rows, simulation } = plan;
  const now = formatMicroTime(Date.parse(origin.time));
  await writeWhole(folders.clockFile, `${JSON.stringify({ now, ceiling: now, speed: origin.speed })}\n`);
  await writeWhole(folders.simulationFile, `${JSON.stringify(simulation)}\n`);
  const seed: BringUpOptions['seed'] = (secrets) =>
    terminal.step('🌱', 'What was there', async (say) => {
      const seeded = await seedLog(cluster, origin, folders, secrets, rows, adapters);
      for (const line of seeded.leftOut) say(line);
      for (const node of simulation.silentNodes) say(`${node} did not answer then, and does not here`);
      const failing = Object.keys(simulation.failingImages).length;
      if (failing > 0) say(`${failing} ${failing === 1 ? 'image' : 'images'} that could not be pulled can't be here either`);
      await saveCluster({ ...cluster, fork: { ...origin, seeded: true } });
    });
  await bringUp(cluster, folders, terminal, signal, { seed, keepContext: true });
}

/** What is to be otherwise, as server-side apply of whoever forks. */
async function applied(file: string, folders: Folders, terminal: Terminal): Promise<void> {
  await terminal.step('📝', `What ${file} says`, async (say) => {
    const { path } = await kubectl(say);
    const flags = ['apply', '--server-side', '--force-conflicts', '--field-manager=decklog-fork', '-f', file];
    const stdout = await mustRun(path, flags, { timeoutMs: APPLY_WITHIN_MS, env: { ...process.env, KUBECONFIG: folders.kubeconfig } });
    for (const line of stdout.trim().split('\n')) say(line);
  });
}

/** Does again what people did. Cut short, the fork stays, and goes on without the rest. */
async function replay(cluster: Cluster, folders: Folders, acts: Plan['acts'], terminal: Terminal, signal: AbortSignal): Promise<void> {
  if (acts.length === 0) {
    terminal.line('🎬', 'Nobody did anything after that: the fork goes on by itself.');
    return;
  }
  const again = await Replay.open(cluster, folders);
  try {
    await again.run(acts, terminal, signal);
  } catch (error) {
    terminal.warn(`The fork stays, without what had not been done again yet (\`./decklog delete -p ${cluster.profile}\` removes it).`);
    throw error;
  } finally {
    again.close();
  }
}

function conclude(name: string, { speed, excludeRoot }: ForkOrigin, terminal: Terminal): void {
  if (excludeRoot !== undefined) terminal.line('✂️ ', `state:${excludeRoot} did not happen here, nor what it caused.`);
  terminal.warn(`PODS ONLY PRETEND TO RUN. The clock runs at ${speed}x. kubectl still talks to the cluster it did.`);
  terminal.line('👉', `decklog kubectl -p ${name} -- get pods -A     looks at it (or kubectl --context ${name})`);
  terminal.line('👉', `decklog compare ${name}     shows how it differs from what really happened`);
}
