import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The projection's tables. Names carry no schema: the connection's search_path says which one, so that a second copy
 * can be built beside the first. Bodies are text: rows of jsonb cost a third more, and are never searched.
 */
export class Tables1767225600000 implements MigrationInterface {
  readonly name = 'Tables1767225600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table object (
        api_group text collate "C" not null,
        resource text collate "C" not null,
        namespace text collate "C" not null,
        name text collate "C" not null,
        stream text not null,
        sequence bigint not null,
        uid text not null,
        deleted boolean not null,
        labels jsonb,
        encoding text not null,
        body text not null,
        primary key (api_group, resource, namespace, name)
      ) with (fillfactor = 85)`);
    await runner.query('create index object_uid on object (uid)');
    await runner.query('create index object_tombstone on object (stream, sequence) where deleted');
    await runner.query(`
      create table revision (
        stream text collate "C" not null,
        sequence bigint not null,
        api_group text collate "C" not null,
        resource text collate "C" not null,
        namespace text collate "C" not null,
        name text collate "C" not null,
        uid text not null,
        type text not null,
        time timestamptz not null,
        meta jsonb not null,
        verb text generated always as (meta->>'verb') stored,
        actor text generated always as (meta->'actor'->>'user') stored,
        root text generated always as (meta->>'root') stored,
        cause text generated always as (meta->>'cause') stored,
        encoding text not null,
        body text not null,
        primary key (stream, sequence)
      )`);
    await runner.query('create index revision_object on revision (api_group, resource, namespace, name, sequence)');
    await runner.query(`create index revision_age on revision (stream, time) where stream <> 'state'`);
    await runner.query('create table checkpoint (stream text primary key, sequence bigint not null)');
    await runner.query(`insert into checkpoint (stream, sequence) values ('state', 0), ('lease', 0), ('event', 0)`);
  }

  /** Migrations go forward only: an older build's tables are built again from the log. */
  async down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only: rebuild the projection from the log'));
  }
}
