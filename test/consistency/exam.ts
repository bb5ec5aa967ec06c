import type { Api } from './api.js';
import { factsOf, type LogPlace } from './facts.js';
import { judge, type Wrong } from './judge.js';
import { ENTRIES, KIND_NAMES, KINDS, NAMESPACE } from './kinds.js';
import { Load, type LoadOptions } from './load.js';
import type { LogEvent, Request, Seen } from './seen.js';
import { Watcher } from './watchers.js';

/** Watchers have so long to be told the rest, once nobody writes any more. */
const CATCHING_UP_MS = 30_000;
const READY_MS = 30_000;
const POLL_MS = 50;

/** What an exam came to. */
export interface Result {
  readonly seen: Seen;
  readonly events: readonly LogEvent[];
  readonly wrong: readonly Wrong[];
}

async function until(what: string, patienceMs: number, probe: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await probe())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${patienceMs / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Clients and watchers of a running cluster, and what is to be thought of what they saw. */
export class Exam {
  readonly load: Load;
  readonly #watchers: readonly Watcher[];
  #running: Promise<unknown> = Promise.resolve();
  #watching: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly servers: readonly Api[],
    options: LoadOptions,
  ) {
    this.load = new Load(servers, options);
    this.#watchers = KIND_NAMES.flatMap((kind) => servers.map((_, first) => new Watcher(kind, servers, first)));
  }

  /** Makes what the clients need, and lets them go. */
  async begin(): Promise<void> {
    const [server] = this.servers;
    if (!server) throw new Error('no API server');
    const made = async (place: string, body: unknown): Promise<boolean> =>
      [201, 409].includes((await server.ask('POST', place, { body })).code);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
    await until('the namespace', READY_MS, () => made('/api/v1/namespaces', namespace));
    await until('the kind of entries', READY_MS, () => made('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', ENTRIES));
    for (const one of this.servers) {
      await until('every kind to be served', READY_MS, async () => (await one.ask('GET', KINDS.entries.place)).code === 200);
    }
    // Pods need their service account.
    await until(
      'the service account',
      READY_MS,
      async () => (await server.ask('GET', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`)).code === 200,
    );
    this.#watching = Promise.all(this.#watchers.map((watcher) => watcher.run()));
    this.#running = this.load.run();
  }

  /** Ends the load, lets the watchers be told the rest, and compares all of it with the log. */
  async end(log: LogPlace): Promise<Result> {
    this.load.stop();
    await this.#running;
    const before = await factsOf(log);
    this.#watchers.forEach((watcher, i) => {
      const kind = KIND_NAMES[Math.floor(i / this.servers.length)];
      watcher.finish(before.findLast((event) => event.kind === kind)?.version ?? 0);
    });
    let timer: NodeJS.Timeout | undefined;
    const inTime = await Promise.race([
      this.#watching.then(() => true),
      new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), CATCHING_UP_MS))),
    ]);
    clearTimeout(timer);
    for (const watcher of this.#watchers) watcher.stop();
    await this.#watching;
    const seen = this.#seen(inTime);
    // What watchers were told while they were caught up may be newer than what was read before.
    const events = await factsOf(log);
    return { seen, events, wrong: judge(seen, events) };
  }

  #seen(inTime: boolean): Seen {
    const { requests, lists, unexpected } = this.load;
    const late = inTime
      ? []
      : [
          `watchers were not told the rest within ${CATCHING_UP_MS / 1_000} s; they had come to ${this.#watchers.map(({ last }) => last).join(', ')}`,
        ];
    return {
      requests,
      lists,
      chains: this.#watchers.flatMap(({ chains }) => chains),
      unexpected: [...unexpected, ...this.#watchers.flatMap((watcher) => watcher.unexpected), ...late],
    };
  }
}

const SHOWN = 12;

/** What was done and seen, and what was wrong with it, in lines. */
export function described({ seen, events, wrong }: Result): string {
  const { requests, lists, chains } = seen;
  const count = (matches: (request: Request) => boolean): number => requests.filter(matches).length;
  const outcomes = (['done', 'Conflict', 'NotFound', 'AlreadyExists'] as const).map(
    (outcome) => `${count(({ answered }) => answered.outcome === outcome)} ${outcome}`,
  );
  const refused = count(({ together }) => together?.refused === true);
  const unknown = count(({ answered, together }) => answered.outcome === 'unknown' && together?.refused !== true);
  const watches = chains.flatMap(({ watches: of }) => of);
  const delivered = watches.reduce((sum, { delivered: of }) => sum + of.length, 0);
  return [
    `${requests.length} requests: ${outcomes.join(', ')}, ${refused} in refused transactions, ${unknown} unknown`,
    `${count(({ asked, answered }) => asked.verb !== 'get' && answered.outcome === 'done')} acknowledged writes, ${events.length} events in the log`,
    `${lists.length} lists, ${watches.length} watches with ${delivered} events and bookmarks`,
    `${rule(wrong, 'lost')} acknowledged writes lost, ${rule(wrong, 'linearizability', 'undecided', 'read', 'order', 'twice', 'torn', 'refused, and done')} violations of linearizability, ${rule(wrong, 'watch', 'list')} of watches and lists, ${rule(wrong, 'answer')} answers that nobody should get`,
    ...wrong.slice(0, SHOWN).map(({ rule: broken, says }) => `  ${broken}: ${says}`),
    ...(wrong.length > SHOWN ? [`  and ${wrong.length - SHOWN} more`] : []),
  ].join('\n');
}

const rule = (wrong: readonly Wrong[], ...rules: readonly Wrong['rule'][]): number =>
  wrong.filter((one) => rules.includes(one.rule)).length;
