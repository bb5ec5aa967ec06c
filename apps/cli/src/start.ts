import { rmSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { addressesOf, MOST_NODES } from './addresses.js';
import { allocate, reallocatePorts, release } from './allocation.js';
import type { Allocation } from './allocation.js';
import { connectApi } from './api.js';
import type { Api } from './api.js';
import type { Cluster, ForkOrigin, Layout, ProxyMode, Runtime, Secrets } from './cluster.js';
import { componentsOf, controlPlaneComponents, hostIdOf, nodeName } from './cluster.js';
import type { Bringing } from './components.js';
import { controlPlaneReady, endComponents, nodeReady, startApp } from './components.js';
import { removeEverything } from './delete.js';
import { eachOf } from './docker.js';
import type { Engine } from './engine.js';
import { ensureEngine, ensureNetworkTools } from './engine.js';
import { Failure, messageOf } from './failure.js';
import { checkContext, installContext } from './kubeconfig-file.js';
import { mergeKubeconfig } from './kubeconfig.js';
import type { KubeconfigEntry } from './kubeconfig.js';
import { withProfileLock } from './lock.js';
import { startNats } from './nats.js';
import { ensureAdvertised, nftablesWork } from './network.js';
import { ensurePki, readPair } from './pki.js';
import { startPostgres } from './postgres.js';
import { runningProcess } from './processes.js';
import type { Folders } from './profile.js';
import {
  decklogHome,
  foldersOf,
  loadCluster,
  makeFolders,
  readIfThere,
  runningAsRoot,
  saveCluster,
  secretsOf,
  writeWhole,
} from './profile.js';
import { natsServer } from './programs.js';
import { statusOf } from './status.js';
import { formatDuration } from './terminal.js';
import type { Terminal } from './terminal.js';
import { upstreamFolder } from './upstream.js';
import { productVersion } from './version.js';

/** What `start` was asked for; what is left out stays as it is, or takes its default. */
export interface StartOptions {
  readonly profile: string;
  readonly nodes?: number;
  readonly runtime?: Runtime;
  readonly layout?: Layout;
  readonly proxy?: ProxyMode;
  readonly natsUrl?: string;
  readonly postgresUrl?: string;
  readonly apiPort?: number;
  /** Files that say who may come besides those with certificates: taken over; `none` takes them away. */
  readonly tokenAuthFile?: string;
  readonly authenticationConfig?: string;
  /** Where the audit trail is carried to; `none` takes it away. */
  readonly sinks?: string;
  /** Where signed checkpoints are appended: best on a disk of another machine. */
  readonly checkpointFile?: string;
}

/** Brings the profile's cluster up, making it first where there is none, and returns when it is ready. */
export async function start(options: StartOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const folders = foldersOf(options.profile);
  if (process.platform !== 'linux') throw new Failure(`Decklog runs on Linux, not on ${process.platform}`);
  checkNodes(options.nodes);
  terminal.line('😄', `decklog ${await productVersion()}${options.profile === 'decklog' ? '' : ` [${options.profile}]`}`);
  await withProfileLock(folders.root, 600_000, async () => {
    const known = await loadCluster(options.profile);
    await checkContext(options.profile);
    const made = known === undefined ? await create(options, folders, terminal) : await adapt(known, options, folders, terminal);
    const cluster = await withCheckpointFile(made, options.checkpointFile);
    await takeOver(options.tokenAuthFile, folders.tokenFile);
    await takeOver(options.authenticationConfig, folders.authenticationFile);
    await takeOver(options.sinks, folders.sinksFile);
    const before = statusOf(cluster.profile, cluster, folders).components.filter(({ state }) => state === 'Running');
    try {
      await bringUp(cluster, folders, terminal, signal);
    } catch (error) {
      await undo(cluster, folders, known === undefined, new Set(before.map(({ name }) => name)), terminal).catch((second: unknown) =>
        terminal.warn(`Cleaning up failed too: ${messageOf(second)}`),
      );
      throw error;
    }
  });
  terminal.line('🏄', `Done! kubectl is now configured to use "${options.profile}"; ready in ${formatDuration(Date.now() - began)}`);
}

/** Remembers where checkpoints go. */
async function withCheckpointFile(cluster: Cluster, file: string | undefined): Promise<Cluster> {
  const checkpointFile = file && resolve(file);
  if (checkpointFile === undefined || checkpointFile === cluster.checkpointFile) return cluster;
  const next = { ...cluster, checkpointFile };
  await saveCluster(next);
  return next;
}

/** Copies a file of a person's into the profile, so that the cluster owns what it needs. */
async function takeOver(given: string | undefined, place: string): Promise<void> {
  if (given === undefined) return;
  if (given === 'none') return rm(place, { force: true });
  const content = await readIfThere(given);
  if (content === undefined) throw new Failure(`${given} is not there`, [], 2);
  await writeWhole(place, content);
}

function checkNodes(nodes: number | undefined): void {
  if (nodes !== undefined && (!Number.isInteger(nodes) || nodes < 1 || nodes > MOST_NODES)) {
    throw new Failure(`--nodes must be from 1 to ${MOST_NODES}`, [], 2);
  }
}

async function create(options: StartOptions, folders: Folders, terminal: Terminal): Promise<Cluster> {
  const engine = await findEngine(options.runtime, terminal);
  await terminal.step('📚', 'Descriptions for kubectl explain', async (say) => {
    await upstreamFolder(say).catch((error: unknown) => say(`none: ${messageOf(error)}`));
  });
  await makeFolders(folders);
  let allocation: Allocation | undefined;
  try {
    allocation = await allocate(folders.root, { apiPort: options.apiPort, several: options.layout === 'ha' }, (text) =>
      terminal.warn(text),
    );
    const cluster: Cluster = {
      schema: 1,
      profile: options.profile,
      id: allocation.id,
      index: allocation.index,
      createdAt: new Date().toISOString(),
      runtime: engine.runtime,
      layout: options.layout ?? 'standalone',
      nodes: options.nodes ?? 1,
      advertiseAddress: runningAsRoot() ? addressesOf(allocation.index).advertise : '127.0.0.1',
      proxy: await proxyMode(options.proxy, engine, allocation.id),
      ports: allocation.ports,
      ...(options.natsUrl === undefined ? {} : { natsUrl: options.natsUrl }),
      ...(options.postgresUrl === undefined ? {} : { postgresUrl: options.postgresUrl }),
    };
    await saveCluster(cluster);
    return cluster;
  } catch (error) {
    rmSync(folders.root, { recursive: true, force: true });
    if (allocation !== undefined) await release(allocation.id);
    throw error;
  }
}

/** What was asked for, where the kernel has it; nobody having asked, the kernel's tables where they work. */
async function proxyMode(wanted: ProxyMode | undefined, { runtime }: Engine, id: string): Promise<ProxyMode> {
  if (runtime === 'simulated' || wanted === 'userspace') return 'userspace';
  if (await nftablesWork(id)) return 'nftables';
  if (wanted === 'nftables') throw new Failure('nftables do not work on this machine', ['Leave --proxy out, or give --proxy=userspace.']);
  return 'userspace';
}

async function findEngine(wanted: Runtime | undefined, terminal: Terminal): Promise<Engine> {
  const engine = await terminal.step('🐳', 'Container engine', async (say) => {
    const found = await ensureEngine(wanted, say);
    say(found.title);
    if (found.runtime === 'docker') await ensureNetworkTools(say);
    return found;
  });
  if (engine.runtime === 'simulated') {
    if (engine.why !== undefined) terminal.warn(engine.why);
    terminal.warn("PODS ONLY PRETEND TO RUN: this cluster's nodes are simulated (label decklog.dev/runtime=simulated).");
  }
  return engine;
}

/** What was asked of a cluster that exists. What it is made of can't change; its layout and its nodes can. */
async function adapt(known: Cluster, options: StartOptions, folders: Folders, terminal: Terminal): Promise<Cluster> {
  if (known.fork !== undefined) refuseForFork(known.profile, known.fork, options);
  for (const name of ['runtime', 'proxy', 'natsUrl', 'postgresUrl'] as const) {
    const asked = options[name];
    if (asked === undefined || asked === known[name]) continue;
    const flag = name === 'natsUrl' ? '--nats-url' : name === 'postgresUrl' ? '--postgres-url' : `--${name}`;
    throw new Failure(`the profile "${known.profile}" exists with another ${flag}`, [
      'Delete it first (`./decklog delete`), or choose another with -p.',
    ]);
  }
  if (options.nodes !== undefined && options.nodes < known.nodes) {
    throw new Failure(`the profile "${known.profile}" has ${known.nodes} nodes; taking some away is not possible`, [
      'Delete the profile first.',
    ]);
  }
  if ((await findEngine(known.runtime, terminal)).runtime !== known.runtime) throw new Failure('the container engine is gone');
  await makeFolders(folders);
  const running = statusOf(known.profile, known, folders).state;
  const layout = options.layout ?? known.layout;
  if (layout !== known.layout && (layout === 'ha' || known.layout === 'ha')) {
    const [one, several] = ['a log on one server', 'three servers that keep the log together'];
    throw new Failure(`the profile "${known.profile}" has ${known.layout === 'ha' ? several : one}, which can't be changed`, [
      'Delete it first (`./decklog delete`), or choose another with -p.',
    ]);
  }
  if (layout !== known.layout && running !== 'Stopped')
    throw new Failure('the layout changes only while the cluster is stopped', ['Run `./decklog stop`.']);
  const allocation: Allocation = { id: hostIdOf(known), index: known.index, ports: known.ports, folder: folders.root };
  if (running !== 'Stopped' && (options.tokenAuthFile ?? options.authenticationConfig ?? options.sinks) !== undefined) {
    throw new Failure(
      'who may come, and where the audit trail goes, can be changed only while the cluster is stopped',
      ['Run `./decklog stop` first.'],
      2,
    );
  }
  if (running !== 'Stopped' && options.apiPort !== undefined && options.apiPort !== known.ports.api) {
    throw new Failure("the API server's port changes only while the cluster is stopped", ['Run `./decklog stop`.']);
  }
  const ports = running === 'Stopped' ? await reallocatePorts(allocation, options.apiPort) : known.ports;
  if (ports !== known.ports) terminal.warn(`Another program took a port of this cluster; the API server is now at ${ports.api}.`);
  const cluster: Cluster = { ...known, layout, ports, nodes: options.nodes ?? known.nodes };
  await saveCluster(cluster);
  return cluster;
}

/** What a fork can't be told: its nodes are those of the cluster it was made from, and run in its control plane. */
function refuseForFork(profile: string, fork: ForkOrigin, options: StartOptions): void {
  if (!fork.seeded)
    throw new Failure(`the fork "${profile}" was never finished`, [`Delete it (\`./decklog delete -p ${profile}\`) and fork again.`]);
  if (options.nodes !== undefined) throw new Failure('the nodes of a fork are Node objects: make and delete them with kubectl', [], 2);
  if (options.layout === 'apart' || options.layout === 'ha')
    throw new Failure('the control plane of a fork is one process: leave --layout and --ha out', [], 2);
}

const CONTROL_PLANE_TITLES: Readonly<Record<Layout, string>> = {
  standalone: 'The control plane',
  apart: 'The control plane, each app apart',
  ha: 'The control plane, several of each app',
};

/** How a cluster is brought up that is no common one. */
export interface BringUpOptions {
  /** Work between the start of the log and the database and that of the control plane; `secrets` are their passwords. */
  readonly seed?: (secrets: Secrets) => Promise<void>;
  /** kubectl goes on talking to the cluster it talks to. */
  readonly keepContext?: boolean;
}

/** Starts whatever of the cluster does not run, in order, and returns when all of it is ready. */
export async function bringUp(
  cluster: Cluster,
  folders: Folders,
  terminal: Terminal,
  signal: AbortSignal,
  { seed, keepContext = false }: BringUpOptions = {},
): Promise<void> {
  const secrets = await secretsOf(folders);
  const bringing: Bringing = { cluster, folders, secrets, signal };
  await terminal.step('🔑', 'Certificates and keys', async (say) => {
    await ensureAdvertised(cluster);
    const made = await ensurePki(cluster, folders);
    if (made > 0) say(`${made} made`);
  });
  await terminal.step('📜', 'The log and the database', async (say) => {
    const log = async () => {
      await startNats(cluster, folders, secrets, async () => (await natsServer(say)).path, signal);
    };
    const database = async () => {
      if (cluster.postgresUrl === undefined) await startPostgres(cluster, folders, secrets, say, signal);
    };
    await allOf([log(), database()]);
  });
  await seed?.(secrets);
  const api = await connectApi(cluster, folders);
  await terminal.step('🧭', CONTROL_PLANE_TITLES[cluster.layout], async () => {
    const components = controlPlaneComponents(cluster.layout);
    for (const component of components) await startApp(bringing, component);
    await controlPlaneReady(bringing, components, api);
  });
  if (cluster.nodes > 0) await startNodes(bringing, api, terminal);
  await terminal.step('🔗', 'The kubeconfig', () => writeContexts(cluster, folders, keepContext));
}

async function startNodes(bringing: Bringing, api: Api, terminal: Terminal): Promise<void> {
  const { cluster, folders } = bringing;
  await terminal.step('🖥️ ', cluster.nodes === 1 ? 'The node' : `${cluster.nodes} nodes`, async () => {
    const numbers = Array.from({ length: cluster.nodes }, (_, i) => i + 1);
    const startedAt = new Map<number, number>();
    for (const number of numbers) {
      const running = runningProcess(folders.run, nodeName(number));
      startedAt.set(number, running === undefined ? Date.now() : Date.parse(running.since));
      await startApp(bringing, nodeName(number));
    }
    await eachOf(numbers, 8, (number) => nodeReady(bringing, number, api, startedAt.get(number) ?? 0));
  });
}

/** Waits for all to settle before the first failure goes on, so that nothing runs behind its back. */
async function allOf(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function writeContexts(cluster: Cluster, folders: Folders, keepContext: boolean): Promise<void> {
  const [ca, admin] = await Promise.all([readIfThere(join(folders.pki, 'ca.crt')), readPair(join(folders.pki, 'admin'))]);
  const entry: KubeconfigEntry = {
    name: cluster.profile,
    id: cluster.id,
    server: `https://127.0.0.1:${cluster.ports.api}`,
    authority: ca ?? '',
    certificate: admin?.certificate ?? '',
    key: admin?.key ?? '',
  };
  await writeWhole(folders.kubeconfig, mergeKubeconfig('', entry));
  await installContext(entry, keepContext);
}

/** After a failed start: what it started ends; a cluster it made goes, its logs kept for reading. */
export async function undo(
  cluster: Cluster,
  folders: Folders,
  fresh: boolean,
  before: ReadonlySet<string>,
  terminal: Terminal,
): Promise<void> {
  if (!fresh) {
    await endComponents(
      folders,
      componentsOf(cluster)
        .filter((name) => !before.has(name))
        .reverse(),
    );
    return;
  }
  const kept = join(decklogHome(), '.failed', cluster.profile);
  await rm(kept, { recursive: true, force: true });
  await mkdir(join(kept, '..'), { recursive: true, mode: 0o700 });
  await cp(folders.logs, kept, { recursive: true });
  await removeEverything(cluster, folders);
  terminal.warn(`What had been made was removed again; the logs are in ${kept}.`);
}
