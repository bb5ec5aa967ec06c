import { join } from 'node:path';

import { cacheFolder, fetchProgram } from './apt.js';
import { Failure } from './failure.js';
import { executable, programsNamed, run } from './run.js';
import type { Say } from './terminal.js';

/** A version of two numbers that matter. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** The first `N.N` or `N.N.N` of a program's answer. */
export function parseVersion(text: string): Version | undefined {
  const match = /v?(\d+)\.(\d+)(?:\.\d+)?/.exec(text);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]), text: match[0].replace(/^v/, '') };
}

export function atLeast(version: Version, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

interface Wanted {
  readonly name: string;
  readonly variable: string;
  readonly versionArgs: readonly string[];
  readonly major: number;
  readonly minor: number;
  /** The oldest minor version that will do where a newer one can't be fetched; absent: none older. */
  readonly tolerated?: number;
}

/** Atomic batches came with 2.12 (ADR of the log). */
const NATS_SERVER: Wanted = { name: 'nats-server', variable: 'DECKLOG_NATS_SERVER', versionArgs: ['--version'], major: 2, minor: 12 };
/** Upstream supports a client one minor version away from the server; older ones mostly work, down to those without WebSockets. */
const KUBECTL: Wanted = {
  name: 'kubectl',
  variable: 'DECKLOG_KUBECTL',
  versionArgs: ['version', '--client'],
  major: 1,
  minor: 35,
  tolerated: 30,
};

/** A program that was found, and how recent it is. */
export interface Program {
  readonly path: string;
  readonly version: Version;
}

/** nats-server 2.12 or newer: named by DECKLOG_NATS_SERVER, on PATH, in the cache, or fetched. */
export function natsServer(say: Say): Promise<Program> {
  return obtain(NATS_SERVER, say);
}

/** A kubectl that works with the cluster: named by DECKLOG_KUBECTL, on PATH, in the cache, or fetched. */
export function kubectl(say: Say): Promise<Program> {
  return obtain(KUBECTL, say);
}

async function obtain(wanted: Wanted, say: Say): Promise<Program> {
  const named = process.env[wanted.variable];
  if (named !== undefined && named !== '') {
    const version = await versionOf(named, wanted);
    if (version !== undefined && atLeast(version, wanted.major, wanted.minor)) return { path: named, version };
    throw new Failure(`${wanted.variable} names ${named}: ${verdict(version, wanted)}`, [`Name ${least(wanted)}, or unset it.`]);
  }
  const rejected: string[] = [];
  let tolerable: Program | undefined;
  for (const path of [...programsNamed(wanted.name), join(cacheFolder(), wanted.name)].filter(executable)) {
    const version = await versionOf(path, wanted);
    if (version !== undefined && atLeast(version, wanted.major, wanted.minor)) return { path, version };
    if (version !== undefined && atLeast(version, wanted.major, wanted.tolerated ?? wanted.minor)) tolerable ??= { path, version };
    rejected.push(`${path}: ${verdict(version, wanted)}`);
  }
  try {
    return await fetched(wanted, rejected, say);
  } catch (error) {
    if (tolerable === undefined || !(error instanceof Failure)) throw error;
    return tolerable;
  }
}

async function fetched(wanted: Wanted, rejected: readonly string[], say: Say): Promise<Program> {
  let version: Version | undefined;
  const fits = async (path: string) => {
    version = await versionOf(path, wanted);
    return version !== undefined && atLeast(version, wanted.major, wanted.minor);
  };
  try {
    const path = await fetchProgram(wanted.name, fits, say);
    return { path, version: version ?? { major: wanted.major, minor: wanted.minor, text: '' } };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const found = rejected.length === 0 ? 'none was found on PATH' : rejected.join('; ');
    throw new Failure(
      `${least(wanted)} is needed; ${found}; ${error.message}`,
      [`Install ${least(wanted)} so that it is on PATH, or name the program in ${wanted.variable}.`],
      1,
      { cause: error },
    );
  }
}

function least(wanted: Wanted): string {
  return `${wanted.name} ${wanted.major}.${wanted.minor} or newer`;
}

function verdict(version: Version | undefined, wanted: Wanted): string {
  return version === undefined ? 'it does not run' : `it is ${version.text}, older than ${wanted.major}.${wanted.minor}`;
}

async function versionOf(path: string, wanted: Wanted): Promise<Version | undefined> {
  const ended = await run(path, wanted.versionArgs, { timeoutMs: 15_000 });
  return ended.code === 0 ? parseVersion(ended.stdout + ended.stderr) : undefined;
}
