import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { AppendWrite, EventLog, Recorded, StreamName } from '#libs/log';
import { CHAIN_START, encodeObject, subjectOf } from '#libs/log';
import { foldTables, NO_ROWS, objectRowKey } from '#libs/projections';
import type { Logger } from '#libs/runtime';
import { MemoryLog } from '#libs/simulation';
import type { TestServer } from '#libs/testing';
import { appended, configMap, configMapWrite, eventsOf, metaOf, startPostgres } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { Keyring, SealedLog, WITHOUT_KEYS } from '../sealing/index.js';
import { MemoryKeyStore } from '../sealing/memory-key-store.js';
import type { PostgresOptions } from './index.js';
import {
  connectPostgres,
  LogRolledBack,
  objectEntity,
  PostgresHistory,
  PostgresSnapshotSource,
  Projector,
  rebuild,
  rebuildCheck,
  revisionEntity,
  schemaOf,
} from './index.js';

const QUIET: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const CONFIGMAPS = { group: '', version: 'v1', resource: 'configmaps' };
const parsed = (body: Uint8Array | undefined): unknown => body && JSON.parse(new TextDecoder().decode(body));

let server: TestServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

/** A cluster of its own in the database, and whatever a spec starts in it, ended afterwards. */
class Fixture {
  readonly options: PostgresOptions = { url: server.url, cluster: randomUUID().slice(0, 8), migrations: MIGRATIONS, poolSize: 4 };
  private readonly ends: (() => Promise<void>)[] = [];

  async dataSource(): Promise<DataSource> {
    const dataSource = await connectPostgres(this.options);
    this.ends.push(() => dataSource.destroy());
    return dataSource;
  }

  project(log: EventLog, dataSource: DataSource): { projector: Projector; stop: () => Promise<void>; running: Promise<void> } {
    const abort = new AbortController();
    const projector = new Projector({ log, dataSource, logger: QUIET });
    const running = projector.run(abort.signal);
    running.catch(() => undefined);
    const stop = async (): Promise<void> => {
      abort.abort();
      await running.catch(() => undefined);
    };
    this.ends.unshift(stop);
    return { projector, stop, running };
  }

  async end(): Promise<void> {
    for (const end of this.ends) await end();
  }
}

let fixture: Fixture;
beforeEach(() => (fixture = new Fixture()));
afterEach(() => fixture.end());

const historyOf = (dataSource: DataSource): PostgresHistory => new PostgresHistory(dataSource, WITHOUT_KEYS);

/** Creates, updates and deletes config maps; the events, in order. */
async function someHistory(log: EventLog): Promise<Recorded[]> {
  for (let i = 0; i < 30; i++) await appended(log, 'state', [configMapWrite('one', `n${i % 7}`, i < 7 ? 0 : i - 6, `v${i}`)]);
  await appended(log, 'state', [configMapWrite('one', 'n0', 29, 'gone', { type: 'Deleted', verb: 'delete' })]);
  return eventsOf(log);
}

