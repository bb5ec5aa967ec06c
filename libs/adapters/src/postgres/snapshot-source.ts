import type { DataSource } from 'typeorm';
import type { Position, StreamName } from '#libs/log';
import { ORIGIN } from '#libs/log';
import type { SnapshotSource, StoredRow } from '#libs/runtime';
import type { Opener } from '../sealing/index.js';
import { poolOf } from './data-source.js';
import type { BodyColumns } from './stored-row.js';
import { storedRows } from './stored-row.js';

/** All current objects, from the projection, at exactly one position. Secrets are opened with `opener`. */
export class PostgresSnapshotSource implements SnapshotSource {
  constructor(
    private readonly dataSource: DataSource,
    private readonly opener: Opener,
  ) {}

  async snapshot(): Promise<{ readonly position: Position; readonly rows: readonly StoredRow[] }> {
    const session = await poolOf(this.dataSource).connect();
    try {
      await session.query('begin isolation level repeatable read read only');
      const checkpoints = await session.query<{ stream: StreamName; sequence: string }>(
        `select stream, sequence from checkpoint where stream <> 'audit'`,
      );
      const objects = await session.query<BodyColumns & { readonly root: string | null }>(
        `select o.api_group, o.resource, o.namespace, o.name, o.sequence, o.encoding, o.body, r.root from object o
           left join revision r on r.stream = o.stream and r.sequence = o.sequence where not o.deleted`,
      );
      await session.query('commit');
      session.release();
      const position = Object.fromEntries(checkpoints.rows.map(({ stream, sequence }) => [stream, Number(sequence)]));
      const rows = await storedRows(objects.rows, this.opener);
      const rooted = rows.map((row, i): StoredRow => {
        const root = objects.rows[i]?.root ?? undefined;
        return root === undefined ? row : { ...row, root };
      });
      return { position: { ...ORIGIN, ...position }, rows: rooted };
    } catch (error) {
      session.release(true);
      throw error;
    }
  }
}
