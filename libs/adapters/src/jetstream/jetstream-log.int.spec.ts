import { randomUUID } from 'node:crypto';
import type { Appended, EventLog, Recorded, StoredMessage } from '#libs/log';
import { LogUnavailable } from '#libs/log';
import type { TestServer } from '#libs/testing';
import { appended, configMapWrite, eventLogContract, eventsOf, startNats, startRelay } from '#libs/testing';
import { digestOf } from '../digest.js';
import { connectLog } from './jetstream-log.js';
import { WrongLogSettings } from './stream-settings.js';

let server: TestServer;
beforeAll(async () => {
  server = await startNats();
}, 30_000);
afterAll(() => server.stop());

eventLogContract('JetStreamLog', (cluster) => connectLog({ url: server.url, cluster }));

/** Appends `count` events over `clients` loops; what was acknowledged, by name. */
async function burst(log: EventLog, cluster: string, clients: number, count: number): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const name = `n${next++}`;
      const result = await log.append('state', [configMapWrite(cluster, name)]).catch((error: unknown): Appended => {
        if (error instanceof LogUnavailable) return { moved: [] };
        throw error;
      });
      if ('sequences' in result) acknowledged.set(name, result.sequences[0] ?? 0);
      else if (result.moved.length > 0) throw new Error(`${name} moved: ${JSON.stringify(result.moved)}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return acknowledged;
}

/** Nothing acknowledged is missing or elsewhere, and no event is there twice. */
async function expectExactlyOnce(log: EventLog, cluster: string, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  const events = await eventsOf(log);
  expect(new Set(events.map(({ subject }) => subject)).size).toBe(events.length);
  expect(new Set(events.map(({ meta }) => meta.id)).size).toBe(events.length);
  const bySubject = new Map(events.map(({ subject, sequence }) => [subject, sequence]));
  for (const [name, sequence] of acknowledged) expect(bySubject.get(configMapWrite(cluster, name).subject)).toBe(sequence);
}

describe('a log that fails and comes back', () => {
  const cluster = (): string => randomUUID();

  it('loses nothing acknowledged and stores nothing twice when the server is killed and restarted under load', async () => {
    const own = await startNats();
    const id = cluster();
    const log = await connectLog({ url: own.url, cluster: id, patienceMs: 20_000 });
    try {
      const total = 6_000;
      const reading = (async () => {
        const seen: number[] = [];
        for await (const { events } of log.read('state', 0)) {
          seen.push(...events.map(({ sequence }) => sequence));
          if (seen.length === total) break;
        }
        return seen;
      })();
      const writing = burst(log, id, 64, total);
      for (let i = 1; i <= 3; i++) {
        while ((await log.last('state')) < i * 1_000) await new Promise(setImmediate);
        await own.kill();
        await own.start();
      }
      const acknowledged = await writing;
      expect(acknowledged.size).toBe(total);
      await expectExactlyOnce(log, id, acknowledged);
      const seen = await reading;
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
    } finally {
      await log.close();
      await own.stop();
    }
  }, 120_000);

  it('resolves appends whose connection was cut in the middle of batches, without storing one twice', async () => {
    const middle = await startRelay(server.port);
    const id = cluster();
    const log = await connectLog({ url: `nats://127.0.0.1:${middle.port}`, cluster: id, patienceMs: 20_000 });
    try {
      const writing = burst(log, id, 64, 4_000);
      let done = false;
      void writing.finally(() => (done = true));
      for (let last = 0; !done;) {
        const now = await log.last('state');
        if (now < last + 500) {
          await new Promise(setImmediate);
          continue;
        }
        last = now;
        middle.cut();
      }
      const acknowledged = await writing;
      expect(acknowledged.size).toBe(4_000);
      await expectExactlyOnce(log, id, acknowledged);
    } finally {
      await log.close();
      await middle.close();
    }
  }, 120_000);

  it('knows its own event after an answer that did not come, even when another writer has written since', async () => {
    const middle = await startRelay(server.port);
    const id = cluster();
    const log = await connectLog({ url: `nats://127.0.0.1:${middle.port}`, cluster: id });
    const other = await connectLog({ url: server.url, cluster: id });
    try {
      middle.swallow(true);
      const first = log.append('state', [configMapWrite(id, 'a')]);
      const batch = log.append('state', [configMapWrite(id, 'b'), configMapWrite(id, 'c')]);
      const subjects = ['a', 'b', 'c'].map((name) => configMapWrite(id, name).subject);
      for (const subject of subjects) while (!(await other.lastOf('state', subject))) await new Promise(setImmediate);
      const [a, b] = [await other.lastOf('state', subjects[0] ?? ''), await other.lastOf('state', subjects[1] ?? '')];
      await appended(other, 'state', [configMapWrite(id, 'a', a?.sequence, 'later')]);
      await appended(other, 'state', [configMapWrite(id, 'b', b?.sequence, 'later')]);
      middle.swallow(false);
      middle.cut();
      expect(await first).toEqual({ sequences: [a?.sequence] });
      expect(await batch).toEqual({ sequences: [b?.sequence, (b?.sequence ?? 0) + 1] });
      expect(await eventsOf(other)).toHaveLength(5);
    } finally {
      await log.close();
      await other.close();
      await middle.close();
    }
  }, 60_000);

  it('says LogUnavailable while no server answers, and goes on by itself when one does', async () => {
    const own = await startNats();
    const id = cluster();
    const log = await connectLog({ url: own.url, cluster: id, patienceMs: 300 });
    try {
      await appended(log, 'state', [configMapWrite(id, 'a')]);
      await own.kill();
      await expect(log.append('state', [configMapWrite(id, 'b')])).rejects.toThrow(LogUnavailable);
      await expect(log.last('state')).rejects.toThrow(LogUnavailable);
      await own.start();
      while ((await log.last('state').catch(() => 0)) === 0) await new Promise(setImmediate);
      await appended(log, 'state', [configMapWrite(id, 'c')]);
    } finally {
      await log.close();
      await own.stop();
    }
  }, 60_000);

  it('refuses more appends than its queue holds', async () => {
    const id = cluster();
    const log = await connectLog({ url: server.url, cluster: id, maxQueued: 10 });
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => log.append('state', [configMapWrite(id, `n${i}`)])));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(results[29]).toMatchObject({ status: 'rejected', reason: expect.any(LogUnavailable) });
    await log.close();
  });

  it('two writers that race for the same subjects store one event each time, and name what moved', async () => {
    const id = cluster();
    const [one, two] = await Promise.all([connectLog({ url: server.url, cluster: id }), connectLog({ url: server.url, cluster: id })]);
    const race = (log: EventLog, value: string): Promise<Appended[]> =>
      Promise.all(
        Array.from({ length: 300 }, (_, i) =>
          log.append('state', [configMapWrite(id, i % 10 === 0 ? `n${i}` : `n${i}-${value}`, 0, value)]),
        ),
      );
    const [left, right] = await Promise.all([race(one, 'left'), race(two, 'right')]);
    for (let i = 0; i < 300; i++) {
      const winners = [left[i], right[i]].filter((result) => result && 'sequences' in result);
      expect(winners).toHaveLength(i % 10 === 0 ? 1 : 2);
    }
    expect(await eventsOf(one)).toHaveLength(30 + 540);
    await Promise.all([one.close(), two.close()]);
  }, 60_000);
});

