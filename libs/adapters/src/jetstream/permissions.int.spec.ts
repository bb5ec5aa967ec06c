import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import type { LogUser } from '#libs/log';
import { publishable, SUBSCRIBABLE } from '#libs/log';
import { appended, configMapWrite, startNats, type TestServer } from '#libs/testing';
import { restoreBackup, writeBackup } from '../backup/index.js';
import { connectKeyStore } from '../sealing/index.js';
import { connectAudit } from './audit-stream.js';
import { connectLog, type JetStreamLog } from './jetstream-log.js';

const CLUSTER = 'one';
const USERS: readonly LogUser[] = ['control-plane', 'archiver', 'backup', 'restorer'];
const STREAMS = ['state', 'lease', 'event', 'audit'] as const;
const urls: Partial<Record<LogUser, string>> = {};
let server: TestServer;
let log: JetStreamLog;

const user = (name: LogUser): string => `
  { user: "${name}", password: "secret", permissions {
    publish: ${JSON.stringify(publishable(CLUSTER, name))}, subscribe: ${JSON.stringify(SUBSCRIBABLE)} } }`;

beforeAll(async () => {
  server = await startNats(`authorization { users: [${USERS.map(user).join('')}\n] }`);
  for (const name of USERS) urls[name] = server.url.replace('//', `//${name}:secret@`);
  const url = urls['control-plane'] ?? '';
  log = await connectLog({ url, cluster: CLUSTER });
  await (await connectAudit({ url, cluster: CLUSTER })).close();
  for (let i = 0; i < 3; i++) await appended(log, 'state', [configMapWrite(CLUSTER, `a${i}`)]);
});
afterAll(async () => {
  await log.close();
  await server.stop();
});

/** What the server answers; `refused` where the user may not even ask. */
async function ask(connection: NatsConnection, subject: string, payload: object): Promise<string> {
  try {
    const answer = await connection.request(subject, JSON.stringify(payload), { timeout: 5_000 });
    return answer.json<{ readonly error?: { readonly description: string } }>().error?.description ?? 'done';
  } catch (error) {
    return String(error).includes('Permissions Violation') ? 'refused' : String(error);
  }
}

async function as<T>(name: LogUser, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: server.url, user: name, pass: 'secret' });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Whatever makes a stream forget. */
const FORGETTING = STREAMS.flatMap((stream) => {
  const name = `decklog_${CLUSTER}_${stream}`;
  return [
    [`$JS.API.STREAM.PURGE.${name}`, {}],
    [`$JS.API.STREAM.DELETE.${name}`, {}],
    [`$JS.API.STREAM.RESTORE.${name}`, {}],
    [`$JS.API.STREAM.MSG.DELETE.${name}`, { seq: 1 }],
  ] as const;
});

