import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

import { codeOf, Failure } from './failure.js';
import { until } from './polling.js';

/**
 * Runs `work` while holding a lock of the machine: a listening abstract socket, which the kernel takes back whatever
 * way the process ends, so no lock is ever stale. Seen by every user and home folder, as the addresses it guards are.
 */
export async function withLock<T>(name: string, what: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const server = await until(() => tryLock(name), { forMs: waitMs, everyMs: 50, what }).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`${what} is held by another decklog command`, ['Wait until it has ended, then run this again.'], 1, { cause: error });
  });
  try {
    return await work();
  } finally {
    await new Promise<void>((done) => server.close(() => done()));
  }
}

/** One command at a time changes a profile. */
export function withProfileLock<T>(folder: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const key = createHash('sha256').update(folder).digest('hex').slice(0, 24);
  return withLock(`profile-${key}`, 'the profile', waitMs, work);
}

function tryLock(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (codeOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(`\0decklog-${name}`, () => {
      server.unref();
      resolve(server);
    });
  });
}