async function projected(log: EventLog, dataSource: DataSource, stream: StreamName = 'state'): Promise<void> {
  await historyOf(dataSource).reached(stream, await log.last(stream));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Sequence, digest and chain of each row of `state`, in order. */
const chainIn = async (dataSource: DataSource): Promise<readonly unknown[][]> => {
  const rows = await dataSource.getRepository(revisionEntity).find({ where: { stream: 'state' }, order: { sequence: 'asc' } });
  return rows.map(({ sequence, digest, chain }) => [Number(sequence), hex(digest ?? Buffer.of()), hex(chain ?? Buffer.of())]);
};

describe('the projector', () => {
  it('makes of the log exactly the rows that the pure fold makes of it', async () => {
    const [log, dataSource] = [new MemoryLog({ now: () => 1_767_225_600_123 }), await fixture.dataSource()];
    const events = await someHistory(log);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const tables = foldTables(NO_ROWS, events);
    const objects = await dataSource.getRepository(objectEntity).find();
    expect(objects).toHaveLength(tables.objects.size);
    for (const { apiGroup, sequence, body, ...row } of objects) {
      const wanted = tables.objects.get(objectRowKey({ ...row, group: apiGroup }));
      expect({ sequence: Number(sequence), body, deleted: row.deleted }).toEqual({
        sequence: wanted?.sequence,
        body: new TextDecoder().decode(wanted?.body),
        deleted: wanted?.deleted,
      });
    }
    const revisions = await dataSource.getRepository(revisionEntity).find({ order: { sequence: 'asc' } });
    expect(revisions.map(({ sequence, meta, time, verb, actor }) => [Number(sequence), meta, time.getTime(), verb, actor])).toEqual(
      events.map(({ sequence, meta, time }) => [sequence, meta, time, meta.verb, meta.actor.user]),
    );
  });

  it('chains the events of a stream: each link is the hash of the one before it and of its own event', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await someHistory(log);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const rows = await chainIn(dataSource);
    let chain: Uint8Array = CHAIN_START;
    for await (const { events } of log.read('state', 0, { until: 31, digests: true })) {
      for (const { sequence, digest = new Uint8Array() } of events) {
        chain = createHash('sha256').update(chain).update(digest).digest();
        expect(rows[sequence - 1]).toEqual([sequence, hex(digest), hex(chain)]);
      }
    }
    expect(rows).toHaveLength(31);
  });

  it('gives the rows of an older build their chain, and goes on from there', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await someHistory(log);
    const first = fixture.project(log, dataSource);
    await projected(log, dataSource);
    await first.stop();
    const wanted = await chainIn(dataSource);
    await dataSource.query('update revision set digest = null, chain = null where sequence > 4');
    await dataSource.query('update checkpoint set chained = false');
    await appended(log, 'state', [configMapWrite('one', 'later')]);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    expect((await chainIn(dataSource)).slice(0, 31)).toEqual(wanted);
    expect(await rebuildCheck(log, fixture.options)).toMatchObject({ equal: true });
  });

  it('passes markers of guards, and text that jsonb can not hold', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    const write = configMapWrite('one', 'a', 0, 'nul \0 and \ud800', { agent: 'a\0b' });
    await appended(log, 'state', [write], [{ subject: `${write.subject}x`, expected: 0 }]);
    await appended(log, 'state', [configMapWrite('one', 'b')], [{ subject: `${write.subject}x`, expected: 0 }]);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const row = await historyOf(dataSource).getAt(CONFIGMAPS, 'default', 'a', 4);
    expect(row?.body).toEqual(Buffer.from(write.body));
    expect(row?.sequence).toBe(2);
  });

  it('goes on from its checkpoint, and events delivered again change nothing', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await someHistory(log);
    const first = fixture.project(log, dataSource);
    await projected(log, dataSource);
    await first.stop();
    await dataSource.query(`update checkpoint set sequence = 3 where stream = 'state'`);
    await appended(log, 'state', [configMapWrite('one', 'later')]);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    expect(await rebuildCheck(log, fixture.options)).toMatchObject({ equal: true, position: { state: 32 } });
  });

  it('is active once for each stream; another takes over when its connection ends', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    const one = fixture.project(log, dataSource);
    await appended(log, 'state', [configMapWrite('one', 'a')]);
    await projected(log, dataSource);
    while (one.projector.streams.length < 3) await new Promise(setImmediate);
    const two = fixture.project(log, dataSource);
    await appended(log, 'state', [configMapWrite('one', 'b')]);
    await projected(log, dataSource);
    expect(two.projector.streams).toEqual([]);
    await one.stop();
    await appended(log, 'state', [configMapWrite('one', 'c')]);
    await projected(log, dataSource);
    expect(two.projector.streams).toContain('state');
    expect(await rebuildCheck(log, fixture.options)).toMatchObject({ equal: true });
  });

  it('takes up its work again after its connections were cut', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    fixture.project(log, dataSource);
    await someHistory(log);
    await projected(log, dataSource);
    await dataSource.query('select pg_terminate_backend(pid) from pg_locks where locktype = $1 and objsubid = 2', ['advisory']);
    await appended(log, 'state', [configMapWrite('one', 'after')]);
    await projected(log, dataSource);
    expect(await historyOf(dataSource).getAt(CONFIGMAPS, 'default', 'after', 32)).toBeDefined();
  });

  it('refuses to go on when the log ends before its checkpoint', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await appended(log, 'state', [configMapWrite('one', 'a')]);
    await dataSource.query(`update checkpoint set sequence = 5 where stream = 'state'`);
    await expect(fixture.project(log, dataSource).running).rejects.toThrow(LogRolledBack);
    await expect(rebuildCheck(log, fixture.options)).rejects.toThrow(LogRolledBack);
  });

  it('stops at an event that it can not project, rather than skip it', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await appended(log, 'state', [{ ...configMapWrite('one', 'a'), subject: 'decklog.one.state.odd' }]);
    await expect(fixture.project(log, dataSource).running).rejects.toThrow('projecting state after 0');
  });
});

