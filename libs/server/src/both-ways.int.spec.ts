import { randomBytes, randomInt } from 'node:crypto';
import { connectKeyring, connectLog, connectPostgres, PostgresHistory, PostgresSnapshotSource, Projector, SealedLog } from '#libs/adapters';
import { DEFINITIONS } from '#libs/api';
import type { GroupVersionResource, KubeObject } from '#libs/apimachinery';
import { encodeObject, STREAMS, subjectOf, type EventLog, type Guard, type Sequence, type StreamName } from '#libs/log';
import { StateCache, type PastReader, type StateView } from '#libs/runtime';
import { appended, metaOf, startNats, startPostgres, startTestApiServer, type TestApiServer, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '../../../migrations/index.js';

const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const CLUSTER = 'both';
const NOW = 1_767_225_600_000;
const ROUNDS = 6;
const EVENTS_PER_ROUND = 60;
const REQUESTS_PER_ROUND = 120;

/** Numbers that follow from a seed (mulberry32), so that a failure can be seen again: BOTH_WAYS_SEED=n. */
class Chance {
  constructor(private state: number) {}

  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }
}

interface Sort {
  readonly kind: string;
  readonly apiVersion: string;
  readonly stream: StreamName;
  readonly resource: Pick<GroupVersionResource, 'group' | 'resource'>;
  readonly namespaced: boolean;
  /** Where it is read: a Kubernetes Event has two places. */
  readonly paths: readonly string[];
  readonly rest: (value: string) => object;
}

