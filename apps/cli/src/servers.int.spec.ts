import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { choosePorts } from './allocation.js';
import { makeCertificates } from './certificates-command.js';
import type { Cluster } from './cluster.js';
import { endComponents } from './components.js';
import { removeFolder } from './delete.js';
import { startNats } from './nats.js';
import { startPostgres } from './postgres.js';
import { ensurePki, fits, readPair, wantedPairs } from './pki.js';
import { processesIn, runningProcess } from './processes.js';
import { foldersOf, makeFolders, runningAsRoot, secretsOf, sharedFolder } from './profile.js';
import type { Folders } from './profile.js';
import { natsServer } from './programs.js';
import { until } from './polling.js';

const homeBefore = process.env['HOME'];
const cache = process.env['DECKLOG_CACHE'];
let temporary: string;
let cluster: Cluster;
let folders: Folders;
const never = new AbortController().signal;

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'decklog-servers-'));
  process.env['DECKLOG_CACHE'] ??= join(homeBefore ?? '', '.cache', 'decklog');
  process.env['HOME'] = temporary;
  const id = process.pid.toString(16).padStart(6, '0').slice(-6);
  const ports = await choosePorts(new Set(), {});
  cluster = {
    schema: 1,
    profile: 'spec',
    id,
    index: 0,
    createdAt: '',
    runtime: 'simulated',
    layout: 'standalone',
    nodes: 2,
    advertiseAddress: '127.0.0.1',
    proxy: 'userspace',
    ports,
  };
  folders = foldersOf('spec');
  await makeFolders(folders);
});

afterAll(async () => {
  await endComponents(folders, ['nats', 'postgres']);
  if (runningAsRoot()) await removeFolder(sharedFolder(cluster));
  rmSync(temporary, { recursive: true, force: true });
  process.env['HOME'] = homeBefore;
  if (cache === undefined) delete process.env['DECKLOG_CACHE'];
});

describe('the log’s server', () => {
  it('comes up healthy, and starting it again changes nothing', async () => {
    const program = async (): Promise<string> => (await natsServer(() => undefined)).path;
    const secrets = await secretsOf(folders);
    await startNats(cluster, folders, secrets, program, never);
    const first = runningProcess(folders.run, 'nats');
    await startNats(cluster, folders, secrets, program, never);
    expect(runningProcess(folders.run, 'nats')).toEqual(first);
  });

  it('whose port is taken is a failure that says so', async () => {
    const program = async (): Promise<string> => (await natsServer(() => undefined)).path;
    const other = { ...folders, run: join(temporary, 'run2'), nats: join(temporary, 'nats2'), logs: join(temporary, 'logs2') };
    await makeFolders(other);
    await expect(startNats({ ...cluster, id: 'ffffff' }, other, await secretsOf(folders), program, never)).rejects.toThrow(
      /nats-server ended:[^]*address already in use/,
    );
  });
});

describe('the database', () => {
  const connectable = async () => {
    await startPostgres(cluster, folders, await secretsOf(folders), () => undefined, never);
    return runningProcess(folders.run, 'postgres')?.pid ?? 0;
  };

  it('is made and comes up; starting it again changes nothing', async () => {
    const pid = await connectable();
    expect(pid).toBeGreaterThan(0);
    expect(await connectable()).toBe(pid);
  }, 60_000);

  it('comes up again after a kill of its server alone, whose processes outlive it for a moment', async () => {
    const pid = await connectable();
    process.kill(pid, 'SIGKILL');
    await until(() => (runningProcess(folders.run, 'postgres') === undefined ? true : undefined), { forMs: 10_000, what: 'the end' });
    expect(await connectable()).not.toBe(pid);
  }, 60_000);

  it('ends without remains', async () => {
    await connectable();
    expect(await endComponents(folders, ['postgres'])).toEqual([]);
    const base = runningAsRoot() ? sharedFolder(cluster) : folders.root;
    expect(processesIn(join(base, 'postgres', 'data'))).toEqual([]);
  }, 60_000);
});

describe('certificates', () => {
  it('are made once; all serve their names and come of one authority', async () => {
    expect(await ensurePki(cluster, folders)).toBeGreaterThan(0);
    expect(await ensurePki(cluster, folders)).toBe(0);
    const authority = await readPair(join(folders.pki, 'ca'));
    for (const { path, subject } of wantedPairs(cluster, folders)) {
      const pair = await readPair(path);
      expect(authority !== undefined && pair !== undefined && fits(pair, authority, subject)).toBe(true);
    }
  });

  it('are made anew for the one that lost its file or needs another name, not for the rest', async () => {
    await ensurePki(cluster, folders);
    rmSync(join(folders.pki, 'admin.crt'));
    expect(await ensurePki(cluster, folders)).toBe(1);
    expect(await ensurePki({ ...cluster, advertiseAddress: '10.64.0.1' }, folders)).toBe(1);
    expect(await ensurePki({ ...cluster, advertiseAddress: '10.64.0.1', nodes: 3 }, folders)).toBe(2);
  });

  it('are all made anew with a new authority', async () => {
    const made = wantedPairs(cluster, folders).length + 1;
    rmSync(join(folders.pki, 'ca.key'));
    expect(await ensurePki(cluster, folders)).toBe(made);
  });
});

it('keys for a cluster that something else runs are one folder, kubeconfig and all', async () => {
  const folder = join(temporary, 'external');
  const options = {
    folder,
    address: '172.30.255.10',
    logServers: ['nats-1'],
    names: ['apiserver'],
    server: 'https://127.0.0.1:6443',
    nodes: 1,
  };
  expect(await makeCertificates(options)).toBeGreaterThan(0);
  expect(await makeCertificates(options)).toBe(0);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['apiserver.crt', 'ca.crt', 'kubeconfig', 'sa.pub', 'sealing.key']));
  expect(statSync(join(folder, 'sealing.key')).mode & 0o777).toBe(0o600);
});
