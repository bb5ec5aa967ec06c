import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { AppendWrite, Finding, MessageSource, SignedCheckpoint, StoredMessage, StreamName } from '#libs/log';
import { CHAIN_START, encodeObject, STREAMS, subjectOf } from '#libs/log';
import type { TestServer } from '#libs/testing';
import { appended, configMapWrite, metaOf, startNats, startPostgres } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { connectLog, type JetStreamLog } from '../jetstream/index.js';
import { headOf } from '../postgres/chain.js';
import { openSession } from '../postgres/data-source.js';
import { connectPostgres, Projector, rebuild } from '../postgres/index.js';
import { prune } from '../postgres/projector.js';
import { appendCheckpoint, readCheckpointFile } from './checkpoint-file.js';
import { checkHistory, HistoryAltered } from './check.js';
import { CheckpointStream } from './checkpoint-stream.js';
import { checkpointSigner, checkpointVerifier, lineHash, newCheckpointKey } from './signing.js';
import { verifyHistory, type Verified } from './verify.js';
import { acceptHistory } from './whole.js';

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };

/** A cluster's servers, its history projected and signed; what a test does to it, it does while the log's server is down. */
class Ship {
  readonly cluster = randomUUID().slice(0, 8);
  private readonly keys = newCheckpointKey();
  readonly file = join(mkdtempSync(join(tmpdir(), 'decklog-checkpoints-')), 'checkpoints.jsonl');
  private number = 0;
  private before: SignedCheckpoint | undefined;

  private constructor(
    readonly nats: TestServer,
    readonly postgres: TestServer,
  ) {}

  static async launch(): Promise<Ship> {
    return new Ship(await startNats(), await startPostgres());
  }

  get options(): { readonly url: string; readonly cluster: string; readonly migrations: typeof MIGRATIONS } {
    return { url: this.postgres.url, cluster: this.cluster, migrations: MIGRATIONS };
  }

  /** Where nats-server keeps the messages of a stream. */
  folder(stream: StreamName): string {
    return join(this.nats.folder, 'jetstream', '$G', 'streams', `decklog_${this.cluster}_${stream}`, 'msgs');
  }

  async with<T>(work: (log: JetStreamLog, dataSource: DataSource, session: Client) => Promise<T>): Promise<T> {
    const log = await connectLog({ url: this.nats.url, cluster: this.cluster });
    const dataSource = await connectPostgres(this.options);
    const session = await openSession(dataSource);
    try {
      return await work(log, dataSource, session);
    } finally {
      await session.end();
      await dataSource.destroy();
      await log.close();
    }
  }

  /** Config maps `from` to `to`, one after the other, projected and signed. */
  async sail(from: number, to: number): Promise<void> {
    await this.with(async (log, dataSource) => {
      for (let i = from; i <= to; i++) await appended(log, 'state', [configMapWrite(this.cluster, `map-${i}`, 0, `cargo-${i}-x`)]);
      await this.project(log, dataSource);
      await this.sign();
    });
  }

  async project(log: JetStreamLog, dataSource: DataSource): Promise<void> {
    const stop = new AbortController();
    const projector = new Projector({ log, dataSource, logger: QUIET });
    const running = projector.run(stop.signal);
    const ends = await Promise.all(STREAMS.map((stream) => log.last(stream)));
    while (!STREAMS.every((stream, i) => projector.position[stream] >= (ends[i] ?? 0))) await new Promise((next) => setTimeout(next, 5));
    stop.abort();
    await running;
  }

  async sign(): Promise<void> {
    await this.with(async (_, __, session) => {
      const marks = [];
      for (const stream of STREAMS) {
        const { sequence, chain } = await headOf(session, stream);
        marks.push([stream, { sequence, chain: Buffer.from(chain).toString('hex') }] as const);
      }
      const streams = Object.fromEntries(marks) as unknown as SignedCheckpoint['streams'];
      const previous = this.before === undefined ? '' : lineHash(this.before);
      const time = new Date(Date.UTC(2026, 0, 1, 0, 0, this.number)).toISOString();
      const checkpoint = checkpointSigner(this.keys.privateKey)({
        number: ++this.number,
        cluster: this.cluster,
        time,
        streams,
        ...(this.before?.since === undefined ? {} : { since: this.before.since }),
        previous,
      });
      const kept = await CheckpointStream.connect({ url: this.nats.url, cluster: this.cluster });
      await kept.append(checkpoint);
      await kept.close();
      await appendCheckpoint(this.file, checkpoint);
      this.before = checkpoint;
    });
  }