describe('reads of the projection', () => {
  it('a snapshot is all current objects, at one position', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await someHistory(log);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const { position, rows } = await new PostgresSnapshotSource(dataSource, WITHOUT_KEYS).snapshot();
    expect(position).toEqual({ state: 31, lease: 0, event: 0 });
    expect(rows.map(({ name }) => name).sort()).toEqual(['n1', 'n2', 'n3', 'n4', 'n5', 'n6']);
    const n6 = rows.find(({ name }) => name === 'n6');
    expect([n6?.sequence, parsed(n6?.body)]).toEqual([28, configMap('n6', 'v27')]);
  });

  it('an object and a list are as they stood at any sequence', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    const events = await someHistory(log);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const history = historyOf(dataSource);
    for (let at = 0; at <= events.length; at++) {
      const tables = foldTables(NO_ROWS, events.slice(0, at));
      const wanted = [...tables.objects.values()].filter(({ deleted }) => !deleted).map(({ name, sequence }) => [name, sequence]);
      wanted.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
      for (const namespace of ['default', undefined]) {
        expect((await history.listAt(CONFIGMAPS, namespace, at)).map(({ name, sequence }) => [name, sequence])).toEqual(wanted);
      }
      const n0 = tables.objects.get('/configmaps/default/n0');
      expect((await history.getAt(CONFIGMAPS, 'default', 'n0', at))?.sequence).toBe(n0?.deleted ? undefined : n0?.sequence);
    }
  });

  it('a list comes in pages, sorted bytewise by namespace and name', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    const put = (namespace: string, name: string): AppendWrite => ({
      ...configMapWrite('one', name),
      subject: subjectOf('one', 'state', CONFIGMAPS, namespace, name),
    });
    for (const [namespace, name] of [
      ['b', 'a'],
      ['a', 'b-1'],
      ['a', 'b.1'],
      ['a', 'b'],
      ['a-b', 'x'],
    ] as const) {
      await appended(log, 'state', [put(namespace, name)]);
    }
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const history = historyOf(dataSource);
    const first = await history.listAt(CONFIGMAPS, undefined, 5, { limit: 3 });
    expect(first.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['a/b', 'a/b-1', 'a/b.1']);
    const after = { namespace: 'a', name: 'b.1' };
    const second = await history.listAt(CONFIGMAPS, undefined, 5, { limit: 3, after });
    expect(second.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['a-b/x', 'b/a']);
    expect((await history.listAt(CONFIGMAPS, 'a', 5, { limit: 1, after: { namespace: 'a', name: 'b' } })).map(({ name }) => name)).toEqual([
      'b-1',
    ]);
  });

  it('the time of a sequence is when the log stored it', async () => {
    const [log, dataSource] = [new MemoryLog({ now: () => 1_767_225_600_987 }), await fixture.dataSource()];
    await appended(log, 'state', [configMapWrite('one', 'a')]);
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    expect(await historyOf(dataSource).timeOf('state', 1)).toBe(1_767_225_600_987);
    expect(await historyOf(dataSource).timeOf('state', 2)).toBeUndefined();
  });

  it('whoever waits for a sequence is woken at it, or by its signal', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    fixture.project(log, dataSource);
    const history = historyOf(dataSource);
    const stop = new AbortController();
    const never = history.reached('state', 99, stop.signal);
    const soon = history.reached('state', 1);
    await appended(log, 'state', [configMapWrite('one', 'a')]);
    await soon;
    stop.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });

  it('Secrets are sealed in the rows, and open to whoever has the keys', async () => {
    const [beneath, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    const master = randomBytes(32);
    const keyring = await Keyring.open(new MemoryKeyStore(), () => master);
    const secrets = { group: '', version: 'v1', resource: 'secrets' };
    const body = encodeObject({
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { name: 's', namespace: 'default', uid: 'u' },
      ...{ data: { a: 'hunter2' } },
    });
    const subject = subjectOf('one', 'state', secrets, 'default', 's');
    await appended(new SealedLog(beneath, keyring), 'state', [{ subject, expected: 0, meta: metaOf(), body }]);
    fixture.project(beneath, dataSource);
    await projected(beneath, dataSource);
    expect(JSON.stringify(await dataSource.query('select * from object'))).not.toContain('hunter2');
    expect(parsed((await new PostgresHistory(dataSource, keyring).getAt(secrets, 'default', 's', 1))?.body)).toEqual(parsed(body));
    expect(parsed((await historyOf(dataSource).getAt(secrets, 'default', 's', 1))?.body)).not.toHaveProperty('data');
    await keyring.destroy('u');
    expect(parsed((await new PostgresSnapshotSource(dataSource, keyring).snapshot()).rows[0]?.body)).not.toHaveProperty('data');
  });
});

