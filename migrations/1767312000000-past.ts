import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the past is asked by: who did it, what began it, what it was because of, where, when. Each index ends in the order of
 * the answers, newest first, so that a page is read off it. And the audit stream's entries (ADR 0032).
 */
export class Past1767312000000 implements MigrationInterface {
  readonly name = 'Past1767312000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index revision_age');
    await runner.query('create index revision_time on revision (stream, time, sequence)');
    await runner.query('create index revision_namespace on revision (namespace, time, stream, sequence)');
    await runner.query('create index revision_actor on revision (actor, time, stream, sequence)');
    await runner.query('create index revision_root on revision (root, time, stream, sequence) where root is not null');
    await runner.query('create index revision_cause on revision (cause, time, stream, sequence) where cause is not null');
    await runner.query(`
      create table request (
        sequence bigint not null,
        index integer not null,
        time timestamptz not null,
        entry jsonb not null,
        kind text collate "C" generated always as (entry->>'kind') stored,
        actor text collate "C" generated always as (entry->>'user') stored,
        impersonator text collate "C" generated always as (entry->>'impersonator') stored,
        verb text collate "C" generated always as (entry->>'verb') stored,
        api_group text collate "C" generated always as (entry->>'group') stored,
        resource text collate "C" generated always as (entry->>'resource') stored,
        namespace text collate "C" generated always as (entry->>'namespace') stored,
        name text collate "C" generated always as (entry->>'name') stored,
        primary key (sequence, index)
      )`);
    await runner.query('create index request_time on request (time, sequence, index)');
    await runner.query('create index request_actor on request (actor, time, sequence, index)');
    await runner.query('create index request_namespace on request (namespace, time, sequence, index)');
    await runner.query(`insert into checkpoint (stream, sequence) values ('audit', 0)`);
  }

  /** Migrations go forward only: an older build's tables are built again from the log. */
  async down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only: rebuild the projection from the log'));
  }
}