  /** What is done to the files while the server is down: ended as `stop` ends it, or with its index of the stream gone. */
  async ashore(work: () => void, index: 'kept' | 'lost' = 'kept'): Promise<void> {
    process.kill(this.nats.pid(), 'SIGTERM');
    while (alive(this.nats.pid())) await new Promise((next) => setTimeout(next, 10));
    work();
    if (index === 'lost') for (const stream of STREAMS) rmSync(join(this.folder(stream), 'index.db'), { force: true });
    await this.nats.start();
  }

  async verify(change: (message: StoredMessage) => StoredMessage = (message) => message): Promise<Verified> {
    return this.with(async (log, _, session) => {
      const kept = await CheckpointStream.connect({ url: this.nats.url, cluster: this.cluster });
      try {
        const source: MessageSource & Pick<JetStreamLog, 'last'> = {
          last: (stream) => log.last(stream),
          async *messages(...asked) {
            for await (const { messages, through } of log.messages(...asked)) yield { messages: messages.map(change), through };
          },
        };
        return await verifyHistory({
          log: source,
          session,
          checkpoints: [
            { kept: 'the log', all: await kept.all() },
            { kept: 'the file', all: await readCheckpointFile(this.file) },
          ],
          isSigned: checkpointVerifier(this.keys.publicKey),
        });
      } finally {
        await kept.close();
      }
    });
  }

  /** What start-up says; undefined: it may serve. */
  async check(): Promise<Finding | undefined> {
    return this.with(async (log, dataSource) => {
      const checkpoints = await CheckpointStream.connect({ url: this.nats.url, cluster: this.cluster });
      try {
        await checkHistory({ log, dataSource, checkpoints, file: this.file });
        return undefined;
      } catch (error) {
        if (error instanceof HistoryAltered) return error.finding;
        throw error;
      } finally {
        await checkpoints.close();
      }
    });
  }

  /** As a person does with `verify --accept`. */
  async accept(why: string): Promise<void> {
    const log = { url: this.nats.url, cluster: this.cluster };
    const places = { log, postgres: this.options, archive: '/nowhere', file: this.file };
    this.before = await acceptHistory(places, this.keys.privateKey, why, '2026-02-01T00:00:00.000Z');
    this.number = this.before.number;
  }

