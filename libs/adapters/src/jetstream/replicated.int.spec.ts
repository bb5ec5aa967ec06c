import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { EventLog } from '#libs/log';
import type { TestNatsCluster, TestServer } from '#libs/testing';
import { appended, configMapWrite, eventsOf, startNatsCluster } from '#libs/testing';
import { connectLog, type JetStreamLog } from './jetstream-log.js';

let nats: TestNatsCluster;
beforeAll(async () => {
  nats = await startNatsCluster();
}, 60_000);
afterAll(() => nats.stop());

/** The server that leads a cluster's stream, as the servers say. */
async function leaderOf(cluster: string, without?: TestServer): Promise<TestServer> {
  const { connect } = await import('nats');
  const servers = nats.servers.filter((server) => server !== without).map(({ url }) => url);
  const connection = await connect({ servers });
  try {
    for (;;) {
      const answer = await connection.request(`$JS.API.STREAM.INFO.decklog_${cluster}_state`).catch(() => undefined);
      const name = answer?.json<{ cluster?: { leader?: string } }>().cluster?.leader;
      const found = nats.servers.find((server) => server.name === name && server !== without);
      if (found) return found;
      await after(20);
    }
  } finally {
    await connection.close();
  }
}

/** Appends at a steady rate through several connections until told to stop; what was acknowledged, and the longest time without. */
function steadily(logs: readonly EventLog[], cluster: string): { stop: () => Promise<Map<string, number>>; longest: () => number } {
  const acknowledged = new Map<string, number>();
  const running = new Set<Promise<void>>();
  let [next, last, longest] = [0, performance.now(), 0];
  const one = async (log: EventLog, name: string): Promise<void> => {
    const result = await log.append('state', [configMapWrite(cluster, name)]);
    if (!('sequences' in result)) throw new Error(`${name} moved: ${JSON.stringify(result.moved)}`);
    acknowledged.set(name, result.sequences[0] ?? 0);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(() => {
    const name = `n${next++}`;
    const log = logs[next % logs.length];
    if (!log) return;
    const sent = one(log, name).finally(() => running.delete(sent));
    running.add(sent);
  }, 5);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      return acknowledged;
    },
    longest: () => {
      const was = longest;
      longest = 0;
      return Math.round(was);
    },
  };
}

describe('a log of three servers', () => {
  it('has everything acknowledged, once and in order, after its leaders were killed one after the other', async () => {
    const cluster = randomUUID();
    const open = (name: string): Promise<JetStreamLog> => connectLog({ url: nats.url, cluster, name, replicas: 3, patienceMs: 60_000 });
    const logs = [await open('one'), await open('two'), await open('three')];
    const reader = await open('reader');
    const ended = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { events } of reader.read('state', 0, { signal: ended.signal }))
        seen.push(...events.map(({ sequence }) => sequence));
    })();
    try {
      const writing = steadily(logs, cluster);
      for (let round = 1; round <= 2; round++) {
        await after(1_000);
        const leader = await leaderOf(cluster);
        writing.longest();
        await leader.kill();
        await leaderOf(cluster, leader);
        await after(2_000);
        await leader.start();
        process.stdout.write(`the leader was killed: ${writing.longest()} ms without a write\n`);
      }
      const acknowledged = await writing.stop();
      const events = await eventsOf(reader);
      expect(new Set(events.map(({ subject }) => subject)).size).toBe(events.length);
      const bySubject = new Map(events.map(({ subject, sequence }) => [subject, sequence]));
      expect([...acknowledged].filter(([name, at]) => bySubject.get(configMapWrite(cluster, name).subject) !== at)).toEqual([]);
      while ((seen.at(-1) ?? 0) < (events.at(-1)?.sequence ?? 0)) await after(20);
      expect(seen).toEqual(events.map(({ sequence }) => sequence));
    } finally {
      ended.abort();
      await reading;
      for (const log of [...logs, reader]) await log.close();
    }
  }, 120_000);

  it('is appended to and read by whoever was connected to the server that is cut off', async () => {
    const cluster = randomUUID();
    const logs: JetStreamLog[] = [];
    try {
      for (const { url } of nats.servers) {
        const urls = [url, ...nats.servers.map((server) => server.url).filter((other) => other !== url)];
        logs.push(await connectLog({ url: urls.join(','), cluster, replicas: 3, patienceMs: 60_000, connection: { noRandomize: true } }));
      }
      nats.servers[0]?.isolate(true);
      const appending = logs.map((log, i) => appended(log, 'state', [configMapWrite(cluster, `n${i}`)]));
      const sequences = (await Promise.all(appending)).map(([sequence]) => sequence ?? 0);
      expect(new Set(sequences).size).toBe(logs.length);
      const ends = await Promise.all(logs.map((log) => log.last('state')));
      expect(ends.filter((end) => end < Math.max(...sequences))).toEqual([]);
    } finally {
      for (const { isolate } of nats.servers) isolate(false);
      for (const log of logs) await log.close();
    }
  }, 120_000);

  it('gives every reader all there is up to the end, whichever copy it reads and however far that is behind', async () => {
    const cluster = randomUUID();
    const log = await connectLog({ url: nats.url, cluster, replicas: 3, patienceMs: 60_000 });
    try {
      // Marks lie between the events, wherever it had to be asked who leads.
      const acknowledged = [...(await appended(log, 'state', [configMapWrite(cluster, 'first')]))];
      const leader = await leaderOf(cluster);
      const behind = nats.servers.find((server) => server !== leader);
      behind?.isolate(true);
      const names = Array.from({ length: 3_000 }, (_, i) => `n${i}`);
      for (let at = 0; at < names.length; at += 500) {
        const some = names.slice(at, at + 500).map((name) => appended(log, 'state', [configMapWrite(cluster, name)]));
        acknowledged.push(...(await Promise.all(some)).flat());
      }
      acknowledged.sort((a, b) => a - b);
      const last = await log.last('state');
      const read = async (after: number): Promise<number[]> => {
        const sequences: number[] = [];
        for await (const { events } of log.read('state', after, { until: last })) sequences.push(...events.map(({ sequence }) => sequence));
        return sequences;
      };
      expect(await read(0)).toEqual(acknowledged);
      expect((await log.lastOf('state', configMapWrite(cluster, 'n7').subject))?.sequence).toBeGreaterThan(1);
      behind?.isolate(false);
      for (let round = 0; round < 20; round++) {
        const [all, end] = await Promise.all([read(0), read(acknowledged.at(-11) ?? 0)]);
        expect(all).toEqual(acknowledged);
        expect(end).toEqual(acknowledged.slice(-10));
      }
    } finally {
      await log.close();
    }
  }, 120_000);
});
