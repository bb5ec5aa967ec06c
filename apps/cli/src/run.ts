import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { Failure, messageOf } from './failure.js';

/** How a program ended, and what it said. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** After this it is killed and counts as failed. */
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** Runs a program to its end; whatever way it ends is an answer. One that can't be started ended with 127. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    const output = { stdout: '', stderr: '' };
    const collect = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
      if (output[name].length < OUTPUT_LIMIT) output[name] += chunk.toString('utf8');
    };
    child.stdout.on('data', collect('stdout'));
    child.stderr.on('data', collect('stderr'));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => resolve({ code: 127, stdout: '', stderr: messageOf(error) }));
    child.once('close', (code, signal) => {
      const late = signal === 'SIGKILL' ? `\nkilled after ${Math.round(options.timeoutMs / 1000)} s` : '';
      resolve({ code: code ?? 1, stdout: output.stdout, stderr: output.stderr + late });
    });
  });
}

/** Runs a program that has to succeed; a Failure carries the end of what it said. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const ended = await run(command, args, options);
  if (ended.code === 0) return ended.stdout;
  const said = (ended.stderr.trim() || ended.stdout.trim()).split('\n').slice(-4).join('\n');
  throw new Failure(`\`${[command, ...args.slice(0, 3)].join(' ')}\` failed: ${said}`);
}

/** Where a program is: PATH, then the folders of administrators' programs that a plain user's PATH leaves out. */
export function findProgram(name: string): string | undefined {
  return programsNamed(name)[0];
}

/** All programs of that name, as PATH orders them. */
export function programsNamed(name: string): readonly string[] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return [...new Set(folders.filter((folder) => folder.startsWith('/')).map((folder) => join(folder, name)))].filter(executable);
}

export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
