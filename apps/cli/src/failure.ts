/** Something the person at the terminal can act on: said without a stack trace, followed by what to do. */
export class Failure extends Error {
  constructor(
    message: string,
    /** What to do about it, one line each. */
    readonly advice: readonly string[] = [],
    /** 1: it went wrong; 2: it was asked wrongly. */
    readonly exitCode: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'Failure';
  }
}

/** The text of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return textAt(error, 'message') ?? String(error);
}

/** The system's code of an error (`ENOENT`), where it has one. */
export function codeOf(error: unknown): string | undefined {
  return textAt(error, 'code');
}

function textAt(error: unknown, key: 'message' | 'code' | 'path'): string | undefined {
  const value = typeof error === 'object' && error !== null && key in error ? (error as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

const SYSTEM_ADVICE: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['the disk is full', 'Free some space, then run the command again.'],
  EDQUOT: ['the disk quota is used up', 'Free some space, then run the command again.'],
  EROFS: ['the file system is read-only', 'Set HOME to a folder that can be written.'],
  EACCES: ['permission denied', 'Run as the user who owns the profile, or as root.'],
  EPERM: ['operation not permitted', 'Run as the user who owns the profile, or as root.'],
  EMFILE: ['too many open files', 'Raise the limit with `ulimit -n`.'],
};

/** Turns errors of the system that people cause or cure into failures; leaves others as they are. */
export function explain(error: unknown): unknown {
  const known = SYSTEM_ADVICE[codeOf(error) ?? ''];
  if (known === undefined || error instanceof Failure) return error;
  const path = textAt(error, 'path');
  return new Failure(`${path === undefined ? '' : `${path}: `}${known[0]}`, [known[1]], 1, { cause: error });
}
