import { randomUUID } from 'node:crypto';
import { connect } from 'nats';
import { connectLog, streamName } from '#libs/adapters';
import { disorders, type Disorder, type Stamped } from '#libs/consistency';
import { encodeObject, LogUnavailable, subjectOf, type EventLog } from '#libs/log';
import { metaOf } from '#libs/testing';
import type { LogServers } from './log-servers.js';
import { longestSilence } from './plan.js';

/** Each connection goes to a server of its own, so that one of them always asks the one that is cut off. */
const CONNECTIONS = 3;
const PATIENCE_MS = 3_000;
const EVERY_MS = 15;
const POLL_MS = 50;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What was seen of a log while it was tormented. */
export interface Seen {
  /** Answers that were told positions against the order of time. */
  readonly disorders: readonly Disorder[];
  /** Acknowledged, and not in the log in the end, or not where they were said to be. */
  readonly lost: readonly string[];
  /** What a reader was given other than every event once, in order. */
  readonly misread: readonly number[];
  readonly acknowledged: number;
  readonly lasts: number;
}

/** Who appends to a log of several servers, asks where it ends, and reads it, through every server at once. */
export class Torment {
  readonly cluster = randomUUID();
  readonly #stamped: Stamped[] = [];
  readonly #appends = new Set<Stamped>();
  readonly #successes: number[] = [];
  readonly #seen: number[] = [];
  readonly #ended = new AbortController();
  #logs: readonly EventLog[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(private readonly servers: LogServers) {}

  async begin(): Promise<void> {
    const urls = this.servers.url.split(',');
    const open = (url: string, i: number): Promise<EventLog> =>
      connectLog({ url, cluster: this.cluster, name: `torment-${i}`, replicas: urls.length, patienceMs: PATIENCE_MS });
    const logs: EventLog[] = [];
    for (const [i, url] of urls.slice(0, CONNECTIONS).entries()) logs.push(await open(url, i));
    this.#logs = logs;
    this.#running = Promise.all(logs.flatMap((log, i) => [this.#append(log, i), this.#ask(log, i)]));
    this.#reading = this.#read(logs[0]);
  }

  /** The longest time without an acknowledged append since a moment. */
  silenceSince(from: number): number {
    return longestSilence(this.#successes, from, performance.now());
  }

  /** Waits until appends are acknowledged again. */
  async recovered(): Promise<void> {
    const before = this.#successes.length;
    while (this.#successes.length < before + 20) await pause(POLL_MS);
  }

  async end(): Promise<Seen> {
    this.#isOver = true;
    await this.#running;
    const [log] = this.#logs;
    if (!log) throw new Error('no log');
    const end = await log.last('state');
    const bySequence = new Map<number, string>();
    for await (const { events } of log.read('state', 0, { until: end }))
      for (const { sequence, subject } of events) bySequence.set(sequence, subject);
    while ((this.#seen.at(-1) ?? 0) < Math.max(...bySequence.keys())) await pause(POLL_MS);
    this.#ended.abort();
    await this.#reading;
    await Promise.all(this.#logs.map((one) => one.close()));
    const all = [...bySequence.keys()];
    return {
      disorders: disorders(this.#stamped, (a, b) => this.#appends.has(a) && this.#appends.has(b)),
      lost: [...this.#appends].flatMap(({ what, version }) => (bySequence.get(version) === what ? [] : [`${what} at ${version}`])),
      misread: this.#seen.filter((sequence, i) => sequence !== all[i]),
      acknowledged: this.#appends.size,
      lasts: this.#stamped.length - this.#appends.size,
    };
  }

  async #append(log: EventLog, number: number): Promise<void> {
    for (let at = 0; !this.#isOver; at++) {
      const name = `object-${number}-${at}`;
      const subject = subjectOf(this.cluster, 'state', { group: '', resource: 'configmaps' }, 'default', name);
      const body = encodeObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } } as never);
      await this.#timed(
        subject,
        async () => {
          const appended = await log.append('state', [{ subject, expected: 0, meta: metaOf(), body }]);
          return 'sequences' in appended ? appended.sequences[0] : undefined;
        },
        (stamped) => {
          this.#appends.add(stamped);
          this.#successes.push(stamped.to);
        },
      );
    }
  }

  async #ask(log: EventLog, number: number): Promise<void> {
    while (!this.#isOver)
      await this.#timed(
        `the end of the log, asked through server ${number + 1}`,
        () => log.last('state'),
        () => undefined,
      );
  }

  async #timed(what: string, ask: () => Promise<number | undefined>, note: (stamped: Stamped) => void): Promise<void> {
    const from = performance.now();
    try {
      const version = await ask();
      const stamped = { what, version: version ?? 0, from, to: performance.now() };
      if (version !== undefined) this.#stamped.push(stamped);
      if (version !== undefined) note(stamped);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
    }
    await pause(EVERY_MS);
  }

  async #read(log: EventLog | undefined): Promise<void> {
    if (!log) return;
    for await (const { events } of log.read('state', 0, { signal: this.#ended.signal }))
      this.#seen.push(...events.map(({ sequence }) => sequence));
  }
}

interface Led {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean; readonly active: number }[];
}

/** Asks the servers, but for one, of the stream of state until what they say is enough. */
async function ask(servers: LogServers, cluster: string, enough: (led: Led) => boolean, without?: string): Promise<Led> {
  const among = servers.url.split(',').filter((_, i) => servers.names[i] !== without);
  const connection = await connect({ servers: among });
  try {
    for (;;) {
      const answer = await connection.request(`$JS.API.STREAM.INFO.${streamName(cluster, 'state')}`).catch(() => undefined);
      const led = answer?.json<{ cluster?: Led }>().cluster;
      if (led && enough(led)) return led;
      await pause(POLL_MS);
    }
  } finally {
    await connection.close();
  }
}

/** The server that leads a stream of state, as one of them says that is not left out. */
export async function leaderOf(servers: LogServers, cluster: string, without?: string): Promise<string> {
  const { leader } = await ask(servers, cluster, (led) => led.leader !== undefined && led.leader !== '' && led.leader !== without, without);
  return leader ?? '';
}

/** Waits until every server has what the one that leads has. */
export async function allFollow(servers: LogServers, cluster: string): Promise<void> {
  const follows = ({ current, active }: { readonly current: boolean; readonly active: number }): boolean =>
    current && active > 0 && active < 2e9;
  await ask(
    servers,
    cluster,
    ({ leader, replicas = [] }) => !!leader && replicas.length === servers.names.length - 1 && replicas.every(follows),
  );
}
