import type { Client, ClientBase } from 'pg';
import type { DataSource } from 'typeorm';
import type { EventLog, Position, Sequence, StreamName } from '#libs/log';
import { ORIGIN, STREAMS } from '#libs/log';
import type { Head } from './chain.js';
import { headOf } from './chain.js';
import type { Compared, Comparison } from './compare.js';
import { compareTable } from './compare.js';
import type { PostgresOptions } from './data-source.js';
import { connectPostgres, connectSchema, openClient, openSession, schemaOf } from './data-source.js';
import { LogRolledBack } from './projector.js';
import { checkpointOf, writeBatch } from './write-batch.js';

const REBUILD_LOCK = 728_533_002;

/** What came of `rebuildCheck`: the same, or which rows differ. */
export interface RebuildReport {
  /** The position both were compared at. */
  readonly position: Position;
  readonly equal: boolean;
  readonly tables: readonly Compared[];
}

/** Runs with a second schema, empty but for its tables; nobody else rebuilds this cluster meanwhile. Removed afterwards. */
async function withSecondSchema<T>(
  options: PostgresOptions,
  work: (second: DataSource, admin: Client, schema: string) => Promise<T>,
): Promise<T> {
  const schema = `${schemaOf(options.cluster)}_rebuild`;
  const admin = await openClient(options.url);
  try {
    await admin.query('select pg_advisory_lock($1, hashtext($2))', [REBUILD_LOCK, schema]);
    await admin.query(`drop schema if exists "${schema}" cascade`);
    const second = await connectSchema(options.url, schema, options.migrations, 4);
    try {
      return await work(second, admin, schema);
    } finally {
      if (second.isInitialized) await second.destroy();
      await admin.query(`drop schema if exists "${schema}" cascade`);
    }
  } finally {
    await admin.end();
  }
}

/** Projects a stream from where the session's schema stands up to a sequence. */
async function build(log: EventLog, session: ClientBase, stream: StreamName, until: Sequence): Promise<void> {
  let head: Head = await headOf(session, stream);
  for await (const batch of log.read(stream, head.sequence, { until, digests: true }))
    head = await writeBatch(session, stream, head, batch);
}

async function buildAll(log: EventLog, second: DataSource, until: Position): Promise<void> {
  const end = await endOf(log);
  for (const stream of STREAMS) {
    if (until[stream] > end[stream])
      throw new LogRolledBack(`the projection has seen ${stream}:${until[stream]}, the log ends at ${end[stream]}`);
  }
  const session = await openSession(second);
  try {
    for (const stream of STREAMS) await build(log, session, stream, until[stream]);
  } finally {
    await session.end();
  }
}

async function positionOf(session: ClientBase): Promise<Position> {
  let position = ORIGIN;
  for (const stream of STREAMS) position = { ...position, [stream]: await checkpointOf(session, stream) };
  return position;
}

async function endOf(log: EventLog): Promise<Position> {
  const [state, lease, event] = await Promise.all([log.last('state'), log.last('lease'), log.last('event')]);
  return { state, lease, event };
}

/**
 * Builds the projection anew from the log (the one beneath any sealing) and puts it in the place of the old one, in one
 * transaction. May run beside everything: readers see the old tables, then the new; a projector goes on from the new
 * checkpoint. Says where the new one stood then.
 */
export async function rebuild(log: EventLog, options: PostgresOptions): Promise<Position> {
  const live = schemaOf(options.cluster);
  return withSecondSchema(options, async (second, admin, schema) => {
    const until = await endOf(log);
    await buildAll(log, second, until);
    await second.destroy();
    await admin.query('begin');
    await admin.query(`drop schema if exists "${live}" cascade`);
    await admin.query(`alter schema "${schema}" rename to "${live}"`);
    await admin.query('commit');
    return until;
  });
}

/** `state` row for row; of the others, which forget, the objects that are. */
const COMPARISONS: readonly Comparison[] = [
  {
    name: 'revision',
    table: 'revision',
    key: ['stream', 'sequence'],
    where: `stream = 'state'`,
  },
  {
    name: 'object',
    table: 'object',
    key: ['api_group', 'resource', 'namespace', 'name'],
    where: `stream = 'state' or not deleted`,
  },
];

/**
 * Builds the projection a second time and compares it with the one that grew: count and ordered digest of each table,
 * and the first row that differs. Changes nothing, and may run beside everything. Throws LogRolledBack where the
 * projection has seen more than the log holds.
 */
export async function rebuildCheck(log: EventLog, options: PostgresOptions): Promise<RebuildReport> {
  const grown = await connectPostgres({ ...options, poolSize: 2 });
  try {
    return await withSecondSchema(options, async (second) => {
      const first = await openSession(grown);
      try {
        await buildAll(log, second, await positionOf(first));
        await first.query('begin isolation level repeatable read read only');
        const position = await positionOf(first);
        await buildAll(log, second, position);
        return await compareAll(first, second, position);
      } finally {
        await first.end();
      }
    });
  } finally {
    await grown.destroy();
  }
}

async function compareAll(first: Client, second: DataSource, position: Position): Promise<RebuildReport> {
  const other = await openSession(second);
  try {
    await other.query('begin isolation level repeatable read read only');
    const tables: Compared[] = [];
    for (const comparison of COMPARISONS) tables.push(await compareTable(first, other, comparison));
    return { position, equal: tables.every(({ difference }) => difference === undefined), tables };
  } finally {
    await other.end();
  }
}
