import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { DataSource } from 'typeorm';
import { startPostgres, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { alone, connectPostgres } from './index.js';
import { holding } from './lock.js';

/** A way to the database that can be cut without a word to either end, as when a host is cut off. */
class Line {
  readonly #sockets: Socket[] = [];
  #cut = false;

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Line> {
    const server = createServer((near) => line.#join(near, connect(port, '127.0.0.1')));
    const line = new Line(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(near: Socket, far: Socket): void {
    this.#sockets.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => to.destroy()).on('data', (chunk) => to.write(chunk));
      from.on('close', () => to.destroy());
    }
    if (this.#cut) this.cut();
  }
}

/** Work that says when it has begun and when it ended, and does nothing until it must end. */
class Work {
  readonly begun: Promise<void>;
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(dataSource: DataSource, lock: number, of: (held: AbortSignal) => Promise<void> = ends) {
    let begin: () => void = () => undefined;
    this.begun = new Promise((resolve) => (begin = resolve));
    this.ended = alone(dataSource, lock, this.#stop.signal, (held) => {
      begin();
      return of(held);
    }).catch(() => undefined);
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.ended;
  }
}

const ends = (held: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    held.addEventListener('abort', () => resolve());
    if (held.aborted) resolve();
  });

describe('a lock of the database', () => {
  let server: TestServer;
  let database: DataSource;
  const cluster = randomUUID().slice(0, 8);
  const connected = (port: number): Promise<DataSource> =>
    connectPostgres({ url: server.url.replace(String(server.port), String(port)), cluster, migrations: MIGRATIONS, poolSize: 2 });

  beforeAll(async () => {
    server = await startPostgres();
    database = await connected(server.port);
  }, 60_000);
  afterAll(async () => {
    await database.destroy();
    await server.stop();
  });

  it('is held by one at a time, of many who ask at once', async () => {
    let [working, most, turns] = [0, 0, 0];
    const stop = new AbortController();
    const work = async (): Promise<void> => {
      most = Math.max(most, ++working);
      await new Promise((resolve) => setTimeout(resolve, 20));
      working--;
      turns++;
    };
    await Promise.all(Array.from({ length: 4 }, () => alone(database, 101, stop.signal, work)));
    expect([most, turns]).toEqual([1, 4]);
  });

  it('is nothing to wait for any more when the signal aborts', async () => {
    const holder = new Work(database, 102);
    await holder.begun;
    const waiting = new Work(database, 102);
    await waiting.stop();
    await holder.stop();
  });

  it('goes to another when its holder is cut off, who learns of it as soon as it can', async () => {
    const line = await Line.to(server.port);
    const far = await connected(line.port);
    try {
      const holder = new Work(far, 103);
      await holder.begun;
      line.cut();
      const other = new Work(database, 103);
      await other.begun;
      line.mend();
      await holder.ended;
      await other.stop();
    } finally {
      await far.destroy();
      await line.close();
    }
  }, 30_000);

  it('stays with who runs a long statement, and says nothing meanwhile', async () => {
    const stop = new AbortController();
    let lost = false;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const holder = holding(database, 104, stop.signal, async (session, held) => {
      begin();
      await session.query('select pg_sleep(4.5)');
      lost = held.aborted;
    });
    await begun;
    const other = new Work(database, 104);
    await holder;
    await other.begun;
    expect(lost).toBe(false);
    await other.stop();
  }, 30_000);

  it('is no matter of who holds another', async () => {
    const works = [105, 106].map((lock) => new Work(database, lock));
    await Promise.all(works.map(({ begun }) => begun));
    await Promise.all(works.map((work) => work.stop()));
  });
});

describe('the tables of a cluster', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.stop());

  it('are made once by many who begin at the same time', async () => {
    const options = { url: server.url, cluster: 'together', migrations: MIGRATIONS, poolSize: 2 };
    const all = await Promise.all(Array.from({ length: 6 }, () => connectPostgres(options)));
    const [{ count }] = (await all[0]?.query('select count(*)::int as count from migration')) as [{ count: number }];
    await Promise.all(all.map((each) => each.destroy()));
    expect(count).toBe(MIGRATIONS.length);
  });
});