describe('the projection rebuilt from the log', () => {
  const grown = async (): Promise<{ log: MemoryLog; dataSource: DataSource; alter: (sql: string) => Promise<void> }> => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    await someHistory(log);
    const running = fixture.project(log, dataSource);
    await projected(log, dataSource);
    await running.stop();
    const alter = async (sql: string): Promise<void> => {
      const client = new Client({ connectionString: server.url, options: `-c search_path="${schemaOf(fixture.options.cluster)}"` });
      await client.connect();
      await client.query(sql);
      await client.end();
    };
    return { log, dataSource, alter };
  };

  it('equals the one that grew, row for row', async () => {
    const { log } = await grown();
    const report = await rebuildCheck(log, fixture.options);
    expect(report).toMatchObject({
      equal: true,
      position: { state: 31 },
      tables: [
        { table: 'revision', rows: [31, 31] },
        { table: 'object', rows: [7, 7] },
      ],
    });
    for (const { digests } of report.tables) expect(digests[0]).toBe(digests[1]);
  });

  it('names the first row that was altered, that is missing, and that is too many', async () => {
    const { log, alter } = await grown();
    await alter(`update revision set body = body || ' ' where sequence in (9, 12)`);
    await alter(`delete from object where name = 'n3'`);
    const report = await rebuildCheck(log, fixture.options);
    expect(report.equal).toBe(false);
    expect(report.tables).toMatchObject([
      { difference: 'state/9', rows: [31, 31] },
      { difference: '/configmaps/default/n3', rows: [6, 7] },
    ]);
    await alter(
      `insert into object select api_group, resource, namespace, 'm', stream, sequence, uid, deleted, labels, encoding, body from object where name = 'n1'`,
    );
    expect((await rebuildCheck(log, fixture.options)).tables[1]).toMatchObject({ difference: '/configmaps/default/m', rows: [7, 7] });
  });

  it('takes the place of a damaged one while a projector runs, which goes on with it', async () => {
    const { log, dataSource, alter } = await grown();
    fixture.project(log, dataSource);
    await appended(log, 'state', [configMapWrite('one', 'before')]);
    await projected(log, dataSource);
    await alter(`update object set body = '{}'`);
    expect(await rebuild(log, fixture.options)).toMatchObject({ state: 32 });
    await appended(log, 'state', [configMapWrite('one', 'after')]);
    await projected(log, dataSource);
    expect(await rebuildCheck(log, fixture.options)).toMatchObject({ equal: true, position: { state: 33 } });
  });

  it('is compared while the projection goes on growing', async () => {
    const [log, dataSource] = [new MemoryLog(), await fixture.dataSource()];
    fixture.project(log, dataSource);
    await someHistory(log);
    let done = false;
    const writing = (async () => {
      for (let i = 0; !done; i++) {
        await appended(log, 'state', [configMapWrite('one', `w${i}`)]);
        await new Promise(setImmediate);
      }
    })();
    await projected(log, dataSource);
    expect(await rebuildCheck(log, fixture.options)).toMatchObject({ equal: true });
    done = true;
    await writing;
  });
});

describe('connecting', () => {
  it('many processes at once create and migrate the tables once', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => connectPostgres(fixture.options)));
    const [{ count }] = (await all[0]?.query('select count(*) from migration')) as [{ count: string }];
    expect(Number(count)).toBe(MIGRATIONS.length);
    await Promise.all(all.map((dataSource) => dataSource.destroy()));
  });

  it('clusters that share a database have tables of their own', async () => {
    const log = new MemoryLog();
    await someHistory(log);
    const dataSource = await fixture.dataSource();
    fixture.project(log, dataSource);
    await projected(log, dataSource);
    const other = await connectPostgres({ ...fixture.options, cluster: randomUUID().slice(0, 8) });
    expect((await new PostgresSnapshotSource(other, WITHOUT_KEYS).snapshot()).rows).toEqual([]);
    await other.destroy();
  });
});
