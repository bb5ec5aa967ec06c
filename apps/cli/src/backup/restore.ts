import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { backedUp, type BackupManifest } from '#libs/history';
import { findingText } from '#libs/log';
import { addressesOf } from '../addresses.js';
import { allocateAgain, release } from '../allocation.js';
import { archiveFolderOf } from '../archive/folder.js';
import type { Cluster, Secrets } from '../cluster.js';
import { codeOf, Failure, messageOf } from '../failure.js';
import { loadAdapters, type Adapters } from '../fork/adapters.js';
import { findingsOf } from '../history/verify.js';
import { checkContext } from '../kubeconfig-file.js';
import { withProfileLock } from '../lock.js';
import { logPlaceOf, logReplicasOf, restorerUrlOf, startNats } from '../nats.js';
import { until } from '../polling.js';
import { postgresUrlOf } from '../postgres.js';
import { foldersOf, loadCluster, makeFolders, profileNames, readIfThere, runningAsRoot, saveCluster, type Folders } from '../profile.js';
import { natsServer } from '../programs.js';
import { rebuildProjection } from '../rebuild.js';
import { bringUp, undo } from '../start.js';
import { formatDuration, type Terminal } from '../terminal.js';
import { placesText, toldNowAndThen } from './backup.js';
import { placeKeys, readKeys, type KeysFile } from './keys.js';
import { CLUSTER_FILE, parseCluster, type BackedUpCluster } from './origin.js';

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly profile: string;
  readonly file: string;
  /** What `backup --keys` wrote. */
  readonly keys?: string;
  /** The folder of what had been archived. */
  readonly archive?: string;
  /** How many sequences of each stream are left out. */
  readonly skip: number;
  /** A log's server of someone else's, with the credentials of who may restore: the streams alone are made there. */
  readonly natsUrl?: string;
  /** How many copies it is to keep of each. */
  readonly replicas?: number;
}

const LOCK_WAIT_MS = 120_000;
const RESTORER_WITHIN_MS = 10_000;

/** A backup that was read from its first byte to its last. */
interface Whole {
  readonly file: string;
  readonly manifest: BackupManifest;
  readonly files: ReadonlyMap<string, string>;
}

/** Makes a cluster out of a backup, verifies it and brings it up; or, given a server of someone else's, the streams of its log alone. */
export async function restore(options: RestoreOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const file = resolve(options.file);
  if (!existsSync(file)) throw new Failure(`${file} is not there`, [], 2);
  const adapters = await loadAdapters();
  const whole = await terminal.step('🔎', `Reading ${file}`, async (say) => {
    const { manifest, files } = await adapters.checkBackup(file, signal).catch((error: unknown) => {
      if (error instanceof adapters.BackupDamaged) throw new Failure(error.message, ['Nothing was restored.'], 1, { cause: error });
      throw error;
    });
    say(`cluster ${manifest.cluster} as it was on ${manifest.takenAt}, at ${placesText(manifest)}; every byte is what was written`);
    return { file, manifest, files };
  });
  if (options.natsUrl !== undefined) return restoreStreams(adapters, whole, { ...options, natsUrl: options.natsUrl }, terminal, signal);
  const cluster = await restoreProfile(adapters, whole, options, terminal, signal);
  conclude(cluster, whole.manifest, options.skip, Date.now() - began, terminal);
}

async function restoreStreams(
  { restoreBackup }: Adapters,
  { file, manifest }: Whole,
  { natsUrl: url, skip, replicas }: RestoreOptions & { readonly natsUrl: string },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  await terminal
    .step('📜', 'Making the streams of the log', (say) =>
      restoreBackup({ file, manifest, url, skip, signal, progress: toldNowAndThen(say), ...(replicas === undefined ? {} : { replicas }) }),
    )
    .catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new Failure(
        `the log was not restored: ${messageOf(error)}`,
        ['Streams that were made already are whole. Remove them before trying again: nobody but the owner of that server may.'],
        1,
        { cause: error },
      );
    });
  terminal.line('📜', `The log is there, at ${placesText(manifest)}. Start the control plane with CLUSTER=${manifest.cluster}`);
  terminal.line('👉', 'and a database that is empty: the projector builds the projection. `./decklog verify` then compares all of it.');
}

