import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The hash chain over each stream. Rows of before have none until the projector has read the log again (`checkpoint.chained`
 * says whether it has).
 */
export class Chain1767398400000 implements MigrationInterface {
  readonly name = 'Chain1767398400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table revision add column digest bytea, add column chain bytea');
    await runner.query('alter table checkpoint add column chained boolean not null default true');
    await runner.query('update checkpoint set chained = (sequence = 0)');
  }

  /** Migrations go forward only: an older build's tables are built again from the log. */
  async down(): Promise<void> {
    return Promise.reject(new Error('migrations go forward only: rebuild the projection from the log'));
  }
}
