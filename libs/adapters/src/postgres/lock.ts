import type { DataSource } from 'typeorm';
import { pause } from '../pause.js';
import { openSession, schemaIn } from './data-source.js';

const ASK_AGAIN_MS = 1_000;

/**
 * Does what only one process is to do at a time: waits until no other holds the lock, and works until the work ends, the connection
 * that holds the lock does, or the signal aborts.
 */
export async function alone(
  dataSource: DataSource,
  lock: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const session = await openSession(dataSource);
  const lost = new AbortController();
  const lose = (): void => lost.abort();
  session.on('error', lose).on('end', lose);
  signal.addEventListener('abort', lose);
  try {
    for (;;) {
      if (lost.signal.aborted) return;
      const asked = 'select pg_try_advisory_lock(hashtext($1), $2) as got';
      const { rows } = await session.query<{ got: boolean }>(asked, [schemaIn(dataSource), lock]);
      if (rows[0]?.got === true) break;
      await pause(ASK_AGAIN_MS, lost.signal);
    }
    await work(lost.signal);
  } finally {
    signal.removeEventListener('abort', lose);
    await session.end().catch(() => undefined);
  }
}