  async sink(): Promise<void> {
    await Promise.all([this.nats.stop(), this.postgres.stop()]);
    rmSync(join(this.file, '..'), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

const findings = ({ streams, checkpoints }: Verified): readonly Finding[] =>
  [...streams, ...checkpoints].flatMap(({ finding }) => (finding ? [finding] : []));

/** Flips one bit of the event that holds a text, in the block where it is stored. */
function flip(folder: string, text: string): void {
  const block = readdirSync(folder)
    .filter((name) => name.endsWith('.blk'))
    .map((name) => join(folder, name))
    .find((path) => readFileSync(path).includes(text));
  if (block === undefined) throw new Error(`no block holds ${text}`);
  const bytes = readFileSync(block);
  const at = bytes.indexOf(text);
  bytes[at + text.length - 1] = (bytes[at + text.length - 1] ?? 0) ^ 1;
  writeFileSync(block, bytes);
}

describe('a history that somebody touched', () => {
  let ship: Ship;
  beforeEach(async () => {
    ship = await Ship.launch();
    await ship.sail(1, 150);
    await ship.sail(151, 300);
  }, 120_000);
  afterEach(() => ship.sink());

  it('is as it was where nobody did', async () => {
    expect(findings(await ship.verify())).toEqual([]);
    expect(await ship.check()).toBeUndefined();
  }, 60_000);

  it('one byte altered in the file: nats-server gives that message to nobody, and its sequence is named', async () => {
    await ship.ashore(() => flip(ship.folder('state'), 'cargo-150-x'));
    expect(await ship.check()).toMatchObject({ kind: 'lost', stream: 'state', sequence: 150, through: 150 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'lost', sequence: 150, through: 150 }]);
  }, 60_000);

  it('one byte altered and the index gone: nats-server cuts the rest off, and where the log ends is named', async () => {
    await ship.ashore(() => flip(ship.folder('state'), 'cargo-150-x'), 'lost');
    expect(await ship.check()).toMatchObject({ kind: 'rolled-back', stream: 'state', sequence: 150, through: 300 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'rolled-back', sequence: 150, through: 300 }]);
  }, 60_000);

  it('the last hundred cut off the file: the first that is gone is named', async () => {
    await ship.ashore(() => {
      const block = join(ship.folder('state'), '1.blk');
      truncateSync(block, readFileSync(block).indexOf('cargo-200-x'));
    });
    expect(await ship.check()).toMatchObject({ stream: 'state', sequence: 200, through: 300 });
    expect(findings(await ship.verify())).toMatchObject([{ sequence: 200, through: 300 }]);
  }, 60_000);

  it('the last hundred deleted by somebody who may: the first that is gone is named', async () => {
    const { connect } = await import('nats');
    const connection = await connect({ servers: ship.nats.url });
    const manager = await connection.jetstreamManager();
    for (let sequence = 201; sequence <= 300; sequence++) await manager.streams.deleteMessage(`decklog_${ship.cluster}_state`, sequence);
    await connection.close();
    expect(await ship.check()).toMatchObject({ kind: 'lost', stream: 'state', sequence: 201, through: 300 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'lost', sequence: 201, through: 300 }]);
  }, 60_000);

  it('an old copy of the files of every stream put back, and written on: the projection and the file tell', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'decklog-copy-'));
    const streams = join(ship.nats.folder, 'jetstream');
    await ship.ashore(() => cpSync(streams, copy, { recursive: true }));
    await ship.sail(301, 350);
    await ship.ashore(() => {
      rmSync(streams, { recursive: true });
      cpSync(copy, streams, { recursive: true });
    });
    rmSync(copy, { recursive: true });
    expect(await ship.check()).toMatchObject({ kind: 'rolled-back', stream: 'state', sequence: 301, through: 350 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'rolled-back', sequence: 301, through: 350 }]);
    await ship.with((log, dataSource) => rebuild(log, ship.options).then(() => dataSource.query('select 1')));
    expect(await ship.check()).toMatchObject({ kind: 'rolled-back', sequence: 301, through: 350 });
    await ship.with(async (log) => {
      for (let i = 301; i <= 360; i++) await appended(log, 'state', [configMapWrite(ship.cluster, `other-${i}`)]);
    });
    await ship.with(() => ship.with((log, dataSource) => ship.project(log, dataSource)));
    expect(await ship.check()).toMatchObject({ kind: 'checkpoint', stream: 'state', sequence: 350 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'checkpoint', stream: 'state', sequence: 350 }]);
  }, 90_000);

  it('accepted by a person as it is now, it is served again; a later loss is found all the same', async () => {
    await ship.ashore(() => flip(ship.folder('state'), 'cargo-150-x'));
    expect(await ship.check()).toMatchObject({ kind: 'lost', sequence: 150 });
    await ship.accept('a disk with flipped bits, replaced');
    expect(await ship.check()).toBeUndefined();
    expect(findings(await ship.verify())).toEqual([]);
    await ship.sail(301, 310);
    expect(await ship.check()).toBeUndefined();
    await ship.ashore(() => flip(ship.folder('state'), 'cargo-305-x'));
    expect(await ship.check()).toMatchObject({ kind: 'lost', stream: 'state', sequence: 305, through: 305 });
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'lost', sequence: 305, through: 305 }]);
  }, 90_000);

  it('rolled back as a whole, built anew and accepted, it is served again', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'decklog-copy-'));
    const streams = join(ship.nats.folder, 'jetstream');
    await ship.ashore(() => cpSync(streams, copy, { recursive: true }));
    await ship.sail(301, 350);
    await ship.ashore(() => {
      rmSync(streams, { recursive: true });
      cpSync(copy, streams, { recursive: true });
    });
    rmSync(copy, { recursive: true });
    await ship.with((log) => rebuild(log, ship.options));
    await ship.accept('the disk of Tuesday is all there is');
    expect(await ship.check()).toBeUndefined();
    expect(findings(await ship.verify())).toEqual([]);
  }, 90_000);

  it('log and projection altered alike, chain and all: the signed checkpoint tells', async () => {
    await ship.with(async (log, _, session) => {
      await session.query(`update revision set body = replace(body, 'cargo-120-x', 'cargo-120-y') where sequence = 120`);
      const { chainOf, digestOf } = await import('../digest.js');
      let chain = CHAIN_START;
      for await (const { messages } of log.messages('state', 0, 300)) {
        for (const message of messages) {
          const digest = digestOf(forged(message));
          chain = chainOf(chain, digest);
          await session.query(`update revision set digest = $2, chain = $3 where stream = 'state' and sequence = $1`, [
            message.sequence,
            digest,
            chain,
          ]);
        }
      }
    });
    expect(findings(await ship.verify(forged))).toMatchObject([{ kind: 'checkpoint', stream: 'state', sequence: 150 }]);
    expect(await ship.check()).toBeDefined();
  }, 60_000);

  it.each<[string, (message: StoredMessage) => StoredMessage]>([
    ['its body', forged],
    ['a header', (message) => headered(message, 'Dl-Actor: tester', 'Dl-Actor: nobody')],
    ['its type, so that it is no event', (message) => headered(message, 'Dl-Type: Created', 'Xx-Type: Created')],
    ['its type, so that it can not be read', (message) => headered(message, 'Dl-Type: Created', 'Dl-Type: Crooked')],
    ['its time', (message) => (message.sequence === 120 ? { ...message, nanoseconds: `${message.nanoseconds.slice(0, -1)}x` } : message)],
  ])(
    'an event of the log has another form than when it was projected, in %s: it is named',
    async (_, change) => {
      expect(findings(await ship.verify(change))).toMatchObject([{ kind: 'altered-event', stream: 'state', sequence: 120 }]);
    },
    60_000,
  );

  it.each([
    ['altered-row', `update revision set body = replace(body, 'cargo', 'wreck') where stream = 'state' and sequence = 120`, 120],
    ['altered-row', `update revision set time = time - interval '1 day' where stream = 'state' and sequence = 120`, 120],
    ['altered-row', `update revision set uid = 'other' where stream = 'state' and sequence = 120`, 120],
    ['row-lost', `delete from revision where stream = 'state' and sequence = 120`, 120],
    ['altered-row', `update object set body = replace(body, 'cargo', 'wreck') where name = 'map-120'`, 120],
    ['altered-row', `update object set deleted = true where name = 'map-120'`, 120],
    ['row-lost', `delete from object where name = 'map-120'`, 120],
  ])(
    'in the projection: %s after %s',
    async (kind, statement, sequence) => {
      await ship.with((_, dataSource) => dataSource.query(statement));
      expect(findings(await ship.verify())).toMatchObject([{ kind, stream: 'state', sequence }]);
    },
    60_000,
  );

  it('a checkpoint that somebody else signed, or that is missing between others, is named', async () => {
    await ship.sail(301, 302);
    const lines = readFileSync(ship.file, 'utf8').trimEnd().split('\n');
    writeFileSync(ship.file, `${[lines[0], lines[2]].join('\n')}\n`);
    expect(findings(await ship.verify())).toMatchObject([
      { kind: 'checkpoint', detail: expect.stringContaining('followed by checkpoint 3') as string },
    ]);
    writeFileSync(ship.file, `${lines.join('\n').replace('2026-01-01T00:00:01', '2026-01-01T00:00:09')}\n`);
    expect(findings(await ship.verify())).toMatchObject([{ kind: 'checkpoint', detail: expect.stringContaining('not signed') as string }]);
  }, 60_000);
});

