import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { CONTROLLER_USERS, publishable, SERVICE_USERS, SUBSCRIBABLE, type AppendWrite, type LogUser, type StreamName } from '#libs/log';
import { appended, configMapWrite, startNats, type TestServer } from '#libs/testing';
import { restoreBackup, writeBackup } from '../backup/index.js';
import { connectKeyring, connectKeyStore } from '../sealing/index.js';
import { connectMembership } from '../sharing/index.js';
import { SinkPositions } from '../sinks/index.js';
import { CheckpointStream } from '../verification/index.js';
import { connectAudit } from './audit-stream.js';
import { connectLog, type JetStreamLog } from './jetstream-log.js';

const CLUSTER = 'one';
const USERS: readonly LogUser[] = ['control-plane', 'archiver', 'backup', 'restorer', ...SERVICE_USERS];
const STREAMS = ['state', 'lease', 'event', 'audit'] as const;
const urls: Partial<Record<LogUser, string>> = {};
let server: TestServer;
let log: JetStreamLog;

/** The same write in another stream. */
const inStream = (write: AppendWrite, stream: StreamName): AppendWrite => ({
  ...write,
  subject: write.subject.replace('.state.', `.${stream}.`),
});

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

/** What none of the control plane's services may do, and what only some may. */
const REFUSED: readonly (readonly [subject: string, services: readonly LogUser[]])[] = [
  ...['PURGE', 'DELETE', 'RESTORE', 'SNAPSHOT', 'MSG.DELETE', 'UPDATE'].map((what): [string, readonly LogUser[]] => [
    `$JS.API.STREAM.${what}.decklog_${CLUSTER}_state`,
    SERVICE_USERS,
  ]),
  [`$JS.API.STREAM.UPDATE.decklog_${CLUSTER}_event`, ['projector', ...CONTROLLER_USERS]],
  [`$JS.API.STREAM.UPDATE.decklog_${CLUSTER}_audit`, CONTROLLER_USERS],
  [`$JS.API.STREAM.CREATE.somebody_elses`, SERVICE_USERS],
  [`$JS.API.STREAM.INFO.somebody_elses`, SERVICE_USERS],
  [`decklog.two.state.core.configmaps.default.b`, SERVICE_USERS],
  [`decklog.${CLUSTER}.state.core.configmaps.default.b`, ['projector']],
  [`decklog.${CLUSTER}.checkpoint.signed`, ['apiserver', ...CONTROLLER_USERS]],
  [`decklog.${CLUSTER}.audit.requests`, ['projector', ...CONTROLLER_USERS]],
  [`$JS.API.STREAM.MSG.GET.KV_decklog_${CLUSTER}_keys`, ['projector']],
  [`$JS.API.STREAM.PURGE.KV_decklog_${CLUSTER}_keys`, ['apiserver', 'projector', 'scheduler', 'replication']],
  [`$KV.decklog_${CLUSTER}_keys.uid-1`, ['projector', 'scheduler', 'replication', 'endpoints', 'serviceaccounts']],
];

describe('the services of the control plane', () => {
  it.each(REFUSED.flatMap(([subject, services]) => services.map((name) => [name, subject] as const)))(
    '%s is refused %s',
    async (name, subject) => {
      expect(await as(name, (connection) => ask(connection, subject, {}))).toBe('refused');
      expect(await log.last('state')).toBe(3);
    },
  );

  it.each(SERVICE_USERS)('%s looks at the log, and reads it', async (name) => {
    const reader = await connectLog({ url: urls[name] ?? '', cluster: CLUSTER });
    const sequences: number[] = [];
    for await (const { events } of reader.read('state', 0, { until: 3 })) sequences.push(...events.map(({ sequence }) => sequence));
    expect(sequences).toEqual([1, 2, 3]);
    expect((await reader.lastOf('state', configMapWrite(CLUSTER, 'a1').subject))?.sequence).toBe(2);
    await reader.close();
  });

  it.each(['apiserver', ...CONTROLLER_USERS] as const)(
    '%s appends events, alone and in one append, and learns what moved',
    async (name) => {
      const own = await connectLog({ url: urls[name] ?? '', cluster: CLUSTER });
      const last = await own.last('event');
      const writes = ['x', 'y'].map((suffix) => inStream(configMapWrite(CLUSTER, `${name}-${suffix}`), 'event'));
      expect(await own.append('event', writes)).toEqual({ sequences: [last + 1, last + 2] });
      const [first] = writes;
      const moved = [{ subject: first?.subject, expected: 0, actual: last + 1 }];
      expect(await own.append('event', writes.slice(0, 1))).toEqual({ moved });
      await own.close();
    },
  );

  it.each(['apiserver', ...CONTROLLER_USERS] as const)('%s opens the keys of Secrets', async (name) => {
    const keyring = await connectKeyring({ url: urls[name] ?? '', cluster: CLUSTER, master: () => new Uint8Array(32).fill(7) });
    await keyring.close();
  });

  it.each(CONTROLLER_USERS)('%s takes part in its work', async (name) => {
    const membership = await connectMembership({ url: urls[name] ?? '', cluster: CLUSTER, service: name, replica: 'a' });
    expect(membership.leased).toBe(true);
    await membership.leave();
  });

  it('the API server records what it refused, and says how much of that is kept', async () => {
    for (const maxBytes of [1_000_000, 2_000_000]) {
      const audit = await connectAudit({ url: urls.apiserver ?? '', cluster: CLUSTER, maxBytes });
      await audit.append([]);
      await audit.close();
    }
    const longer = await connectLog({ url: urls.apiserver ?? '', cluster: CLUSTER, eventAgeMs: 3_600_000 });
    await longer.close();
  });

  it('the projector keeps checkpoints and the positions of sinks', async () => {
    const url = urls.projector ?? '';
    const checkpoints = await CheckpointStream.connect({ url, cluster: CLUSTER });
    expect(await checkpoints.all()).toEqual([]);
    await checkpoints.close();
    const positions = await SinkPositions.connect({ url, cluster: CLUSTER });
    expect(await positions.get('a')).toBeUndefined();
    await positions.close();
  });
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
    expect(await store.list()).toEqual(['check', 'uid-2']);
    await store.compact();
    await as('control-plane', async (connection) => {
      const bucket = `KV_decklog_${CLUSTER}_keys`;
      const messages = async (): Promise<number> => (await (await connection.jetstreamManager()).streams.info(bucket)).state.messages;
      expect(await messages()).toBe(3);
      expect(await ask(connection, `$JS.API.STREAM.PURGE.${bucket}`, { filter: `$KV.decklog_${CLUSTER}_keys.uid-1` })).toBe('done');
      expect(await messages()).toBe(2);
    });
    await store.close();
  });
});