const SORTS: readonly Sort[] = [
  {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    stream: 'state',
    resource: { group: '', resource: 'configmaps' },
    namespaced: true,
    paths: ['/api/v1'],
    rest: (value) => ({ data: { value, odd: 'ü\u2028"\u0000😀' } }),
  },
  {
    kind: 'Secret',
    apiVersion: 'v1',
    stream: 'state',
    resource: { group: '', resource: 'secrets' },
    namespaced: true,
    paths: ['/api/v1'],
    rest: (value) => ({ data: { value: Buffer.from(value).toString('base64') }, type: 'Opaque' }),
  },
  {
    kind: 'Namespace',
    apiVersion: 'v1',
    stream: 'state',
    resource: { group: '', resource: 'namespaces' },
    namespaced: false,
    paths: ['/api/v1'],
    rest: () => ({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
  },
  {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    stream: 'lease',
    resource: { group: 'coordination.k8s.io', resource: 'leases' },
    namespaced: true,
    paths: ['/apis/coordination.k8s.io/v1'],
    rest: (holderIdentity) => ({ spec: { holderIdentity } }),
  },
  {
    kind: 'Event',
    apiVersion: 'v1',
    stream: 'event',
    resource: { group: '', resource: 'events' },
    namespaced: true,
    paths: ['/api/v1', '/apis/events.k8s.io/v1'],
    rest: (message) => ({
      message,
      involvedObject: { kind: 'Pod', name: 'p' },
      source: {},
      reportingComponent: 'c',
      reportingInstance: 'i',
    }),
  },
];
const NAMESPACES = ['a', 'b', 'b-c'];
const NAMES = ['a', 'a-b', 'a.b', 'aa', 'b', 'c0', 'c1', 'c2', 'c3', 'z'];

/** Objects that come, change and go at random, and where each stands. */
class Churn {
  private readonly last = new Map<string, { readonly sequence: Sequence; readonly there: boolean; readonly uid: string }>();
  private born = 0;

  constructor(
    private readonly log: EventLog,
    readonly chance: Chance,
  ) {}

  async step(): Promise<void> {
    const { chance } = this;
    const { kind, apiVersion, stream, resource, namespaced, rest } = chance.one(SORTS);
    const [namespace, name] = [namespaced ? chance.one(NAMESPACES) : '', chance.one(NAMES)];
    const subject = subjectOf(CLUSTER, stream, resource, namespace, name);
    const known = this.last.get(subject);
    const [expected, there] = [known?.sequence ?? 0, known?.there === true];
    const uid = known?.there === true ? known.uid : `uid-${++this.born}`;
    const type = !there ? 'Created' : chance.below(4) === 0 ? 'Deleted' : 'Updated';
    const object = {
      kind,
      apiVersion,
      metadata: {
        name,
        ...(namespaced ? { namespace } : {}),
        uid,
        creationTimestamp: '2025-12-31T00:00:00Z',
        labels: { tier: chance.one(['web', 'db']), index: String(chance.below(3)) },
      },
      ...rest(String(chance.below(1_000))),
    } as KubeObject;
    // Leaves a marker in the stream: a sequence that is no object's.
    const guards: readonly Guard[] =
      chance.below(5) === 0 ? [{ subject: subjectOf(CLUSTER, stream, resource, 'guarded', 'none'), expected: 0 }] : [];
    const write = { subject, expected, meta: metaOf({ type, previous: expected }), body: encodeObject(object) };
    const [sequence = 0] = await appended(this.log, stream, [write], guards);
    this.last.set(subject, { sequence, there: type !== 'Deleted', uid });
  }
}

const ACCEPTS = [
  'application/json',
  'application/json',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
];
const LABELS = ['tier=web', 'index in (1,2)', 'tier=db,index!=0', '!tier', 'none=such'];
const FIELDS = ['metadata.name=a-b', 'metadata.name!=a', 'metadata.namespace=b', 'metadata.name=c0,metadata.namespace=a'];

/** Forms in which no ages are told. */
const STEADY = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

interface Question {
  readonly path: string;
  readonly accept: string;
}

/** A request for something to read, sensible or not. `tokens`: of lists that were begun. */
function questionOf(chance: Chance, lasts: Readonly<Record<StreamName, Sequence>>, tokens: readonly string[]): Question {
  const { stream, resource, namespaced, paths } = chance.one(SORTS);
  const place = namespaced && chance.below(3) > 0 ? `/namespaces/${chance.one(NAMESPACES)}` : '';
  const query = new URLSearchParams();
  const version = chance.one(['', '', '0', String(1 + chance.below(lasts[stream])), String(lasts[stream]), String(lasts[stream] + 1), 'x']);
  if (version !== '') query.set('resourceVersion', version);
  const single = (!namespaced || place !== '') && chance.below(4) === 0;
  if (!single) {
    if (chance.below(3) === 0) query.set('resourceVersionMatch', chance.one(['Exact', 'Exact', 'NotOlderThan', 'Else']));
    if (chance.below(2) === 0) query.set('limit', String(chance.one([1, 2, 3, 7, 500])));
    if (chance.below(3) === 0) query.set('labelSelector', chance.one(LABELS));
    if (chance.below(4) === 0) query.set('fieldSelector', chance.one(FIELDS));
    const token = chance.one(tokens);
    if (chance.below(3) === 0 && token !== undefined) {
      query.set('continue', token);
      if (chance.below(4) > 0) query.delete('resourceVersion');
      if (chance.below(4) > 0) query.delete('resourceVersionMatch');
    }
  }
  const path = `${chance.one(paths)}${place}/${resource.resource}${single ? `/${chance.one(NAMES)}` : ''}?${query.toString()}`;
  return { path, accept: chance.one(ACCEPTS) };
}

/** A cluster's log on JetStream, its projection in Postgres, and a cache beside it. */
class Cluster {
  private constructor(
    readonly log: EventLog,
    readonly view: StateView,
    readonly history: PastReader,
    readonly end: () => Promise<void>,
  ) {}

  static async start(nats: TestServer, postgres: TestServer): Promise<Cluster> {
    const sealed = await connectLog({ url: nats.url, cluster: CLUSTER });
    const master = randomBytes(32);
    const keyring = await connectKeyring({ url: nats.url, cluster: CLUSTER, master: () => master });
    const log = new SealedLog(sealed, keyring);
    const dataSource = await connectPostgres({ url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS });
    const abort = new AbortController();
    const { signal } = abort;
    const projecting = new Projector({ log: sealed, dataSource, logger: QUIET }).run(signal);
    const snapshots = new PostgresSnapshotSource(dataSource, keyring);
    const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger: QUIET, signal });
    return new Cluster(log, view, new PostgresHistory(dataSource, keyring), async () => {
      abort.abort();
      await projecting;
      await log.close();
      await keyring.close();
      await dataSource.destroy();
    });
  }

  /** Where the streams end, once cache and projection are there. */
  async settled(): Promise<Record<StreamName, Sequence>> {
    const lasts = { state: 0, lease: 0, event: 0 };
    for (const stream of STREAMS) {
      lasts[stream] = await this.log.last(stream);
      await Promise.all([this.view.reached(stream, lasts[stream]), this.history.reached(stream, lasts[stream])]);
    }
    return lasts;
  }
}

