import type { AuditBatch, AuditStream, Sequence } from '#libs/log';
import type { Logger } from '#libs/runtime';
import type { Session } from './data-source.js';
import { jsonb } from './jsonb.js';
import { checkpointOf, expectMoved } from './write-batch.js';

const STATEMENT = {
  name: 'project-requests',
  text: `
    with added as (
      insert into request (sequence, index, time, entry)
      select $2, index, to_timestamp(ms / 1000.0), entry::jsonb
        from unnest($3::integer[], $4::bigint[], $5::text[]) as row (index, ms, entry)
      on conflict do nothing
    )
    update checkpoint set sequence = $2 where stream = 'audit' and sequence = $1`,
};

const PRUNE_EVERY_MS = 60_000;

/** One message of the audit stream into rows, the checkpoint in the same statement. Throws CheckpointMoved where it was not at `from`. */
async function writeRequests(session: Session, from: Sequence, { sequence, entries }: AuditBatch): Promise<void> {
  const times = entries.map(({ time }) => Math.round(time));
  const values = [from, sequence, entries.map((_, i) => i), times, entries.map(jsonb)];
  expectMoved((await session.query({ ...STATEMENT, values })).rowCount, 'audit', from);
}

/** Forgets the entries that the stream has forgotten. */
async function pruneRequests(session: Session, audit: AuditStream): Promise<void> {
  await session.query('delete from request where sequence < $1', [(await audit.bounds()).first]);
}

/** Whence to follow. A stream that ends before the checkpoint is another one than was projected: what was, is no more. */
async function requestsFrom(session: Session, audit: AuditStream, logger: Logger): Promise<Sequence> {
  const at = await checkpointOf(session, 'audit');
  const { last } = await audit.bounds();
  if (last >= at) return at;
  logger.warn('the audit stream was made anew: its entries are projected from its beginning', { after: at, last });
  await session.query(`with gone as (delete from request) update checkpoint set sequence = 0 where stream = 'audit' and sequence = $1`, [
    at,
  ]);
  return 0;
}

/**
 * Carries the audit stream's entries into the table `request`, and forgets what the stream forgets, until the signal aborts.
 * Yields each checkpoint.
 */
export async function* followRequests(session: Session, audit: AuditStream, logger: Logger, signal: AbortSignal): AsyncGenerator<Sequence> {
  let at = await requestsFrom(session, audit, logger);
  yield at;
  await pruneRequests(session, audit);
  let pruned = performance.now();
  for await (const batch of audit.read({ after: at, follow: true, signal })) {
    await writeRequests(session, at, batch);
    at = batch.sequence;
    yield at;
    if (performance.now() - pruned < PRUNE_EVERY_MS) continue;
    await pruneRequests(session, audit);
    pruned = performance.now();
  }
}
