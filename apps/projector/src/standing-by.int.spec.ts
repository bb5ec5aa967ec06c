import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectLog,
  connectPostgres,
  newCheckpointKey,
  PostgresHistory,
  readCheckpointFile,
  rebuildCheck,
  verifyWholeHistory,
  WITHOUT_KEYS,
  type PostgresOptions,
} from '#libs/adapters';
import type { EventLog } from '#libs/log';
import { appended, configMapWrite, freePort, startNats, startPostgres, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '#migrations';

const CLUSTER = 'one';
const ROOT = join(__dirname, '../../..');
const WAIT_MS = 30_000;
/** So many events are reason enough for a checkpoint. */
const SIGNED_EVERY = 1_000;
const AT_ONCE = 500;

/** Asks until it is so; fails where it does not become so. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + WAIT_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${WAIT_MS} ms`);
}

/** The app as it is, in a process of its own. */
class ProjectorProcess {
  readonly #child: ChildProcess;
  #output = '';

  constructor(
    env: Readonly<Record<string, string>>,
    private readonly probes: string,
  ) {
    const program = ['-C', 'source', '-r', join(ROOT, 'tools/typescript.cjs'), join(ROOT, 'apps/projector/src/main.ts')];
    this.#child = spawn(process.execPath, program, {
      cwd: ROOT,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** Whether the last that it said of `state` is that it projects it. */
  get isActive(): boolean {
    const began = this.#output.lastIndexOf('"projecting state"');
    return !this.ended && began > this.#output.lastIndexOf('projecting state failed and is tried again');
  }

  /** The end of what it said. */
  get said(): string {
    return this.#output.slice(-2_000);
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves once it has started: it works, or stands by. */
  async started(): Promise<void> {
    const answers = (): Promise<boolean> =>
      fetch(this.probes).then(
        ({ ok }) => ok,
        () => false,
      );
    await until('a projector answers', answers);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    this.signal('SIGCONT');
    this.signal(name);
    await until('the end of a projector', () => this.ended);
  }
}

describe('projectors, keepers of checkpoints and sinks of two processes', () => {
  let nats: TestServer;
  let postgres: TestServer;
  let folder: string;
  let log: EventLog;
  let options: PostgresOptions;
  let keys: ReturnType<typeof newCheckpointKey>;
  const processes: ProjectorProcess[] = [];
  let written = 0;
  let signed = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'decklog-standby-'));
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    options = { url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS, poolSize: 2 };
    log = await connectLog({ url: nats.url, cluster: CLUSTER });
    keys = newCheckpointKey();
    writeFileSync(join(folder, 'checkpoint.key'), keys.privateKey);
    writeFileSync(join(folder, 'checkpoint.pub'), keys.publicKey);
    writeFileSync(join(folder, 'sinks.yaml'), `sinks: [{ name: trail, from: beginning, file: { path: ${join(folder, 'trail')} } }]`);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(processes.filter(({ ended }) => !ended).map((each) => each.end('SIGKILL')));
    await log.close();
    await Promise.all([nats.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function start(): Promise<void> {
    const port = await freePort();
    const env = {
      CLUSTER,
      PROBE_PORT: String(port),
      NATS_URL: nats.url,
      POSTGRES_URL: postgres.url,
      PKI_DIR: folder,
      SEALING_KEY_FILE: join(folder, 'none'),
      CHECKPOINT_FILE: join(folder, 'checkpoints'),
      SINKS_FILE: join(folder, 'sinks.yaml'),
    };
    const started = new ProjectorProcess(env, `http://127.0.0.1:${port}/livez`);
    processes.push(started);
    await started.started();
  }

  async function onDatabase<T>(work: (dataSource: Awaited<ReturnType<typeof connectPostgres>>) => Promise<T>): Promise<T> {
    const dataSource = await connectPostgres(options);
    try {
      return await work(dataSource);
    } finally {
      await dataSource.destroy();
    }
  }

  /** Writes to the log, waits until the projection holds it, and compares that with the fold of the log. */
  async function isProjected(): Promise<void> {
    await appended(log, 'state', [configMapWrite(CLUSTER, `m${++written}`), configMapWrite(CLUSTER, `n${written}`)]);
    const last = await log.last('state');
    await onDatabase((dataSource) => new PostgresHistory(dataSource, WITHOUT_KEYS).reached('state', last, AbortSignal.timeout(WAIT_MS)));
    expect(await rebuildCheck(log, options)).toMatchObject({ equal: true, position: { state: last } });
  }

  /** Writes so much to the log that a checkpoint is due, and waits until it is signed. */
  async function isSigned(): Promise<void> {
    const file = join(folder, 'checkpoints');
    const count = async (): Promise<number> => (await readCheckpointFile(file)).length;
    const before = await count();
    for (let i = 0; i < SIGNED_EVERY / AT_ONCE; i++) {
      await appended(
        log,
        'state',
        Array.from({ length: AT_ONCE }, () => configMapWrite(CLUSTER, `s${++signed}`)),
      );
    }
    await until('a checkpoint is signed', async () => (await count()) > before);
  }

  const active = (): readonly ProjectorProcess[] => processes.filter(({ isActive }) => isActive);
  /** Exactly one of them works: it, and the one that stands by. */
  async function oneWorks(): Promise<{ readonly works: ProjectorProcess; readonly standsBy: ProjectorProcess }> {
    await until('one projector is active', () => active().length === 1);
    const [works] = active();
    const standsBy = processes.find((each) => each !== works && !each.ended);
    if (!works || !standsBy) throw new Error(`there are not two projectors: ${processes.map(({ said }) => said).join('\n')}`);
    return { works, standsBy };
  }

  it('begin at the same time: one makes the tables and works, the other stands by', async () => {
    await Promise.all([start(), start()]);
    await oneWorks();
    await isProjected();
  }, 90_000);

  it('change places when the one that works is killed', async () => {
    const { works, standsBy } = await oneWorks();
    await isSigned();
    await works.end('SIGKILL');
    await isProjected();
    expect(standsBy.isActive).toBe(true);
    await isSigned();
    await start();
  }, 90_000);

  it('change places when the one that works is stopped; once it goes on it stands by', async () => {
    const { works, standsBy } = await oneWorks();
    await isProjected();
    works.signal('SIGSTOP');
    await isProjected();
    expect(standsBy.isActive).toBe(true);
    await isSigned();
    works.signal('SIGCONT');
    await until('the stopped one notices', () => !works.isActive);
    await isProjected();
    expect(active()).toEqual([standsBy]);
  }, 90_000);

  it('change places again: what was stopped once is a good standby', async () => {
    const { works, standsBy } = await oneWorks();
    await works.end('SIGTERM');
    await isProjected();
    expect(standsBy.isActive).toBe(true);
    await start();
  }, 90_000);

  it('go on when the connections of all of them are ended', async () => {
    await oneWorks();
    const others = 'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = $1';
    await onDatabase((dataSource) => dataSource.query(others, ['client backend']));
    await isProjected();
    await oneWorks();
  }, 90_000);

  it('go on when the database was killed', async () => {
    await postgres.kill();
    await appended(log, 'state', [configMapWrite(CLUSTER, 'while-it-was-gone')]);
    await postgres.start();
    await isProjected();
    await oneWorks();
  }, 90_000);

  it('have signed one chain of checkpoints through all of that', async () => {
    // The last of it has only just been projected: the sink has its own pace.
    await until('the sink has the newest event', () => readFileSync(join(folder, 'trail'), 'utf8').includes(`"m${written}"`));
    await Promise.all(processes.filter(({ ended }) => !ended).map((each) => each.end('SIGTERM')));
    const places = {
      log: { url: nats.url, cluster: CLUSTER },
      postgres: options,
      archive: join(folder, 'archive'),
      file: join(folder, 'checkpoints'),
    };
    const { streams, checkpoints } = await verifyWholeHistory({ ...places, publicKey: keys.publicKey }, {});
    expect([...streams, ...checkpoints].filter(({ finding }) => finding !== undefined)).toEqual([]);
    const [inStream, inFile] = checkpoints;
    expect(inStream?.count).toBeGreaterThan(2);
    expect(inFile?.count).toBe(inStream?.count);
  }, 90_000);

  it('have delivered every event to the sink, at least once', () => {
    const trail = readFileSync(join(folder, 'trail'), 'utf8');
    const missing = Array.from({ length: written }, (_, i) => `"m${i + 1}"`).filter((name) => !trail.includes(name));
    expect(missing).toEqual([]);
  });
});