describe('a stream that forgets', () => {
  it('is found as it was, though rows of it were pruned, messages left the stream, and the projection was built anew', async () => {
    const ship = await Ship.launch();
    try {
      await ship.with(async (log, dataSource, session) => {
        const last = [0, 0, 0];
        for (let i = 0; i < 60; i++) {
          const n = i % 7 === 0 ? 2 : i % 2;
          [last[n] = 0] = await appended(log, 'lease', [renewal(ship.cluster, `lease-${n}`, last[n] ?? 0)]);
          if (i === 30) await ship.project(log, dataSource).then(() => ship.sign());
        }
        await ship.project(log, dataSource);
        await ship.sign();
        expect(findings(await ship.verify())).toEqual([]);
        await session.query(`update revision set time = time - interval '1 hour' where stream = 'lease' and sequence < 55`);
        await prune(session, 'lease', '10 minutes');
        await session.query(`update revision set time = time + interval '1 hour' where stream = 'lease' and sequence < 55`);
      });
      expect(findings(await ship.verify())).toEqual([]);
      await ship.with((log) => rebuild(log, ship.options));
      expect(findings(await ship.verify())).toEqual([]);
      expect(await ship.check()).toBeUndefined();
    } finally {
      await ship.sink();
    }
  }, 120_000);
});

function forged(message: StoredMessage): StoredMessage {
  if (message.sequence !== 120) return message;
  return { ...message, body: Buffer.from(Buffer.from(message.body).toString().replace('cargo-120-x', 'cargo-120-y')) };
}

function headered(message: StoredMessage, from: string, to: string): StoredMessage {
  if (message.sequence !== 120) return message;
  return { ...message, headers: Buffer.from(Buffer.from(message.headers).toString('latin1').replace(from, to), 'latin1') };
}

function renewal(cluster: string, name: string, expected: number): AppendWrite {
  return {
    subject: subjectOf(cluster, 'lease', LEASES, 'default', name),
    expected,
    meta: metaOf({ type: expected === 0 ? 'Created' : 'Updated', previous: expected }),
    body: encodeObject({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name, namespace: 'default', uid: `u-${name}` } }),
  };
}
