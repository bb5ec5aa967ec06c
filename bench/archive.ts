/**
 * What an event takes on disk, in the log's stream and in the projection, before most of them are archived and after; and how long
 * archiving and a rebuild from the archive take.
 *
 * `npx tsc -p bench && node dist/bench/archive.js [events]` starts a nats-server and a Postgres of its own.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ArchiveFolder,
  archiveMessages,
  type Archived,
  Archivist,
  connectLog,
  connectPostgres,
  connectWholeLog,
  planArchive,
  PostgresHistory,
  Projector,
  rebuildCheck,
  WITHOUT_KEYS,
} from '#libs/adapters';
import type { KubeObject } from '#libs/apimachinery';
import type { AppendWrite, EventLog, Sequence } from '#libs/log';
import { encodeObject, subjectOf } from '#libs/log';
import { appended, configMapWrite, metaOf, startNats, startPostgres } from '#libs/testing';
import { MIGRATIONS } from '#migrations';

const EVENTS = Number(process.argv[2] ?? 100_000);
const OBJECTS = EVENTS / 20;
const CLUSTER = 'bench';
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A pod as a cluster has them: some 2.5 KiB, of which a change of status touches some words. */
function pod(n: number, round: number): KubeObject {
  const [id, time] = [digest(`pod ${n}`), new Date(1_767_225_600_000 + n * 977 + round * 61_000).toISOString()];
  const field = (manager: string): object => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': {
        'f:labels': { 'f:app': {}, 'f:pod-template-hash': {} },
        'f:ownerReferences': { [`k:{"uid":"${id.slice(0, 36)}"}`]: {} },
      },
      'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:resources': {} } }, 'f:restartPolicy': {} },
    },
  });
  const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'PodReadyToStartContainers'].map((type, i) => ({
    type,
    status: round > i ? 'True' : 'False',
    lastTransitionTime: time,
  }));
  const containerStatuses = [
    {
      name: 'web',
      containerID: `docker://${digest(`${n} ${round >> 2}`)}`,
      restartCount: round >> 2,
      state: { running: { startedAt: time } },
    },
  ];
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: `web-${id.slice(0, 10)}-${n}`,
      namespace: 'default',
      uid: id.slice(0, 36),
      labels: { app: 'web', 'pod-template-hash': id.slice(0, 10) },
      managedFields: [field('replicaset-controller'), field('kubelet')],
    },
    spec: {
      nodeName: `node-${n % 50}`,
      restartPolicy: 'Always',
      containers: [{ name: 'web', image: `registry.local/web:${n % 7}`, resources: { requests: { cpu: '100m', memory: '64Mi' } } }],
    },
    status: { phase: 'Running', podIP: `10.64.${n % 250}.${round}`, conditions, containerStatuses },
  } as KubeObject;
}

function write(n: number, round: number, expected: Sequence): AppendWrite {
  const object = pod(n, round);
  const actor = { user: `system:node:node-${n % 50}`, groups: ['system:nodes', 'system:authenticated'] };
  const meta = {
    type: expected === 0 ? 'Created' : 'Updated',
    verb: 'patch',
    subresource: 'status',
    actor,
    agent: 'decklog-kubelet/0.1.0',
    previous: expected,
  } as const;
  const place = { group: '', resource: 'pods' };
  return {
    subject: subjectOf(CLUSTER, 'state', place, 'default', object.metadata.name ?? ''),
    expected,
    meta: metaOf(meta),
    body: encodeObject(object),
  };
}

/** Latencies of some 45 appends a second, one after the other, while something else goes on. */
async function whileAppending<T>(log: EventLog, work: () => Promise<T>): Promise<T> {
  const latencies: number[] = [];
  let isOver = false;
  const writing = (async () => {
    for (let last = (await log.lastOf('state', configMapWrite(CLUSTER, 'meanwhile').subject))?.sequence ?? 0; !isOver;) {
      const began = performance.now();
      [last = 0] = await appended(log, 'state', [configMapWrite(CLUSTER, 'meanwhile', last)]);
      latencies.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await writing;
    latencies.sort((a, b) => a - b);
    const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? NaN).toFixed(1);
    console.log(`appends meanwhile: ${latencies.length}, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  }
}

const sizeOf = (path: string): number =>
  statSync(path).isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : statSync(path).size;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return result;
}

async function main(): Promise<void> {
  const [nats, postgres] = [await startNats(), await startPostgres()];
  const folder = mkdtempSync(join(tmpdir(), 'decklog-bench-'));
  const options = { url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS };
  const [log, database] = [await connectLog({ url: nats.url, cluster: CLUSTER }), await connectPostgres(options)];
  const abort = new AbortController();
  const projecting = new Projector({ log, dataSource: database, logger: quiet }).run(abort.signal);
  try {
    const last: Sequence[] = [];
    await timed(`${EVENTS} events appended`, async () => {
      for (let round = 0; round < EVENTS / OBJECTS; round++) {
        for (let n = 0; n < OBJECTS; n += 2_000) {
          const step = async (_: unknown, i: number): Promise<void> => {
            [last[n + i] = 0] = await appended(log, 'state', [write(n + i, round, last[n + i] ?? 0)]);
          };
          await Promise.all(Array.from({ length: Math.min(2_000, OBJECTS - n) }, step));
        }
      }
    });
    const end = await log.last('state');
    await timed('and projected after', () => new PostgresHistory(database, WITHOUT_KEYS).reached('state', end));
    const row = (what: string, bytes: number): void =>
      console.log(`| ${what} | ${(bytes / 1_048_576).toFixed(1)} MiB | ${(bytes / EVENTS).toFixed(0)} |`);
    const table = async (name: string): Promise<number> =>
      Number(
        ((await database.query(`select pg_total_relation_size('"decklog_${CLUSTER}".${name}') as size`)) as readonly { size: string }[])[0]
          ?.size,
      );
    const messages = async (): Promise<number> => (await log.bounds('state')).bytes;
    console.log('| | size | bytes an event |\n|---|---|---|');
    row('messages in the stream', await messages());
    row('nats-server on disk', sizeOf(join(nats.folder, 'jetstream')));
    row('table revision with its indexes', await table('revision'));
    row('table object with its indexes', await table('object'));
    const archivist = await Archivist.connect(nats.url, CLUSTER);
    const plan = await timed('plan', () => planArchive(archivist, end));
    await whileAppending(log, () => new Promise((resolve) => setTimeout(resolve, 3_000)));
    const work = async (): Promise<Archived> =>
      archiveMessages(plan, { archivist, archive: await ArchiveFolder.open(folder, CLUSTER), now: Date.now, by: 'bench' });
    const { removed } = await whileAppending(log, () => timed('archive', work));
    await archivist.close();
    console.log(`${removed} messages archived\n| | size | bytes an event |\n|---|---|---|`);
    row('messages in the stream', await messages());
    row('nats-server on disk', sizeOf(join(nats.folder, 'jetstream')));
    row('the archive', sizeOf(folder));
    const whole = await connectWholeLog({ url: nats.url, cluster: CLUSTER, archive: folder });
    const { equal } = await timed('rebuild from log and archive, compared', () => rebuildCheck(whole, options));
    await whole.close();
    console.log(equal ? 'the same rows' : 'DIFFERENT ROWS');
  } finally {
    abort.abort();
    await projecting;
    await database.destroy();
    await log.close();
    await Promise.all([nats.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
