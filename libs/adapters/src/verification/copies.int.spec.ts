import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { Sequence, StreamName } from '#libs/log';
import { appended, configMapWrite, startNatsCluster, startPostgres, type TestNatsCluster, type TestServer } from '#libs/testing';
import { SILENT_LOGGER } from '#libs/runtime';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { connectLog, type JetStreamLog } from '../jetstream/index.js';
import { NOBODY } from '../jetstream/observer.js';
import { openSession } from '../postgres/data-source.js';
import { connectPostgres, Projector } from '../postgres/index.js';
import { verifyCopies, type CopyVerified } from './copies.js';

const CLUSTER = randomUUID().slice(0, 8);
const STATE = `decklog_${CLUSTER}_state`;
/** What is waited for comes soon, or the test has failed. */
const PATIENCE_MS = 60_000;

jest.setTimeout(120_000);

describe('a log that three servers keep, of which one is damaged', () => {
  let nats: TestNatsCluster;
  let postgres: TestServer;
  let log: JetStreamLog;
  let dataSource: DataSource;
  let session: Client;
  let stop: AbortController;
  let projecting: Promise<void>;
  let projector: Projector;
  /** What readers were told of copies that lack something. */
  const lacking: [server: string, from: Sequence, to: Sequence][] = [];
  /** Where each map was stored. */
  const places: Sequence[] = [];

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNatsCluster(), startPostgres()]);
    const copyLacks = (server: string, _stream: StreamName, from: Sequence, to: Sequence): void => void lacking.push([server, from, to]);
    log = await connectLog({ url: nats.url, cluster: CLUSTER, replicas: 3, patienceMs: 30_000, observer: { ...NOBODY, copyLacks } });
    dataSource = await connectPostgres({ url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS });
    session = await openSession(dataSource);
    stop = new AbortController();
    projector = new Projector({ log, dataSource, logger: SILENT_LOGGER });
    projecting = projector.run(stop.signal);
    await write(1, 100);
  });

  afterAll(async () => {
    stop.abort();
    await projecting;
    await session.end();
    await dataSource.destroy();
    await log.close();
    await Promise.all([nats.stop(), postgres.stop()]);
  });

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`${what}: it does not happen`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function write(from: number, to: number): Promise<void> {
    for (let i = from; i <= to; i++)
      places[i] = (await appended(log, 'state', [configMapWrite(CLUSTER, `map-${i}`, 0, `cargo-${i}-x`)]))[0] ?? 0;
    await until('the projection', async () => projector.position.state >= placeOf(to));
    await until('the copies', async () => (await log.copies('state')).every(({ isCurrent }) => isCurrent));
  }

  const placeOf = (i: number): Sequence => places[i] ?? 0;

  const streamsOf = (server: TestServer): string => join(server.folder, 'jetstream');

  /** A server that does not lead the stream: what is wrong with it is seen by nobody who does not ask that very server. */
  async function follower(): Promise<TestNatsCluster['servers'][number]> {
    const copy = (await log.copies('state')).find(({ isLeader }) => !isLeader);
    const found = nats.servers.find(({ name }) => name === copy?.server);
    if (found === undefined) throw new Error('no server follows');
    return found;
  }

  /** Ends a server, does something to its files, and starts it again. One that is ended in peace believes its index of them. */
  async function ashore(server: TestServer, ending: 'killed' | 'ended', work: (streams: string) => void): Promise<void> {
    if (ending === 'ended') process.kill(server.pid(), 'SIGTERM');
    await until('the end of the server', () => Promise.resolve(ending === 'killed' || hasEnded(server.pid())));
    await server.kill();
    work(streamsOf(server));
    await server.start();
    await until('the copies', async () => (await log.copies('state')).every(({ isCurrent }) => isCurrent));
  }

  const wrong = (all: readonly CopyVerified[]): readonly unknown[] =>
    all.flatMap(({ server, findings }) => findings.map(({ kind, sequence, through }) => [server, kind, sequence, through]));

  /** All there is up to a map, as whoever reads it gets it. */
  async function everything(last: number): Promise<readonly Sequence[]> {
    const read: Sequence[] = [];
    for await (const { events } of log.read('state', 0, { until: placeOf(last) })) read.push(...events.map(({ sequence }) => sequence));
    return read;
  }

  const oneTo = (last: number): readonly Sequence[] => places.slice(1, last + 1);

  it('has three copies that are the same while nobody touches them', async () => {
    const verified = await verifyCopies({ log, session });
    expect(verified.map(({ isCurrent, events }) => [isCurrent, events])).toEqual([1, 2, 3].map(() => [true, 100]));
    expect(wrong(verified)).toEqual([]);
  });

  it('names the server and the event where a block was altered; readers get it from the others, and say so', async () => {
    const server = await follower();
    await ashore(server, 'ended', (streams) => flip(join(streams, '$G', 'streams', STATE, 'msgs'), 'cargo-50-x'));
    expect(wrong(await verifyCopies({ log, session }))).toEqual([[server.name, 'lost', placeOf(50), placeOf(50)]]);
    for (let reads = 0; reads < 40 && lacking.length === 0; reads++) expect(await everything(100)).toEqual(oneTo(100));
    expect(lacking).toContainEqual([server.name, placeOf(50), placeOf(50)]);
  });

  it('is whole again when the damaged server has begun anew from the others', async () => {
    const server = await follower();
    await ashore(server, 'killed', (streams) => rmSync(streams, { recursive: true }));
    expect(wrong(await verifyCopies({ log, session, streams: ['state'] }))).toEqual([]);
    expect(await everything(100)).toEqual(oneTo(100));
  });

  it('is whole again by itself where a block was altered while the server was down after a crash: it reads all of it then', async () => {
    const server = await follower();
    await ashore(server, 'killed', (streams) => flip(join(streams, '$G', 'streams', STATE, 'msgs'), 'cargo-60-x'));
    expect(wrong(await verifyCopies({ log, session, streams: ['state'] }))).toEqual([]);
    expect(await everything(100)).toEqual(oneTo(100));
  });

  it('catches up where one server is put back to an old copy of its files', async () => {
    const server = await follower();
    const old = mkdtempSync(join(tmpdir(), 'decklog-old-'));
    await ashore(server, 'killed', (streams) => cpSync(streams, old, { recursive: true }));
    await write(101, 150);
    await ashore(server, 'killed', (streams) => {
      rmSync(streams, { recursive: true });
      cpSync(old, streams, { recursive: true });
    });
    rmSync(old, { recursive: true });
    expect(wrong(await verifyCopies({ log, session, streams: ['state'] }))).toEqual([]);
    expect(await everything(150)).toEqual(oneTo(150));
  });
});

function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

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
