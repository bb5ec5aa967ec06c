/**
 * What the past costs: writes a history of many events through the log, lets the projector carry it into Postgres, and asks an API
 * server of it. 10,000 objects: 1,000 apps of a Deployment, a ReplicaSet and eight pods each, changed by rollouts of ten events
 * with one root; a namespace with 1,000 pods, and an app that every hundredth rollout is of.
 *
 * `npx tsc -p bench && node dist/bench/history.js [events]` starts servers of its own.
 */
import { execFileSync } from 'node:child_process';
import { connectKeyring, connectLog, connectPostgres, PostgresHistory, PostgresSnapshotSource, Projector } from '#libs/adapters';
import { DEFINITIONS } from '#libs/api';
import type { KubeObject } from '#libs/apimachinery';
import { encodeObject, formatBefore, subjectOf, type AppendWrite, type EventLog, type Sequence } from '#libs/log';
import { SILENT_LOGGER, StateCache } from '#libs/runtime';
import { appended, metaOf, startNats, startPostgres, startTestApiServer, type TestApiServer } from '#libs/testing';
import { MIGRATIONS } from '#migrations';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const CLUSTER = 'bench';
const APPS = 1_000;
const PODS_EACH = 8;
/** Apps in the namespace that is listed. */
const BUSY = 125;
const OFTEN = 100;
const AT_ONCE = 40;
const RUNS = 21;

/** 900 characters that do not repeat, of an object's own and the same at every turn, as what fills real objects is. */
function fillerOf(name: string): string {
  let state = [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
  let text = '';
  while (text.length < 900) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text;
}

interface Member {
  readonly kind: string;
  readonly apiVersion: string;
  readonly resource: { readonly group: string; readonly resource: string };
  readonly name: string;
}

const namespaceOf = (app: number): string => (app < BUSY ? 'busy' : `n${app % 9}`);

function membersOf(app: number): readonly Member[] {
  const apps = (kind: string, resource: string, name: string): Member => ({
    kind,
    apiVersion: 'apps/v1',
    resource: { group: 'apps', resource },
    name,
  });
  const pod = (i: number): Member => ({
    kind: 'Pod',
    apiVersion: 'v1',
    resource: { group: '', resource: 'pods' },
    name: `app-${app}-${i}`,
  });
  return [
    apps('Deployment', 'deployments', `app-${app}`),
    apps('ReplicaSet', 'replicasets', `app-${app}-7957885594`),
    ...Array.from({ length: PODS_EACH }, (_, i) => pod(i)),
  ];
}

/** An object as big as such objects are, 1.3 KiB to 2 KiB, different at each turn. */
function objectOf({ kind, apiVersion, name }: Member, namespace: string, turn: number): KubeObject {
  const container = { name: 'main', image: `registry.example.com/app:${turn}`, env: [{ name: 'FILLER', value: fillerOf(name) }] };
  const pod = { metadata: { labels: { app: name } }, spec: { containers: [container] } };
  const spec = kind === 'Pod' ? pod.spec : { replicas: PODS_EACH, selector: { matchLabels: { app: name } }, template: pod };
  const metadata = { name, namespace, uid: `uid-${kind}-${name}`, generation: turn, creationTimestamp: '2026-01-01T00:00:00Z' };
  return { kind, apiVersion, metadata, spec, status: { observedGeneration: turn } } as KubeObject;
}

/** One rollout: a person changes the Deployment, and what follows names what it follows from. */
function rollout(app: number, turn: number, lasts: readonly Sequence[]): readonly AppendWrite[] {
  const namespace = namespaceOf(app);
  return membersOf(app).map((member, i) => {
    const expected = lasts[i] ?? 0;
    const chain = i === 0 ? {} : { root: formatBefore(i), cause: formatBefore(i === 1 ? 1 : i - 1) };
    const type = expected === 0 ? 'Created' : 'Updated';
    const actor = i === 0 ? { user: 'alice' } : { user: 'system:serviceaccount:kube-system:deployment-controller' };
    return {
      subject: subjectOf(CLUSTER, 'state', member.resource, namespace, member.name),
      expected,
      meta: metaOf({ type, verb: type === 'Created' ? 'create' : 'update', previous: expected, actor, ...chain }),
      body: encodeObject(objectOf(member, namespace, turn)),
    };
  });
}

const appOf = (i: number): number => (i % OFTEN === 0 ? 0 : 1 + (i % (APPS - 1)));

async function write(log: EventLog): Promise<Sequence> {
  const lasts = new Map<number, readonly Sequence[]>();
  const rollouts = Math.ceil(EVENTS / (PODS_EACH + 2));
  for (let i = 0; i < rollouts; i += AT_ONCE) {
    const turns = Array.from({ length: Math.min(AT_ONCE, rollouts - i) }, (_, k) => i + k);
    await Promise.all(
      turns.map(async (turn) => {
        const app = appOf(turn);
        lasts.set(app, await appended(log, 'state', rollout(app, turn, lasts.get(app) ?? [])));
      }),
    );
  }
  return log.last('state');
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
};

/** The median of some runs, in milliseconds, and the answer's size. */
async function median(api: TestApiServer, paths: readonly string[]): Promise<{ readonly ms: number; readonly kib: number }> {
  const times: number[] = [];
  let kib = 0;
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    let continued = '';
    let bytes = 0;
    do {
      const answer = await api.ask(`${paths[i % paths.length] ?? ''}${continued}`);
      if (answer.code !== 200) throw new Error(`${answer.code}: ${answer.text}`);
      bytes += answer.text.length;
      const next = answer.json<{ metadata?: { continue?: string } }>().metadata?.continue ?? '';
      continued = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    } while (continued !== '');
    times.push(performance.now() - began);
    kib = bytes / 1024;
  }
  return { ms: times.sort((a, b) => a - b)[RUNS >> 1] ?? NaN, kib };
}