describe('counters that many writers raise while their connections break', () => {
  it('end at the number of acknowledged raises: none is lost, none counted twice, no guard is passed', async () => {
    const id = randomUUID();
    const middles = [await startRelay(server.port), await startRelay(server.port)];
    const logs = await Promise.all(
      middles.map(({ port }) => connectLog({ url: `nats://127.0.0.1:${port}`, cluster: id, patienceMs: 20_000 })),
    );
    const names = ['a', 'b', 'c', 'd'];
    const raised = new Map<string, number>();
    const gate = configMapWrite(id, 'gate').subject;
    const raise = async (log: EventLog, name: string, other: string): Promise<void> => {
      const read = async (subject: string): Promise<[number, number]> => {
        const event = await log.lastOf('state', subject);
        return event
          ? [event.sequence, Number((JSON.parse(new TextDecoder().decode(event.body)) as { data: { value: string } }).data.value)]
          : [0, 0];
      };
      const [mine, theirs] = [configMapWrite(id, name).subject, configMapWrite(id, other).subject];
      const [[at, value], [otherAt, otherValue]] = [await read(mine), await read(theirs)];
      const writes = [configMapWrite(id, name, at, String(value + 1)), configMapWrite(id, other, otherAt, String(otherValue + 1))];
      const result = await log.append('state', writes.slice(0, name < other ? 2 : 1), [{ subject: gate, expected: 0 }]);
      if ('moved' in result) return;
      for (const counted of name < other ? [name, other] : [name]) raised.set(counted, (raised.get(counted) ?? 0) + 1);
    };
    try {
      let rounds = 0;
      const loop = async (i: number): Promise<void> => {
        while (rounds++ < 1_500)
          await raise(
            logs[i % 2] as EventLog,
            names[i % 4] as string,
            names[(i * 3 + rounds) % 4 === i % 4 ? (i + 1) % 4 : (i * 3 + rounds) % 4] as string,
          );
      };
      const clients = Promise.all(Array.from({ length: 12 }, (_, i) => loop(i)));
      let done = false;
      void clients.finally(() => (done = true));
      for (let next = 100; !done; await new Promise(setImmediate)) {
        if (rounds < next) continue;
        middles[(next / 100) % 2]?.cut();
        next += 100;
      }
      await clients;
      for (const name of names) {
        const last = await logs[0]?.lastOf('state', configMapWrite(id, name).subject);
        expect(JSON.parse(new TextDecoder().decode(last?.body))).toMatchObject({ data: { value: String(raised.get(name)) } });
      }
    } finally {
      await Promise.all([...logs.map((log) => log.close()), ...middles.map((middle) => middle.close())]);
    }
  }, 120_000);
});