describe('the users of the log’s server', () => {
  it.each(FORGETTING)('the control plane is refused %s', async (subject, payload) => {
    expect(await as('control-plane', (connection) => ask(connection, subject, payload))).toBe('refused');
    expect(await log.last('state')).toBe(3);
  });

  it('the control plane is refused another limit of what is kept for ever', async () => {
    const subject = `$JS.API.STREAM.UPDATE.decklog_${CLUSTER}_state`;
    expect(await as('control-plane', (connection) => ask(connection, subject, { name: `decklog_${CLUSTER}_state`, max_age: 1e9 }))).toBe(
      'refused',
    );
  });

  it.each(FORGETTING.filter(([subject]) => !subject.endsWith(`MSG.DELETE.decklog_${CLUSTER}_state`)))(
    'the archiver is refused %s',
    async (subject, payload) => {
      expect(await as('archiver', (connection) => ask(connection, subject, payload))).toBe('refused');
    },
  );

  it.each<[LogUser, string, object]>([
    ...FORGETTING.filter(([subject]) => !subject.startsWith('$JS.API.STREAM.RESTORE')).flatMap(([subject, payload]) =>
      (['backup', 'restorer'] as const).map((name): [LogUser, string, object] => [name, subject, payload]),
    ),
    ...(['backup', 'restorer'] as const).map((name): [LogUser, string, object] => [name, configMapWrite(CLUSTER, 'b').subject, {}]),
    ['backup', `$JS.API.STREAM.RESTORE.decklog_${CLUSTER}_state`, {}],
    ['backup', `$JS.API.DIRECT.GET.decklog_${CLUSTER}_state`, { seq: 1 }],
    ['restorer', `$JS.API.STREAM.SNAPSHOT.decklog_${CLUSTER}_state`, {}],
  ])('%s is refused %s', async (name, subject, payload) => {
    expect(await as(name, (connection) => ask(connection, subject, payload))).toBe('refused');
  });

  it('the restorer makes no stream where there is one', async () => {
    const subject = `$JS.API.STREAM.RESTORE.decklog_${CLUSTER}_state`;
    const payload = { config: { name: `decklog_${CLUSTER}_state`, subjects: [`decklog.${CLUSTER}.state.>`] }, state: {} };
    expect(await as('restorer', (connection) => ask(connection, subject, payload))).toMatch(/already in use/);
    expect(await log.last('state')).toBe(3);
  });

  it('what one user backs up another restores, each with no more than its rights', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'decklog-rights-'));
    const file = join(folder, 'backup');
    const other = await startNats(`authorization { users: [${USERS.map(user).join('')}\n] }`);
    try {
      const about = { takenAt: '2026-11-25T10:00:00Z', takenBy: 'ops', files: {} };
      const manifest = await writeBackup({ url: urls.backup ?? '', cluster: CLUSTER, file, ...about });
      await restoreBackup({ url: other.url.replace('//', '//restorer:secret@'), file, manifest, skip: 10 });
      const restored = await connectLog({ url: other.url.replace('//', '//control-plane:secret@'), cluster: CLUSTER });
      expect(await restored.last('state')).toBe((await log.last('state')) + 10);
      await restored.close();
    } finally {
      await other.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('the archiver reads the log', async () => {
    const reader = await connectLog({ url: urls.archiver ?? '', cluster: CLUSTER });
    const sequences: number[] = [];
    for await (const { events } of reader.read('state', 0, { until: 3 })) sequences.push(...events.map(({ sequence }) => sequence));
    expect(sequences).toEqual([1, 2, 3]);
    await reader.close();
  });

  it('the archiver may delete a message of `state`, and may append none', async () => {
    await as('archiver', async (connection) => {
      const payload = { seq: 2, no_erase: true };
      expect(await ask(connection, `$JS.API.STREAM.MSG.DELETE.decklog_${CLUSTER}_state`, payload)).toBe('done');
      const { subject } = configMapWrite(CLUSTER, 'b');
      expect(await ask(connection, subject, {})).toBe('refused');
    });
    expect(await log.lastOf('state', configMapWrite(CLUSTER, 'a1').subject)).toBeUndefined();
  });

  it('a name whose tombstone was removed can be taken again, also by who remembers the tombstone', async () => {
    const write = configMapWrite(CLUSTER, 'a2');
    await as('archiver', (connection) => ask(connection, `$JS.API.STREAM.MSG.DELETE.decklog_${CLUSTER}_state`, { seq: 3, no_erase: true }));
    expect(await log.append('state', [{ ...write, expected: 3 }])).toEqual({ moved: [{ subject: write.subject, expected: 3, actual: 0 }] });
    expect(await log.append('state', [write])).toEqual({ sequences: [4] });
  });

  it('the control plane destroys keys of Secrets: nothing of them is left, and the markers go', async () => {
    const store = await connectKeyStore({ url: urls['control-plane'] ?? '', cluster: CLUSTER });
    await store.put('uid-1', new Uint8Array([1, 2, 3]));
    await store.put('uid-2', new Uint8Array([4]));
    await store.remove('uid-1');
    expect(await store.get('uid-1')).toBeUndefined();
    expect(await store.list()).toEqual(['uid-2']);
    await store.compact();
    await as('control-plane', async (connection) => {
      const bucket = `KV_decklog_${CLUSTER}_keys`;
      const messages = async (): Promise<number> => (await (await connection.jetstreamManager()).streams.info(bucket)).state.messages;
      expect(await messages()).toBe(2);
      expect(await ask(connection, `$JS.API.STREAM.PURGE.${bucket}`, { filter: `$KV.decklog_${CLUSTER}_keys.uid-1` })).toBe('done');
      expect(await messages()).toBe(1);
    });
    await store.close();
  });
});