async function restoreProfile(
  adapters: Adapters,
  whole: Whole,
  options: RestoreOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Cluster> {
  const { profile } = options;
  const { manifest, files } = whole;
  const origin = originOf(whole.file, files.get(CLUSTER_FILE));
  if (options.keys === undefined) {
    throw new Failure('the keys of the cluster are needed: without them nobody can be let in, nor any Secret be read', [
      'Give the file that `./decklog backup FILE --keys KEYFILE` wrote with --keys.',
    ]);
  }
  const keys = await readKeys(resolve(options.keys), manifest.cluster);
  const archive = options.archive === undefined ? undefined : resolve(options.archive);
  if (manifest.archived > 0 && archive === undefined) {
    throw new Failure(`the log had been archived up to state:${manifest.archived}, and the archive is not part of a backup`, [
      'Say with --archive where its folder is.',
    ]);
  }
  const folders = foldersOf(profile);
  return withProfileLock(folders.root, LOCK_WAIT_MS, async () => {
    await refuseExisting(profile, folders);
    await checkContext(profile);
    const cluster = await create(profile, folders, origin, archive, keys, terminal);
    try {
      await raise(adapters, whole, cluster, folders, options.skip, terminal, signal);
      return cluster;
    } catch (error) {
      await undo(cluster, folders, true, new Set(), terminal).catch((second: unknown) =>
        terminal.warn(`Cleaning up failed too: ${messageOf(second)}`),
      );
      throw error;
    }
  });
}

function originOf(file: string, text: string | undefined): BackedUpCluster {
  if (text === undefined)
    throw new Failure(`${file} was made of a cluster that has no profile`, ['Give the log it is to be restored to with --nats-url.'], 2);
  try {
    return parseCluster(text);
  } catch (error) {
    throw new Failure(`${file} can't be used: ${messageOf(error)}`, [], 1, { cause: error });
  }
}

async function refuseExisting(profile: string, folders: Folders): Promise<void> {
  if ((await loadCluster(profile)) === undefined && !(await profileNames()).includes(profile)) return;
  throw new Failure(
    `the profile "${profile}" exists already, in ${folders.root}`,
    ['Nothing is written over: choose another name with -p, or `./decklog delete` it first.'],
    2,
  );
}

/** The profile with its keys. Where the cluster itself is on this machine, one beside it, whose nodes are simulated. */
async function create(
  profile: string,
  folders: Folders,
  origin: BackedUpCluster,
  archive: string | undefined,
  keys: KeysFile,
  terminal: Terminal,
): Promise<Cluster> {
  await makeFolders(folders);
  let taken: string | undefined;
  try {
    const { id: hostId, ports } = await allocateAgain(folders.root, origin, { several: origin.layout === 'ha' });
    taken = hostId;
    const isBeside = hostId !== origin.id;
    if (isBeside && origin.runtime === 'docker') {
      terminal.warn('PODS ONLY PRETEND TO RUN: the addresses of the cluster are in use on this machine, most likely by itself.');
    }
    const cluster: Cluster = {
      schema: 1,
      ...origin,
      profile,
      createdAt: new Date().toISOString(),
      ports,
      ...(isBeside
        ? { hostId, runtime: 'simulated', proxy: 'userspace', advertiseAddress: '127.0.0.1' }
        : { advertiseAddress: runningAsRoot() ? addressesOf(origin.index).advertise : '127.0.0.1' }),
      ...(archive === undefined ? {} : { archive }),
    };
    await placeKeys(keys, folders);
    await saveCluster(cluster);
    return cluster;
  } catch (error) {
    rmSync(folders.root, { recursive: true, force: true });
    if (taken !== undefined) await release(taken);
    throw error;
  }
}

async function raise(
  adapters: Adapters,
  { file, manifest }: Whole,
  cluster: Cluster,
  folders: Folders,
  skip: number,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const seed = async (secrets: Secrets): Promise<void> => {
    await terminal.step('📜', 'The log as it was', (say) =>
      asRestorer(cluster, folders, secrets, signal, (url) =>
        adapters.restoreBackup({ file, manifest, url, skip, replicas: logReplicasOf(cluster), signal, progress: toldNowAndThen(say) }),
      ),
    );
    await rebuildProjection(cluster, folders, { check: false }, terminal, signal);
    await terminal.step('🔏', 'Verifying the history', (say) => verified(adapters, cluster, folders, secrets, say, signal));
  };
  await bringUp(cluster, folders, terminal, signal, { seed, keepContext: true });
}

/** Lets a restorer in for as long as it takes. */
async function asRestorer(
  cluster: Cluster,
  folders: Folders,
  secrets: Secrets,
  signal: AbortSignal,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const natsRestorer = randomBytes(24).toString('hex');
  const running = () => natsServer(() => undefined).then(({ path }) => path);
  await startNats(cluster, folders, { ...secrets, natsRestorer }, running, signal);
  // A server that runs takes new users over a moment after it was told.
  const attempt = async (): Promise<true | undefined> => {
    try {
      await work(restorerUrlOf(cluster, natsRestorer));
      return true;
    } catch (error) {
      if (codeOf(error) === 'AUTHORIZATION_VIOLATION') return undefined;
      throw error;
    }
  };
  try {
    await until(attempt, { forMs: RESTORER_WITHIN_MS, what: 'the log to let its restorer in', signal });
  } finally {
    await startNats(cluster, folders, secrets, running, signal);
  }
}

async function verified(
  { MIGRATIONS, verifyWholeHistory }: Adapters,
  cluster: Cluster,
  folders: Folders,
  secrets: Secrets,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const publicKey = await readIfThere(join(folders.pki, 'checkpoint.pub'));
  const places = {
    log: logPlaceOf(cluster, secrets),
    postgres: { url: postgresUrlOf(cluster, secrets), cluster: cluster.id, migrations: MIGRATIONS },
    archive: archiveFolderOf(cluster, folders),
    file: folders.checkpointFile,
    ...(publicKey === undefined ? {} : { publicKey }),
  };
  const result = await verifyWholeHistory(places, { signal });
  const [finding] = findingsOf(result);
  if (finding) throw new Failure(`the history in the backup is not what it was: ${findingText(finding)}`, ['Take an older backup.']);
  const events = result.streams.reduce((sum, stream) => sum + stream.events, 0);
  say(`${events} events and ${result.checkpoints[0]?.count ?? 0} signed checkpoints are what they were`);
}

function conclude(cluster: Cluster, manifest: BackupManifest, skip: number, tookMs: number, terminal: Terminal): void {
  const { profile } = cluster;
  const last = backedUp(manifest, 'state');
  terminal.line(
    '⚓',
    `"${profile}" is cluster ${manifest.cluster} as it was at state:${last} (${manifest.takenAt}); restored in ${formatDuration(tookMs)}`,
  );
  terminal.warn(`What was written after that is lost. resourceVersions go on at ${last + skip + 1}, so that none means two things.`);
  terminal.line('👉', `decklog kubectl -p ${profile} -- get pods -A     looks at it (or kubectl --context ${profile})`);
}
