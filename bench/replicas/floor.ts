import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControlPlaneConfig, loadConfig, openControlPlane, type ControlPlane } from '#libs/platform';
import { startNats, startPostgres, type TestServer } from '#libs/testing';

const MAIN = path.join(__dirname, '../../apps/replication/src/main.js');
/** Of the kernel's clock for processes. */
const TICKS_PER_SECOND = 100;

/** User and system seconds that a process has used. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** A process of the replication service. */
export interface Replica {
  readonly name: string;
  /** User and system seconds so far; as last asked where the process has ended. */
  cpu(): number;
  /** How often a text is in what it has logged. */
  logged(text: string): number;
  /** SIGKILL, SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void;
  /** SIGTERM; resolves once the process has ended. */
  stop(): Promise<void>;
}

/** A log and a database of the run's own, and a control plane in this process that writes the work and counts what comes of it. */
export interface Floor {
  readonly plane: ControlPlane;
  replica(name: string): Replica;
  logCpu(): number;
  /** Ends all there is. */
  close(): Promise<void>;
}

function launch(name: string, env: NodeJS.ProcessEnv, logFile: string): Replica {
  const output = openSync(logFile, 'a');
  const child: ChildProcess = spawn(process.execPath, [MAIN], { env: { ...env, REPLICA: name }, stdio: ['ignore', output, output] });
  let used = 0;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    name,
    cpu: () => (used = hasEnded() ? used : cpuSeconds(child.pid ?? 0)),
    logged: (text) => readFileSync(logFile, 'utf8').split(text).length - 1,
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      if (hasEnded()) return;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await over;
    },
  };
}

/** What every process of the run is told. */
function settings(folder: string, nats: TestServer, postgres: TestServer): Record<string, string> {
  const sealingKey = path.join(folder, 'sealing.key');
  writeFileSync(sealingKey, randomBytes(32));
  const pki = path.join(folder, 'pki');
  mkdirSync(pki);
  return {
    CLUSTER: 'bench',
    NATS_URL: nats.url,
    POSTGRES_URL: postgres.url,
    PKI_DIR: pki,
    SEALING_KEY_FILE: sealingKey,
    SERVICE_CIDR: '10.96.0.0/16',
    NODE_PORTS: '30000-32767',
    CLUSTER_DOMAIN: 'cluster.local',
    ADVERTISE_ADDRESS: '127.0.0.1',
    API_PORT: '0',
    PROBE_PORT: '0',
    LOG_LEVEL: 'error',
  };
}

/** Servers of a run's own, with nothing in them. */
export async function openFloor(): Promise<Floor> {
  const folder = mkdtempSync(path.join(tmpdir(), 'decklog-replicas-'));
  const [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  const env = settings(folder, nats, postgres);
  const plane = await openControlPlane(loadConfig(ControlPlaneConfig, env), 'bench');
  const replicas: Replica[] = [];
  return {
    plane,
    replica: (name) => {
      const replica = launch(name, { PATH: process.env['PATH'], ...env, LOG_LEVEL: 'info' }, path.join(folder, `${name}.log`));
      replicas.push(replica);
      return replica;
    },
    logCpu: () => cpuSeconds(nats.pid()),
    close: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
      await plane.close();
      await Promise.all([nats.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