const print = (what: string, value: string): void => console.log(`| ${what} | ${value} |`);

async function ask(api: TestApiServer, last: Sequence): Promise<void> {
  const half = Math.floor(last / 2);
  const group = '/apis/history.decklog.dev/v1/namespaces/busy';
  const one = encodeURIComponent('object.group=,object.resource=pods,object.name=app-0-3');
  const figures: readonly (readonly [string, readonly string[]])[] = [
    ['at: a namespace of 1,000 pods, half-way', [`/at/${half}/api/v1/namespaces/busy/pods?limit=1000`]],
    ['at: the same, a moment ago', [`/at/${last - 5}/api/v1/namespaces/busy/pods?limit=1000`]],
    ['history: all revisions of an object', [`${group}/revisions?limit=500&fieldSelector=${one}`]],
  ];
  for (const [what, paths] of figures) {
    const { ms, kib } = await median(api, paths);
    print(what, `${ms.toFixed(0)} ms (${kib.toFixed(0)} KiB)`);
  }
  const newest = await api.ask(`${group}/revisions?limit=20&fieldSelector=${one}`);
  const names = newest.json<{ items: { metadata: { name: string } }[] }>().items.map(({ metadata }) => metadata.name);
  const { ms } = await median(
    api,
    names.map((name) => `${group}/causes/${name}?`),
  );
  print('why: the chain and the tree of one of its events', `${ms.toFixed(0)} ms`);
}

async function main(): Promise<void> {
  const [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  const log = await connectLog({ url: nats.url, cluster: CLUSTER });
  const keyring = await connectKeyring({ url: nats.url, cluster: CLUSTER, master: () => Buffer.alloc(32) });
  const dataSource = await connectPostgres({ url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS });
  const stop = new AbortController();
  try {
    console.log(`| ${EVENTS} events of 10,000 objects | |\n|---|--:|`);
    let last = 0;
    const wrote = await seconds(async () => (last = await write(log)));
    print('written', `${wrote.toFixed(1)} s (${(last / wrote).toFixed(0)}/s)`);
    const history = new PostgresHistory(dataSource, keyring);
    const projecting = new Projector({ log, dataSource, logger: SILENT_LOGGER }).run(stop.signal);
    const projected = await seconds(() => history.reached('state', last));
    print('projected', `${projected.toFixed(1)} s (${(last / projected).toFixed(0)}/s)`);
    const files = Number(execFileSync('du', ['-sk', nats.folder], { encoding: 'utf8' }).split('\t')[0]) * 1024;
    const [size] = (await dataSource.query('select pg_database_size(current_database()) as bytes')) as { bytes: string }[];
    print('disk an event, log', `${(files / last).toFixed(0)} B`);
    print('disk an event, Postgres', `${(Number(size?.bytes) / last).toFixed(0)} B`);
    const snapshots = new PostgresSnapshotSource(dataSource, keyring);
    const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger: SILENT_LOGGER, signal: stop.signal });
    const api = await startTestApiServer({ options: { log, view, history } });
    await ask(api, last);
    await api.close();
    stop.abort();
    await projecting;
  } finally {
    stop.abort();
    await log.close();
    await keyring.close();
    await dataSource.destroy();
    await Promise.all([nats.stop(), postgres.stop()]);
  }
}

void main();
