import { mkdtempSync, readFileSync, rmSync, readdirSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import {
  connectAudit,
  connectLog,
  connectPostgres,
  PostgresHistory,
  Projector,
  SinkPositions,
  SinkPublisher,
  WITHOUT_KEYS,
  type SinkMessage,
} from '#libs/adapters';
import { encodeObject, subjectOf, type AuditStream, type EventLog } from '#libs/log';
import { SILENT_LOGGER } from '#libs/runtime';
import { appended, metaOf, startNats, startPostgres, testAuthority, type TestServer } from '#libs/testing';
import { MIGRATIONS } from '#migrations';
import { FileTarget } from './file-target.js';
import { Sink, type SinkSources } from './sink.js';
import { parseSinks } from './sinks-file.js';
import type { Target } from './target.js';
import { WebhookTarget } from './webhook-target.js';

const CLUSTER = 'sinks';
const SECRET = 'c2VjcmV0LXZhbHVl';

let nats: TestServer;
let postgres: TestServer;
let log: EventLog;
let audit: AuditStream;
let sources: SinkSources;
let folder: string;
const stop = new AbortController();
let projecting: Promise<void>;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
  folder = mkdtempSync(join(tmpdir(), 'decklog-sinks-'));
  log = await connectLog({ url: nats.url, cluster: CLUSTER });
  audit = await connectAudit({ url: nats.url, cluster: CLUSTER });
  const dataSource = await connectPostgres({ url: postgres.url, cluster: CLUSTER, migrations: MIGRATIONS });
  const positions = await SinkPositions.connect({ url: nats.url, cluster: CLUSTER });
  sources = { log, audit, positions, history: new PostgresHistory(dataSource, WITHOUT_KEYS), logger: SILENT_LOGGER };
  projecting = new Projector({ log, dataSource, logger: SILENT_LOGGER }).run(stop.signal);
  closing.push(
    () => log.close(),
    () => audit.close(),
    () => positions.close(),
    () => dataSource.destroy(),
  );
}, 60_000);