describe('messages as they are stored', () => {
  it('are read byte for byte, markers of guards among them, and the digest of an event is that of these bytes', async () => {
    const cluster = randomUUID();
    const log = await connectLog({ url: server.url, cluster });
    const { connect } = await import('nats');
    const connection = await connect({ servers: server.url });
    try {
      const guard = { subject: configMapWrite(cluster, 'gate').subject, expected: 0 };
      await appended(log, 'state', [configMapWrite(cluster, 'a', 0, 'ä \u0000 😀', { agent: 'ä%' })], [guard]);
      const messages: StoredMessage[] = [];
      for await (const batch of log.messages('state', 0, 2)) messages.push(...batch.messages);
      const manager = await connection.jetstreamManager();
      for (const [i, { sequence, subject, headers, body }] of messages.entries()) {
        const answer = await connection.request(`$JS.API.STREAM.MSG.GET.decklog_${cluster}_state`, JSON.stringify({ seq: i + 1 }));
        const { message } = answer.json<{ message: { subject: string; hdrs: string; data?: string } }>();
        expect({ sequence, subject }).toEqual({ sequence: i + 1, subject: message.subject });
        expect(Buffer.from(headers).toString('base64')).toBe(message.hdrs);
        expect(Buffer.from(body).toString('base64')).toBe(message.data ?? '');
        const stored = await manager.streams.getMessage(`decklog_${cluster}_state`, { seq: i + 1 });
        expect(Math.floor(Number(messages[i]?.nanoseconds.slice(0, -6)))).toBe(stored.time.getTime());
      }
      const events: Recorded[] = [];
      for await (const batch of log.read('state', 0, { until: 2, digests: true })) events.push(...batch.events);
      expect(events.map(({ sequence }) => sequence)).toEqual([2]);
      expect(events[0]?.digest).toEqual(digestOf(messages[1] as StoredMessage));
    } finally {
      await connection.close();
      await log.close();
    }
  });
});

const DAY_MS = 24 * 3_600_000;

describe('settings of the streams', () => {
  it('a stream that differs from what the log needs refuses to start, naming each difference', async () => {
    const cluster = randomUUID();
    await (await connectLog({ url: server.url, cluster })).close();
    const { connect } = await import('nats');
    const connection = await connect({ servers: server.url });
    const manager = await connection.jetstreamManager();
    await manager.streams.update(`decklog_${cluster}_lease`, { max_msgs_per_subject: 1, duplicate_window: 1e9 });
    await connection.close();
    await expect(connectLog({ url: server.url, cluster })).rejects.toThrow(WrongLogSettings);
    await expect(connectLog({ url: server.url, cluster })).rejects.toThrow(
      `decklog_${cluster}_lease: max_msgs_per_subject is 1, must be 4`,
    );
  });

  it('Kubernetes Events are kept a day longer than is asked for, and as long as they were where nothing is asked', async () => {
    const cluster = randomUUID();
    const { connect } = await import('nats');
    const connection = await connect({ servers: server.url });
    const manager = await connection.jetstreamManager();
    const daysAfter = async (asked: { readonly eventAgeMs?: number }): Promise<number> => {
      await (await connectLog({ url: server.url, cluster, ...asked })).close();
      return (await manager.streams.info(`decklog_${cluster}_event`)).config.max_age / 1e6 / DAY_MS;
    };
    expect([
      await daysAfter({}),
      await daysAfter({ eventAgeMs: 2 * DAY_MS }),
      await daysAfter({}),
      await daysAfter({ eventAgeMs: 60 * DAY_MS }),
    ]).toEqual([31, 3, 3, 61]);
    await connection.close();
  });

  it('no cluster has a name that could be two tokens of a subject', async () => {
    await expect(connectLog({ url: server.url, cluster: 'a.b' })).rejects.toThrow(RangeError);
  });
});
