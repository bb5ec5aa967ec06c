import { rmSync } from 'node:fs';

import { formatMicroTime } from '#libs/apimachinery';
import { forkSettings, instantOf, MOMENT_FORMS, parseMoment, type Moment, type SeedRow } from '#libs/history';
import { addressesOf } from '../addresses.js';
import { allocate, release, type Allocation } from '../allocation.js';
import type { Cluster, ForkOrigin } from '../cluster.js';
import { Failure, messageOf } from '../failure.js';
import { checkContext } from '../kubeconfig-file.js';
import { withProfileLock } from '../lock.js';
import { foldersOf, loadCluster, makeFolders, requireCluster, runningAsRoot, saveCluster, writeWhole, type Folders } from '../profile.js';
import { bringUp, undo } from '../start.js';
import { formatDuration, type Terminal } from '../terminal.js';
import { loadAdapters, type Adapters } from './adapters.js';
import { seedLog } from './seeding.js';
import { openSource, readObjects, simulationOf, type Simulation, type Source } from './source.js';

/** What `fork` was asked for. */
export interface ForkOptions {
  /** The new profile, and the one whose past it begins in. */
  readonly name: string;
  readonly profile: string;
  readonly at?: string;
  readonly set: readonly string[];
  readonly speed?: number;
  readonly withoutSecrets?: boolean;
}

/** Beyond this a machine can't keep up with the sum of its nodes' signs of life. */
const MOST_SPEED = 100;
const MOST_NODE_SPEED = 2_000;

/** What a fork is made of. */
interface Plan {
  readonly origin: ForkOrigin;
  readonly rows: readonly SeedRow[];
  readonly simulation: Simulation;
}

/** Makes a new cluster out of another's past and brings it up. What had been made is removed again where that fails. */
export async function fork(options: ForkOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const { name, profile } = options;
  const settings = forkSettings(options.set);
  if ('problem' in settings) throw new Failure(settings.problem, [], 2);
  const folders = foldersOf(name);
  const source = await requireCluster(profile);
  if (source.fork !== undefined)
    throw new Failure(`"${profile}" is a fork itself: its log knows no moments of its own clock`, [`Fork "${source.fork.of}" instead.`]);
  checkSpeed(options.speed ?? 1);
  await withProfileLock(folders.root, 120_000, async () => {
    if ((await loadCluster(name)) !== undefined) {
      throw new Failure(`the profile "${name}" exists already`, [`Choose another name, or delete it: \`./decklog delete -p ${name}\`.`], 2);
    }
    await checkContext(name);
    const adapters = await loadAdapters();
    const plan = await terminal.step('📸', `The past of "${profile}"`, async (say) => {
      const opened = await openSource(source, options.withoutSecrets === true, adapters);
      try {
        return await planOf(opened, options, settings, say);
      } finally {
        await opened.close();
      }
    });
    const cluster = await create(name, folders, plan, terminal);
    try {
      await raise(cluster, plan, folders, adapters, terminal, signal);
    } catch (error) {
      await undo(cluster, folders, true, new Set(), terminal).catch((second: unknown) =>
        terminal.warn(`Cleaning up failed too: ${messageOf(second)}`),
      );
      throw error;
    }
    conclude(name, plan.origin, began, terminal);
  });
}

function checkSpeed(speed: number): void {
  if (speed > MOST_SPEED) throw new Failure(`--speed can be ${MOST_SPEED} at most: the control plane has to keep up with it`, [], 2);
}

async function planOf(
  source: Source,
  options: ForkOptions,
  settings: { readonly schedulerProfile?: string },
  say: (text: string) => void,
): Promise<Plan> {
  const { cluster, seeds } = source;
  const text = options.at ?? 'now';
  const moment = parseMoment(text);
  if (moment === undefined) throw new Failure(`--at ${text} is no moment: it must be ${MOMENT_FORMS}`, [], 2);
  const found = await seeds.newestBy(placeOf(moment));
  if (found === undefined) throw new Failure(`"${cluster.profile}" had not begun at ${text}`, [], 2);
  const rows = await readObjects(source, found.sequence);
  const speed = options.speed ?? 1;
  const nodes = rows.filter(({ group, resource }) => group === '' && resource === 'nodes').length;
  if (nodes * speed > MOST_NODE_SPEED) {
    throw new Failure(
      `${nodes} nodes at ${speed}x are more than the control plane keeps up with`,
      [`Give --speed ${Math.max(1, Math.floor(MOST_NODE_SPEED / nodes))} or less.`],
      2,
    );
  }
  // A moment that names a time begins then, not at the last event before it.
  const time = Math.max(found.time, Math.min(instantOf(moment, Date.now()) ?? found.time, Date.now()));
  say(`state:${found.sequence}, ${new Date(time).toISOString()}: ${rows.length} objects, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`);
  const origin: ForkOrigin = {
    of: cluster.profile,
    clusterId: cluster.id,
    at: found.sequence,
    time: new Date(time).toISOString(),
    speed,
    serviceCidr: addressesOf(cluster.index).serviceCidr,
    ...settings,
    ...(options.withoutSecrets === true ? { withoutSecrets: true } : {}),
    seeded: false,
  };
  return { origin, rows, simulation: await simulationOf(source, found.sequence, rows) };
}

const placeOf = (moment: Moment): { readonly sequence: number } | { readonly time: number } =>
  moment.kind === 'sequence' ? { sequence: moment.sequence } : { time: instantOf(moment, Date.now()) ?? 0 };

async function create(name: string, folders: Folders, { origin }: Plan, terminal: Terminal): Promise<Cluster> {
  await makeFolders(folders);
  let allocation: Allocation | undefined;
  try {
    allocation = await allocate(folders.root, undefined, (text) => terminal.warn(text));
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
  plan: Plan,
  folders: Folders,
  adapters: Adapters,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { origin, rows, simulation } = plan;
  const now = formatMicroTime(Date.parse(origin.time));
  await writeWhole(folders.clockFile, `${JSON.stringify({ now, ceiling: now, speed: origin.speed })}\n`);
  await writeWhole(folders.simulationFile, `${JSON.stringify(simulation)}\n`);
  const seed: NonNullable<Parameters<typeof bringUp>[4]>['seed'] = (secrets) =>
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

function conclude(name: string, { of, at, time, speed }: ForkOrigin, began: number, terminal: Terminal): void {
  terminal.line('🍴', `Done! "${name}" is "${of}" as it was at state:${at} (${time}); forked in ${formatDuration(Date.now() - began)}`);
  terminal.warn(`PODS ONLY PRETEND TO RUN. Its clock runs at ${speed}x; kubectl still talks to the cluster it did.`);
  terminal.line('👉', `decklog kubectl -p ${name} -- get pods -A     looks at it (or kubectl --context ${name})`);
  terminal.line('👉', `decklog compare ${name}     shows how it differs from what really happened`);
}
