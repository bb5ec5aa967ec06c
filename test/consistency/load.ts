import type { Answered, Asked, Moment } from '#libs/consistency';
import { Chance } from '../random-load.js';
import type { Answer, Api } from './api.js';
import { KINDS, NAMESPACE, type KindName } from './kinds.js';
import type { ListRequest, Request } from './seen.js';

/** How much is asked, of what. */
export interface LoadOptions {
  readonly clients: number;
  /** Requests a second of all clients together, where the servers keep up. */
  readonly rate: number;
  readonly objects: number;
  readonly seed: number;
}

/** Nothing more is asked after so many requests: all of them are kept. */
const MOST_REQUESTS = 400_000;
const TRANSACTIONS = '/apis/history.decklog.dev/v1/transactions';
const MERGE = 'application/merge-patch+json';
/** So many objects of each kind have a good part of all requests. */
const HOT = 6;
/** After no answer, so much later. */
const PAUSE_MS = 100;

type Done = Extract<Answered, { outcome: 'done' }>;
type Act = (client: Client) => Promise<void>;

interface StatusBody {
  readonly reason?: string;
  readonly metadata?: { readonly resourceVersion?: string };
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
};

const versionOf = (body: unknown): number => Number((body as StatusBody).metadata?.resourceVersion);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Clients that write and read a few hundred objects through several API servers, each with one request at a time. */
export class Load {
  readonly requests: Request[] = [];
  readonly lists: ListRequest[] = [];
  readonly unexpected: string[] = [];
  /** When a write was acknowledged. */
  readonly successes: Moment[] = [];
  #stopped = false;

  constructor(
    private readonly servers: readonly Api[],
    private readonly options: LoadOptions,
  ) {}

  /** Until `stop`. */
  async run(): Promise<void> {
    const { clients, rate, seed } = this.options;
    const every = (clients * 1_000) / rate;
    await Promise.all(
      Array.from({ length: clients }, (_, i) =>
        this.#one(new Client(this, this.#server(i), i, new Chance(seed * 1_000 + i), this.options), every),
      ),
    );
  }

  stop(): void {
    this.#stopped = true;
  }

  #server(client: number): Api {
    const server = this.servers[client % this.servers.length];
    if (!server) throw new Error('no API server to ask');
    return server;
  }

  async #one(client: Client, every: number): Promise<void> {
    let due = performance.now();
    while (!this.#stopped && this.requests.length < MOST_REQUESTS) {
      due = Math.max(due + every, performance.now() - every);
      await pause(Math.max(0, due - performance.now()));
      if (!this.#stopped) await draw(client.chance)(client);
    }
  }
}

/** One that asks, with what it has last been told of each object. */
class Client {
  #asked = 0;
  readonly #versions = new Map<string, number>();

  constructor(
    private readonly load: Load,
    private readonly server: Api,
    private readonly number: number,
    readonly chance: Chance,
    private readonly options: LoadOptions,
  ) {}

  next(): string {
    return `consistency-${this.number}-${++this.#asked}`;
  }

  kind(): KindName {
    return this.chance.of(['configmaps', 'configmaps', 'configmaps', 'entries', 'entries', 'pods'] as const);
  }

  object(kind: KindName): string {
    const among = this.chance.below(3) === 0 ? HOT : this.options.objects;
    return `${kind === 'pods' ? 'pod' : 'object'}-${this.chance.below(kind === 'pods' ? Math.ceil(among / 4) : among)}`;
  }

  known(kind: KindName, object: string): number | undefined {
    return this.#versions.get(`${kind}/${object}`);
  }

  async list(kind: KindName): Promise<void> {
    const name = `list of ${kind} by ${this.next()} at ${this.server.address}`;
    const { place, contentOf } = KINDS[kind];
    const from = performance.now();
    const { code, body } = await this.server.ask('GET', place);
    const to = performance.now();
    const list = code === 200 ? (parsed(body) as { metadata: object; items: { metadata: { name: string } }[] } | undefined) : undefined;
    if (!list) return this.#noAnswer(name, { code, body });
    const items = list.items.map((item) => ({ object: item.metadata.name, version: versionOf(item), content: contentOf(item) }));
    this.load.lists.push({ kind, name, version: versionOf(list), items, from, to });
  }

  /** One request about one object. */
  async one(
    kind: KindName,
    object: string,
    asked: Asked,
    id: string,
    how: { method: string; place: string; body?: unknown; type?: string },
  ): Promise<void> {
    const from = performance.now();
    const answer = await this.server.ask(how.method, how.place, { ...how, as: id });
    const to = performance.now();
    const answered = answeredOf(asked, answer, KINDS[kind].contentOf);
    if (asked.verb !== 'get' || answered.outcome !== 'unknown')
      this.#record({ id, server: this.server.address, kind, object, asked, answered, from, to });
    if (answered.outcome === 'unknown') await this.#noAnswer(`${how.method} ${how.place} at ${this.server.address}`, answer);
  }