afterAll(async () => {
  stop.abort();
  await projecting;
  for (const close of closing) await close();
  await Promise.all([nats.stop(), postgres.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const [settings] = parseSinks('sinks: [{ name: one, from: beginning, file: { path: /x } }]');
if (settings === undefined) throw new Error('no sink');

/** Writes config maps (or a Secret, which is sealed as far as a sink can tell) one after the other. */
async function write(from: number, to: number, kind: 'ConfigMap' | 'Secret' = 'ConfigMap'): Promise<void> {
  for (let i = from; i <= to; i++) {
    const resource = { group: '', version: 'v1', resource: kind === 'Secret' ? 'secrets' : 'configmaps' };
    const subject = subjectOf(CLUSTER, 'state', resource, 'a', `${kind.toLowerCase()}-${i}`);
    const object = {
      apiVersion: 'v1',
      kind,
      metadata: { name: `${kind.toLowerCase()}-${i}`, namespace: 'a', uid: `u${i}` },
      data: { k: SECRET },
    };
    await appended(log, 'state', [{ subject, expected: 0, meta: metaOf({ previous: 0 }), body: encodeObject(object) }]);
  }
}

/** Runs a sink until a condition holds. */
async function until(
  name: string,
  target: Target,
  done: () => boolean,
  more: Partial<typeof settings> = {},
  from = sources,
): Promise<void> {
  const ending = new AbortController();
  const running = new Sink({ ...(settings as NonNullable<typeof settings>), ...more, name }, target, from).run(ending.signal);
  while (!done()) await new Promise((next) => setTimeout(next, 10));
  ending.abort();
  await running;
}

/** The same streams, each of which begins to hand out when the other has something, too. */
function meeting(apart: SinkSources): SinkSources {
  let missing = 2;
  let met = (): void => {};
  const both = new Promise<void>((resolve) => (met = resolve));
  async function* together<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    let isFirst = true;
    for await (const item of items) {
      if (isFirst && --missing === 0) met();
      isFirst = false;
      await both;
      yield item;
    }
  }
  const { log: events, audit: requests } = apart;
  const read: EventLog['read'] = (...asked) => together(events.read(...asked));
  const readAudit: AuditStream['read'] = (...asked) => together(requests.read(...asked));
  return {
    ...apart,
    log: Object.create(events, { read: { value: read } }) as EventLog,
    audit: Object.create(requests, { read: { value: readAudit } }) as AuditStream,
  };
}

const linesOf = (path: string): readonly { readonly auditID: string; readonly objectRef?: { readonly name?: string } }[] =>
  readdirSync(join(path, '..'))
    .filter((name) => name.startsWith(path.split('/').at(-1) ?? ''))
    .sort((a, b) => b.length - a.length || (a < b ? 1 : -1))
    .flatMap((name) => readFileSync(join(path, '..', name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly auditID: string; readonly objectRef?: { readonly name?: string } });

describe('a sink', () => {
  it('delivers all there is in order, and goes on where it was when it runs again', async () => {
    const path = join(folder, 'trail.ndjson');
    const file = { path, maxMiB: 100, keep: 3 };
    await write(1, 50);
    const names = (): readonly (string | undefined)[] =>
      readdirSync(folder).includes('trail.ndjson') ? linesOf(path).map(({ objectRef }) => objectRef?.name) : [];
    await until('file', new FileTarget(file), () => names().length >= 50);
    await write(51, 80);
    await audit.append([
      { kind: 'denied', time: Date.now(), id: 'r1', user: 'eve', verb: 'get', resource: 'secrets', namespace: 'a', name: 's', code: 403 },
    ]);
    await until('file', new FileTarget(file), () => names().length >= 81);
    expect(names().filter((name) => name?.startsWith('configmap'))).toEqual(Array.from({ length: 80 }, (_, i) => `configmap-${i + 1}`));
    expect(names()).toContain('s');
  }, 60_000);

  it('loses nothing where its target fails or dies with what it was given, and keeps the order', async () => {
    const got: SinkMessage[] = [];
    let calls = 0;
    const dying: Target = {
      deliver: (entries) => {
        calls += 1;
        if (calls % 3 !== 0) return Promise.reject(new Error('not now'));
        got.push(...entries);
        // It has them, and nobody is told.
        return calls % 6 === 0 ? Promise.reject(new Error('gone')) : Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    const last = await log.last('state');
    await until('dying', dying, () => got.some(({ id }) => id === `state-${last}`));
    const events = [...new Set(got.map(({ id }) => id))].filter((id) => id.startsWith('state-'));
    expect(events).toEqual(Array.from({ length: last }, (_, i) => `state-${i + 1}`));
  }, 60_000);

  it('hands its target one thing at a time, though both streams have something', async () => {
    let [under, most, delivered] = [0, 0, 0];
    const target: Target = {
      deliver: async (entries) => {
        most = Math.max(most, ++under);
        await new Promise((next) => setImmediate(next));
        under -= 1;
        delivered += entries.length;
      },
      close: () => Promise.resolve(),
    };
    await until('turns', target, () => delivered >= 81, {}, meeting(sources));
    expect(most).toBe(1);
  }, 60_000);

  it('posts to a webhook until that takes it', async () => {
    const authority = await testAuthority();
    const serving = await authority.issue('webhook', { addresses: ['127.0.0.1'] });
    const bodies: string[] = [];
    let refusals = 2;
    const server = createServer({ cert: serving.cert, key: serving.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.statusCode = refusals-- > 0 ? 503 : 200;
        if (response.statusCode === 200) bodies.push(Buffer.concat(chunks).toString());
        response.end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const caFile = join(folder, 'ca.pem');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(caFile, authority.cert);
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await until('hook', new WebhookTarget({ url, caFile, timeoutSeconds: 5 }, 'audit'), () => bodies.join('').includes('configmap-80'));
    server.close();
    const [first] = bodies.map(
      (body) => JSON.parse(body) as { readonly kind: string; readonly items: readonly { readonly kind: string }[] },
    );
    expect([first?.kind, first?.items[0]?.kind]).toEqual(['EventList', 'Event']);
  }, 60_000);

  it('publishes to a stream of NATS, each entry once there', async () => {
    const connection = await connect({ servers: nats.url });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'elsewhere', subjects: ['trail'] });
    const target: Target = ((publisher) => ({ deliver: (entries) => publisher.publish(entries), close: () => publisher.close() }))(
      new SinkPublisher(nats.url, 'trail', true),
    );
    let seen = 0;
    const counting: Target = {
      ...target,
      deliver: async (entries) => (await target.deliver(entries), await target.deliver(entries), void (seen += entries.length)),
    };
    await until('nats', counting, () => seen >= 81);
    expect((await manager.streams.info('elsewhere')).state.messages).toBe(seen);
    await connection.close();
  }, 60_000);

  it('has no keys: of a Secret it says who did what, never what is in it', async () => {
    await write(1, 1, 'Secret');
    const got: SinkMessage[] = [];
    const target: Target = { deliver: (entries) => (got.push(...entries), Promise.resolve()), close: () => Promise.resolve() };
    await until('secret', target, () => got.some(({ text }) => text.includes('secret-1')), { bodies: true });
    expect(got.filter(({ text }) => text.includes('secret-1')).map(({ text }) => text.includes(SECRET))).toEqual([false]);
    expect(got.filter(({ text }) => text.includes('configmap-1"')).some(({ text }) => text.includes(SECRET))).toBe(true);
  }, 60_000);

  it('puts a full file aside, and keeps so many', async () => {
    const path = join(folder, 'small.ndjson');
    const target = new FileTarget({ path, maxMiB: 1, keep: 2 });
    const text = 'x'.repeat(700_000);
    for (let i = 0; i < 8; i++) await target.deliver([{ id: String(i), text: `${i}${text}` }]);
    await target.close();
    expect(
      readdirSync(folder)
        .filter((name) => name.startsWith('small'))
        .sort(),
    ).toEqual(['small.ndjson.1', 'small.ndjson.2']);
  });
});

describe('the file of sinks', () => {
  it.each([
    ['', []],
    ['sinks: []', []],
    ['sinks: [{ name: a, nats: { urlFile: /u, subject: x.y } }]', ['a']],
  ])('is read from %j', (text, names) => {
    expect(parseSinks(text).map(({ name }) => name)).toEqual(names);
  });

  it.each([
    [
      'sinks: [{ name: A, file: { path: x } }]',
      'sinks.0.name: lower-case letters, digits and dashes, at most 50; sinks.0.file.path: an absolute path',
    ],
    ['sinks: [{ name: a }]', 'sinks.0: exactly one of file, webhook and nats says where to'],
    ['sinks: [{ name: a, webhook: { url: "http://x" } }]', 'sinks.0.webhook.url: a URL that starts with https://'],
    ['sinks: [{ name: a, file: { path: /x } }, { name: a, file: { path: /y } }]', 'two sinks have the same name'],
    ['sinks: [{ name: a, file: { path: /x }, colour: red }]', 'colour'],
  ])('is refused where it is %s', (text, words) => {
    expect(() => parseSinks(text)).toThrow(words);
  });
});
