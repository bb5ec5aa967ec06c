import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import type { Cluster } from './cluster.js';
import { possibleComponents } from './cluster.js';
import { logFileOf } from './components.js';
import { Failure } from './failure.js';
import { lastLines } from './processes.js';
import type { Folders } from './profile.js';

/** Which logs to print and how much of them. */
export interface LogsOptions {
  readonly component?: string;
  readonly lines: number;
  readonly follow: boolean;
}

const CHUNK_BYTES = 64 * 1024;
const LOOK_EVERY_MS = 200;

/** Prints the ends of the cluster's logs, one after the other, and what is added when following. */
export async function printLogs(
  cluster: Cluster,
  folders: Folders,
  options: LogsOptions,
  out: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const components = chooseLogs(cluster, folders, options.component);
  const several = components.length > 1;
  const followed = components.map((name) => ({ name, file: logFileOf(folders, name), offset: sizeOf(logFileOf(folders, name)) }));
  for (const { name, file } of followed) {
    if (several) out(`==> ${name} <==\n`);
    const lines = lastLines(file, options.lines);
    if (lines.length > 0) out(`${lines.join('\n')}\n`);
    if (several) out('\n');
  }
  if (!options.follow) return;
  const positions = followed.map((one) => ({ ...one, rest: '' }));
  while (!signal.aborted) {
    for (const position of positions) {
      const { text, offset } = readFrom(position.file, position.offset);
      position.offset = offset;
      const lines = (position.rest + text).split('\n');
      position.rest = lines.pop() ?? '';
      for (const line of lines) out(several ? `${position.name} | ${line}\n` : `${line}\n`);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function chooseLogs(cluster: Cluster, folders: Folders, component: string | undefined): readonly string[] {
  const present = possibleComponents(cluster.nodes).filter((name) => existsSync(logFileOf(folders, name)));
  if (component === undefined) return present;
  if (present.includes(component)) return [component];
  throw new Failure(`there is no log of "${component}"`, [`There are logs of: ${present.join(', ') || 'nothing yet'}.`], 2);
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** What was added after an offset, at most one chunk; from the start again where the log was begun anew. */
function readFrom(file: string, offset: number): { readonly text: string; readonly offset: number } {
  if (!existsSync(file)) return { text: '', offset: 0 };
  const handle = openSync(file, 'r');
  try {
    const size = fstatSync(handle).size;
    const from = size < offset ? 0 : offset;
    const buffer = Buffer.alloc(Math.min(size - from, CHUNK_BYTES));
    const length = readSync(handle, buffer, 0, buffer.length, from);
    return { text: buffer.toString('utf8', 0, length), offset: from + length };
  } finally {
    closeSync(handle);
  }
}