describe('reads from the cache and reads from Postgres', () => {
  const ends: (() => Promise<void>)[] = [];
  let cluster: Cluster;
  let cached: TestApiServer;
  let projected: TestApiServer;
  let churn: Churn;
  const seed = Number(process.env['BOTH_WAYS_SEED'] ?? randomInt(2 ** 31));
  const serverOver = ({ log, view, history }: Cluster, readsFrom: 'cache' | 'projection'): Promise<TestApiServer> =>
    startTestApiServer({ now: () => NOW, options: { log, view, history, settings: { readsFrom, futureVersionWaitMs: 1 } } });
  beforeAll(async () => {
    const nats = await startNats();
    ends.push(nats.stop);
    const postgres = await startPostgres();
    ends.push(postgres.stop);
    cluster = await Cluster.start(nats, postgres);
    ends.push(cluster.end);
    churn = new Churn(cluster.log, new Chance(seed));
    cached = await serverOver(cluster, 'cache');
    ends.push(() => cached.close());
    projected = await serverOver(cluster, 'projection');
    ends.push(() => projected.close());
  }, 60_000);
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** The same question to both; the answer they agree on. */
  const agreed = async ({ path, accept }: Question): Promise<{ readonly code: number; readonly text: string }> => {
    const asked = [cached, projected].map((server) => server.ask(path, { headers: { accept } }));
    const [one, other] = (await Promise.all(asked)).map(({ code, text, headers }) => ({
      path,
      code,
      type: headers['content-type'],
      retryAfter: headers['retry-after'],
      text,
    }));
    expect(other).toEqual(one);
    return { code: one?.code ?? 0, text: one?.text ?? '' };
  };

  it('give the same bytes for any request, at any position, on any page', async () => {
    const { chance } = churn;
    const tokens: string[] = [];
    const codes = new Map<number, number>();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < EVENTS_PER_ROUND; i++) await churn.step();
        const lasts = await cluster.settled();
        for (let i = 0; i < REQUESTS_PER_ROUND; i++) {
          const { code, text } = await agreed(questionOf(chance, lasts, tokens));
          codes.set(code, (codes.get(code) ?? 0) + 1);
          const token = (JSON.parse(text) as { metadata?: { continue?: string } }).metadata?.continue;
          if (token !== undefined && token !== '') tokens.push(token);
        }
      }
    } catch (error) {
      throw new Error(`with BOTH_WAYS_SEED=${seed}`, { cause: error });
    }
    // What is compared is worth comparing: answers, objects that are not there, versions to come, nonsense.
    for (const code of [200, 400, 404, 422, 504]) expect([...codes.keys()]).toContain(code);
    expect(tokens.length).toBeGreaterThan(20);
    expect([...cached.logged, ...projected.logged]).toEqual([]);
  }, 120_000);

  it('make up the same list of pages, though objects come and go between them', async () => {
    const all = JSON.parse((await agreed({ path: '/api/v1/configmaps', accept: 'application/json' })).text) as { items: KubeObject[] };
    const found: KubeObject[] = [];
    let path: string | undefined = '/api/v1/configmaps?limit=3';
    while (path !== undefined) {
      await cluster.settled();
      const { text } = await agreed({ path, accept: 'application/json' });
      const { items, metadata } = JSON.parse(text) as { items: KubeObject[]; metadata: { continue?: string } };
      found.push(...items);
      path = metadata.continue === undefined ? undefined : `/api/v1/configmaps?limit=3&continue=${metadata.continue}`;
      for (let i = 0; i < 10; i++) await churn.step();
    }
    expect(found).toEqual(all.items);
  }, 60_000);

  it('show the past byte for byte as it was when it was the present', async () => {
    const { chance } = churn;
    const seen: { readonly path: string; readonly accept: string; readonly state: Sequence; readonly text: string }[] = [];
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 5; i++) await churn.step();
      const { state } = await cluster.settled();
      const [resource, accept] = [chance.one(['configmaps', 'secrets']), chance.one(STEADY)];
      const [namespace, name] = [chance.one(NAMESPACES), chance.one(NAMES)];
      const place = `/api/v1/namespaces/${namespace}/${resource}`;
      for (const path of [
        place,
        `/api/v1/${resource}?limit=4`,
        `${place}/${name}`,
        `/api/v1/${resource}?fieldSelector=metadata.name%3D${name}`,
      ]) {
        const { text } = await agreed({ path, accept });
        seen.push({ path, accept, state, text });
      }
    }
    for (const { path, accept, state, text } of seen) {
      const { text: then } = await agreed({ path: `/at/${state}${path}`, accept });
      expect({ path, state, text: then }).toEqual({ path, state, text });
    }
  }, 60_000);
});
