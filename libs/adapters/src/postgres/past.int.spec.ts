import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { LogUnavailable, type AuditStream } from '#libs/log';
import { Conditions } from '#libs/runtime';
import { MemoryAudit, MemoryLog } from '#libs/simulation';
import { auditEntry, pastContract, startPostgres, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { WITHOUT_KEYS } from '../sealing/index.js';
import { connectPostgres, PostgresHistory, Projector, schemaOf } from './index.js';

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let server: TestServer;
let ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

/** A database that follows a log and an audit stream. */
async function following(cluster: string, log: MemoryLog, audit: AuditStream, conditions = new Conditions(Date.now)): Promise<DataSource> {
  const dataSource = await connectPostgres({ url: server.url, cluster, migrations: MIGRATIONS, poolSize: 4 });
  const stop = new AbortController();
  const running = new Projector({ log, audit, dataSource, logger: QUIET, conditions }).run(stop.signal);
  ends.push(
    () => dataSource.destroy(),
    async () => {
      stop.abort();
      await running;
    },
  );
  return dataSource;
}

/** Resolves once the checkpoint of the audit stream stands at its end. */
async function caughtUp(dataSource: DataSource, audit: AuditStream): Promise<void> {
  const { last } = await audit.bounds();
  for (;;) {
    const [row] = (await dataSource.query(`select sequence from checkpoint where stream = 'audit'`)) as { sequence: string }[];
    if (Number(row?.sequence) === last) return;
    await new Promise(setImmediate);
  }
}

pastContract('PostgresHistory', async (now) => {
  const [log, audit] = [new MemoryLog({ now }), new MemoryAudit()];
  const dataSource = await following(randomUUID().slice(0, 8), log, audit);
  return { log, audit, past: new PostgresHistory(dataSource, WITHOUT_KEYS), audited: () => caughtUp(dataSource, audit) };
});

describe('the entries of the audit stream', () => {
  const idsOf = async (dataSource: DataSource): Promise<string[]> =>
    (await new PostgresHistory(dataSource, WITHOUT_KEYS).requests({ limit: 100 })).map(({ entry }) => entry.id);

  it('are followed on from the checkpoint, and once more from the beginning where it was lost', async () => {
    const [cluster, audit] = [randomUUID().slice(0, 8), new MemoryAudit()];
    await audit.append([auditEntry({ id: '1' }), auditEntry({ id: '2' })]);
    const dataSource = await following(cluster, new MemoryLog(), audit);
    await caughtUp(dataSource, audit);
    await audit.append([auditEntry({ id: '3' })]);
    await caughtUp(dataSource, audit);
    expect((await idsOf(dataSource)).toSorted()).toEqual(['1', '2', '3']);
    await ends.pop()?.();
    const client = new Client({ connectionString: server.url, options: `-c search_path="${schemaOf(cluster)}"` });
    await client.connect();
    await client.query(`update checkpoint set sequence = 0 where stream = 'audit'`);
    await client.end();
    const again = await following(cluster, new MemoryLog(), audit);
    await caughtUp(again, audit);
    expect((await idsOf(again)).toSorted()).toEqual(['1', '2', '3']);
  });

  it('go when the stream forgets them, and all of them when it was made anew', async () => {
    const [cluster, audit] = [randomUUID().slice(0, 8), new MemoryAudit({ maxBatches: 2 })];
    await audit.append([auditEntry({ id: '1' })]);
    const dataSource = await following(cluster, new MemoryLog(), audit);
    await caughtUp(dataSource, audit);
    for (const id of ['2', '3', '4']) await audit.append([auditEntry({ id })]);
    await caughtUp(dataSource, audit);
    await ends.pop()?.();
    const next = await following(cluster, new MemoryLog(), audit);
    while ((await idsOf(next)).length > 2) await new Promise(setImmediate);
    expect((await idsOf(next)).toSorted()).toEqual(['3', '4']);
    await ends.pop()?.();
    const anew = new MemoryAudit();
    await anew.append([auditEntry({ id: 'new' })]);
    await caughtUp(await following(cluster, new MemoryLog(), anew), anew);
    expect(await idsOf(dataSource)).toEqual(['new']);
  });

  it('are followed as they should be again once the stream answers, although nothing new comes', async () => {
    const audit = new MemoryAudit();
    await audit.append([auditEntry({ id: '1' })]);
    const bounds = jest.spyOn(audit, 'bounds').mockRejectedValueOnce(new LogUnavailable('the log is not connected'));
    const conditions = new Conditions(Date.now);
    const states: string[] = [];
    conditions.onChange(({ name, state }) => states.push(`${name} ${state}`));
    await following(randomUUID().slice(0, 8), new MemoryLog(), audit, conditions);
    while (states.length < 2) await new Promise(setImmediate);
    expect(states).toEqual(['projecting-audit degraded', 'projecting-audit ok']);
    bounds.mockRestore();
  });
});
