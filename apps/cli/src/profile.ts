import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Cluster, Secrets } from './cluster.js';
import { validProfile } from './cluster.js';
import { codeOf, Failure } from './failure.js';

/** Where a profile's files are. */
export interface Folders {
  /** `~/.decklog/<profile>`, mode 0700. */
  readonly root: string;
  readonly pki: string;
  readonly logs: string;
  /** Records of processes. */
  readonly run: string;
  readonly nats: string;
  readonly nodes: string;
  readonly clusterFile: string;
  readonly secretsFile: string;
  readonly sealingKey: string;
  /** Signed checkpoints, one a line, unless the cluster names another file. */
  readonly checkpointFile: string;
  /** Users of static tokens, and issuers of others: there where `start` was given them. */
  readonly tokenFile: string;
  readonly authenticationFile: string;
  /** Where the audit trail goes: there where `start` was given it. */
  readonly sinksFile: string;
  /** Of a fork: the time it lives by, and what its simulated nodes know. */
  readonly clockFile: string;
  readonly simulationFile: string;
  /** A kubeconfig with this cluster alone, for the launcher's own calls. */
  readonly kubeconfig: string;
}

/** The home of whoever runs this, as HOME has it. */
export function home(): string {
  const named = process.env['HOME'] ?? '';
  return named.startsWith('/') ? named : homedir();
}

/** The folder of all profiles: `~/.decklog`. */
export function decklogHome(): string {
  return join(home(), '.decklog');
}

export function foldersOf(profile: string): Folders {
  if (!validProfile(profile)) {
    throw new Failure(
      `"${profile}" is no name for a profile`,
      ['Use lower-case letters, digits and "-", at most 50, starting and ending with a letter or digit.'],
      2,
    );
  }
  const root = join(decklogHome(), profile);
  return {
    root,
    pki: join(root, 'pki'),
    logs: join(root, 'logs'),
    run: join(root, 'run'),
    nats: join(root, 'nats'),
    nodes: join(root, 'nodes'),
    clusterFile: join(root, 'cluster.json'),
    secretsFile: join(root, 'secrets.json'),
    sealingKey: join(root, 'sealing.key'),
    checkpointFile: join(root, 'checkpoints.ndjson'),
    tokenFile: join(root, 'pki', 'tokens.csv'),
    sinksFile: join(root, 'sinks.yaml'),
    authenticationFile: join(root, 'pki', 'authentication.yaml'),
    clockFile: join(root, 'clock.json'),
    simulationFile: join(root, 'simulation.json'),
    kubeconfig: join(root, 'kubeconfig'),
  };
}

/** Folder of what other users must reach, when root: Postgres runs as its own user. Named by id: homes may repeat names. */
export function sharedFolder(cluster: Pick<Cluster, 'profile' | 'id'>): string {
  return join(SYSTEM_FOLDER, `${cluster.profile}-${cluster.id}`);
}

export const SYSTEM_FOLDER = '/var/lib/decklog';

export function runningAsRoot(): boolean {
  return process.getuid?.() === 0;
}

export async function makeFolders(folders: Folders): Promise<void> {
  for (const folder of [decklogHome(), folders.root, folders.pki, folders.logs, folders.run, folders.nats, folders.nodes]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await chmod(folders.root, 0o700);
}

/** Writes a file so that a reader sees the old content or the new, never a part; only the owner may read it. */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const fresh = `${path}.${randomBytes(4).toString('hex')}.new`;
  await writeFile(fresh, content, { mode, flag: 'wx', flush: true });
  await rename(fresh, path);
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export async function loadCluster(profile: string): Promise<Cluster | undefined> {
  const { clusterFile } = foldersOf(profile);
  const text = await readIfThere(clusterFile);
  if (text === undefined) return undefined;
  try {
    return asCluster(JSON.parse(text) as unknown);
  } catch (error) {
    throw new Failure(`${clusterFile} can't be read: it is damaged or of another version`, ['`./decklog delete` removes the profile.'], 1, {
      cause: error,
    });
  }
}

function asCluster(value: unknown): Cluster {
  const cluster = value as Partial<Cluster> | null;
  const whole =
    cluster?.schema === 1 &&
    typeof cluster.profile === 'string' &&
    typeof cluster.id === 'string' &&
    /^[0-9a-f]{6}$/.test(cluster.id) &&
    typeof cluster.index === 'number' &&
    typeof cluster.nodes === 'number' &&
    typeof cluster.ports === 'object';
  if (!whole) throw new TypeError('not a cluster of schema 1');
  return cluster as Cluster;
}

/** The profile's cluster; a Failure with exit code 1 where there is none. */
export async function requireCluster(profile: string): Promise<Cluster> {
  const cluster = await loadCluster(profile);
  if (cluster !== undefined) return cluster;
  throw new Failure(`Profile "${profile}" not found.`, [
    'Run "./decklog profile list" to view all profiles.',
    `To start a cluster, run: "./decklog start${profile === 'decklog' ? '' : ` -p ${profile}`}"`,
  ]);
}

export async function saveCluster(cluster: Cluster): Promise<void> {
  await writeWhole(foldersOf(cluster.profile).clusterFile, `${JSON.stringify(cluster, undefined, 2)}\n`);
}

/** The cluster's passwords. One that is missing, since the profile is new or of an older version, is drawn and kept. */
export async function secretsOf(folders: Folders): Promise<Secrets> {
  const text = await readIfThere(folders.secretsFile);
  const known = text === undefined ? {} : (JSON.parse(text) as Partial<Secrets>);
  const draw = (): string => randomBytes(24).toString('hex');
  const { nats = draw(), natsArchiver = draw(), natsBackup = draw(), natsRoute = draw(), postgres = draw() } = known;
  const secrets: Secrets = { ...known, nats, natsArchiver, natsBackup, natsRoute, postgres };
  const isComplete = (Object.keys(secrets) as (keyof Secrets)[]).every((name) => known[name] !== undefined);
  if (!isComplete) await writeWhole(folders.secretsFile, JSON.stringify(secrets));
  return secrets;
}

/** Names of all profiles of this user, those left half-made by a killed start included. */
export async function profileNames(): Promise<readonly string[]> {
  if (!existsSync(decklogHome())) return [];
  const entries = await readdir(decklogHome(), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && validProfile(entry.name))
    .map((entry) => entry.name)
    .sort();
}
