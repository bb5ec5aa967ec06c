import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

import { codeOf, Failure, messageOf } from './failure.js';
import { until } from './polling.js';
import { writeWhole } from './profile.js';

/** A process that was started and left to itself. A pid alone may since be someone else's: its start tells. */
export interface ProcessRecord {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. */
  readonly startTicks: string;
  readonly bootId: string;
  /** ISO time. */
  readonly since: string;
}

/** What to start, and as whom. */
export interface LaunchSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
  readonly uid?: number;
  readonly gid?: number;
}

const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/** Start time and state letter out of /proc/<pid>/stat, whose second field may hold anything, brackets too. */
export function parseStat(stat: string): { readonly startTicks: string; readonly state: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
}

function statOf(pid: number): ReturnType<typeof parseStat> {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** Whether this very process still runs; a zombie does not. */
export function alive(record: ProcessRecord): boolean {
  const stat = statOf(record.pid);
  return (
    stat !== undefined && stat.startTicks === record.startTicks && stat.state !== 'Z' && stat.state !== 'X' && record.bootId === bootId()
  );
}

export function recordFile(runFolder: string, component: string): string {
  return join(runFolder, `${component}.json`);
}

/** The component's last process, running or not. */
export function recordOf(runFolder: string, component: string): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordFile(runFolder, component), 'utf8')) as Partial<ProcessRecord> | null;
    return typeof record?.pid === 'number' && typeof record.startTicks === 'string' ? (record as ProcessRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** The component's process where it runs. */
export function runningProcess(runFolder: string, component: string): ProcessRecord | undefined {
  const record = recordOf(runFolder, component);
  return record !== undefined && alive(record) ? record : undefined;
}

/** Starts a process in a session of its own, its output appended to its log, and records it. */
export async function launch(runFolder: string, component: string, spec: LaunchSpec): Promise<ProcessRecord> {
  await endStrays(spec.logFile);
  rotate(spec.logFile);
  const log = openSync(spec.logFile, 'a', 0o600);
  try {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['ignore', log, log],
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    const record: ProcessRecord = { pid, startTicks: statOf(pid)?.startTicks ?? '', bootId: bootId(), since: new Date().toISOString() };
    await writeWhole(recordFile(runFolder, component), JSON.stringify(record));
    return record;
  } catch (error) {
    throw new Failure(`${component} can't be started: ${messageOf(error)}`, [], 1, { cause: error });
  } finally {
    closeSync(log);
  }
}

function rotate(logFile: string): void {
  if (existsSync(logFile) && statSync(logFile).size > LOG_LIMIT_BYTES) renameSync(logFile, `${logFile}.1`);
}

/** How to end a process. */
export interface Ending {
  readonly signal: NodeJS.Signals;
  /** Time it has before it is killed. */
  readonly graceMs: number;
}

/** Ends a process: the signal, then after the grace SIGKILL to its whole group. Harmless when it is gone. */
export async function terminate(record: ProcessRecord, ending: Ending): Promise<'ended' | 'killed'> {
  const gone = () => (alive(record) ? undefined : true);
  if (!send(record, record.pid, ending.signal)) return 'ended';
  try {
    await until(gone, { forMs: ending.graceMs, everyMs: 20, what: `process ${record.pid} to end` });
    return 'ended';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    send(record, -record.pid, 'SIGKILL');
    await until(gone, { forMs: 5_000, everyMs: 20, what: `killed process ${record.pid} to end` });
    return 'killed';
  }
}

function send(record: ProcessRecord, target: number, signal: NodeJS.Signals): boolean {
  if (!alive(record)) return false;
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    if (codeOf(error) === 'EPERM') {
      throw new Failure(`process ${record.pid} belongs to another user`, ['Run as the user who started the cluster.'], 1, { cause: error });
    }
    throw error;
  }
}

export function forget(runFolder: string, component: string): void {
  rmSync(recordFile(runFolder, component), { force: true });
}

/** Processes whose working folder is this one: what a killed Postgres leaves behind for a moment. */
export function processesIn(folder: string): readonly number[] {
  return everyProcess().filter((pid) => linkOf(`/proc/${pid}/cwd`) === folder && statOf(pid)?.state !== 'Z');
}

/**
 * Ends processes that write to these logs, a file or a folder of them, though nobody recorded them: a start was killed
 * between making a process and writing it down, or a killed server left its own children.
 */
export async function endStrays(logs: string): Promise<void> {
  const strays = () => everyProcess().filter((pid) => (linkOf(`/proc/${pid}/fd/1`) ?? '').startsWith(logs) && statOf(pid)?.state !== 'Z');
  for (const pid of strays()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error;
    }
  }
  await until(() => (strays().length === 0 ? true : undefined), {
    forMs: 10_000,
    everyMs: 20,
    what: `processes writing to ${logs} to end`,
  });
}

function everyProcess(): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) && Number(entry) !== process.pid ? [Number(entry)] : []));
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The last lines of a log, out of its last 64 KiB. */
export function lastLines(logFile: string, count: number): readonly string[] {
  let file: number;
  try {
    file = openSync(logFile, 'r');
  } catch {
    return [];
  }
  try {
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.length === 0 ? [] : buffer.toString('utf8').trimEnd().split('\n').slice(-count);
  } finally {
    closeSync(file);
  }
}