  async transaction(objects: readonly string[]): Promise<void> {
    const id = this.next();
    const content = (object: string): string => `${id}-${object}`;
    const about = { verb: 'patch', apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE, patchType: MERGE };
    const operations = objects.map((name) => ({ ...about, name, patch: KINDS.configmaps.patch(content(name)) }));
    const from = performance.now();
    const answer = await this.server.ask('POST', TRANSACTIONS, { body: { operations }, as: id });
    const to = performance.now();
    const body = parsed(answer.body) as { status?: { results?: readonly { sequence?: number }[] } } | undefined;
    const refused = answer.code === 404 || answer.code === 409;
    objects.forEach((object, i) => {
      const version = answer.code === 201 ? body?.status?.results?.[i]?.sequence : undefined;
      const answered: Answered = version === undefined ? { outcome: 'unknown' } : { outcome: 'done', version, content: content(object) };
      const asked: Asked = { verb: 'update', content: content(object) };
      this.#record({
        id,
        server: this.server.address,
        kind: 'configmaps',
        object,
        asked,
        answered,
        from,
        to,
        together: { size: objects.length, refused },
      });
    });
    if (answer.code !== 201 && !refused) await this.#noAnswer(`transaction at ${this.server.address}`, answer);
  }

  #record(request: Request): void {
    const { requests, successes } = this.load;
    requests.push(request);
    if (request.answered.outcome !== 'done') return;
    if (request.asked.verb !== 'get') successes.push(request.to);
    if (request.answered.version !== undefined) this.#versions.set(`${request.kind}/${request.object}`, request.answered.version);
  }

  /** Servers that are gone, or say that they can't just now, are asked again a little later; whatever else they say is kept. */
  async #noAnswer(what: string, { code, body }: Answer): Promise<void> {
    if (![0, 429, 503, 504].includes(code)) this.load.unexpected.push(`${what}: ${code} ${body.slice(0, 300)}`);
    await pause(PAUSE_MS);
  }
}

/** What an answer says of the object; unknown where it does not say. */
function answeredOf(asked: Asked, { code, body }: Answer, contentOf: (body: unknown) => string): Answered {
  const json = parsed(body);
  if (json === undefined) return { outcome: 'unknown' };
  if (code === 200 || code === 201) {
    // A pod that is asked to go is answered as it stands; of what is gone at once nothing stands anywhere.
    const { kind } = json as { readonly kind?: string };
    if (asked.verb === 'delete') return kind === 'Pod' ? { outcome: 'done', version: versionOf(json) } : { outcome: 'done' };
    const done: Done = { outcome: 'done', version: versionOf(json), content: contentOf(json) };
    return done;
  }
  const { reason } = json as StatusBody;
  const refusal = (['NotFound', 'AlreadyExists', 'Conflict'] as const).find((one) => one === reason);
  return refusal && (code === 404 || code === 409) ? { outcome: refusal } : { outcome: 'unknown' };
}

const create: Act = (client) => {
  const kind = client.kind();
  const [object, id] = [client.object(kind), client.next()];
  return client.one(kind, object, { verb: 'create', content: id }, id, {
    method: 'POST',
    place: KINDS[kind].place,
    body: KINDS[kind].object(object, id),
  });
};

/** A change of the whole object, which knows what it changes. Nobody puts whole pods: most of a pod can't be changed. */
const update: Act = (client) => {
  const kind = client.kind();
  const object = client.object(kind);
  const expected = client.known(kind, object);
  if (kind === 'pods' || expected === undefined) return get(client);
  const id = client.next();
  const whole = KINDS[kind].object(object, id) as { metadata: object };
  const body = { ...whole, metadata: { ...whole.metadata, resourceVersion: String(expected) } };
  return client.one(kind, object, { verb: 'update', content: id, expected }, id, {
    method: 'PUT',
    place: `${KINDS[kind].place}/${object}`,
    body,
  });
};

const patch: Act = (client) => {
  const kind = client.kind();
  const [object, id] = [client.object(kind), client.next()];
  const known = client.chance.below(3) === 0 ? client.known(kind, object) : undefined;
  const body = KINDS[kind].patch(id) as { metadata?: object };
  const asked: Asked = known === undefined ? { verb: 'update', content: id } : { verb: 'update', content: id, expected: known };
  const guarded = known === undefined ? body : { ...body, metadata: { ...body.metadata, resourceVersion: String(known) } };
  return client.one(kind, object, asked, id, { method: 'PATCH', place: `${KINDS[kind].place}/${object}`, body: guarded, type: MERGE });
};

const remove: Act = (client) => {
  const kind = client.kind();
  const [object, id] = [client.object(kind), client.next()];
  const known = client.chance.below(2) === 0 ? client.known(kind, object) : undefined;
  const asked: Asked = known === undefined ? { verb: 'delete' } : { verb: 'delete', expected: known };
  const body = known === undefined ? undefined : { preconditions: { resourceVersion: String(known) } };
  return client.one(kind, object, asked, id, { method: 'DELETE', place: `${KINDS[kind].place}/${object}`, ...(body ? { body } : {}) });
};

const get: Act = (client) => {
  const kind = client.kind();
  const object = client.object(kind);
  return client.one(kind, object, { verb: 'get' }, client.next(), { method: 'GET', place: `${KINDS[kind].place}/${object}` });
};

const list: Act = (client) => client.list(client.kind());

const together: Act = (client) => {
  const objects = new Set(Array.from({ length: 3 }, () => client.object('configmaps')));
  return client.transaction([...objects]);
};

/** How often each thing is asked. */
const ACTS: readonly (readonly [number, Act])[] = [
  [20, create],
  [20, update],
  [22, patch],
  [9, remove],
  [20, get],
  [3, list],
  [6, together],
];

function draw(chance: Chance): Act {
  let left = chance.below(ACTS.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, act] of ACTS) if ((left -= weight) < 0) return act;
  return get;
}
