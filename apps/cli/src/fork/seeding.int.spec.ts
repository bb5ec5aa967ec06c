import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { KubeObject } from '#libs/apimachinery';
import type { EventMeta, Recorded, StreamName } from '#libs/log';
import { decodeObject, encodeObject, parseSubject, subjectOf } from '#libs/log';
import { appended, eventsOf, metaOf, startNats, startPostgres, type TestServer } from '#libs/testing';
import type { Cluster, ForkOrigin } from '../cluster.js';
import { foldersOf } from '../profile.js';
import { loadAdapters, type Adapters } from './adapters.js';
import { seedLog } from './seeding.js';
import { openSource, readObjects, simulationOf, type Source } from './source.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const KINDS = { configmaps: 'ConfigMap', secrets: 'Secret', namespaces: 'Namespace', nodes: 'Node', pods: 'Pod', leases: 'Lease' } as const;
type Resource = keyof typeof KINDS;
const HIDDEN = Buffer.from('a password').toString('base64');

const clusterOf = (profile: string, id: string, servers: readonly [TestServer, TestServer]): Cluster => ({
  schema: 1,
  profile,
  id,
  index: 3,
  createdAt: '',
  runtime: 'simulated',
  layout: 'standalone',
  nodes: 0,
  advertiseAddress: '127.0.0.1',
  proxy: 'userspace',
  ports: { api: 1, nats: 2, natsMonitor: 3, postgres: 4, probes: {} },
  natsUrl: servers[0].url,
  postgresUrl: servers[1].url,
});

describe('a fork of a real log', () => {
  const home = mkdtempSync(join(tmpdir(), 'decklog-fork-'));
  const oldHome = process.env['HOME'];
  let adapters: Adapters;
  let servers: readonly [TestServer, TestServer];
  let [of, fork]: (Cluster | undefined)[] = [];
  let projecting: Promise<unknown> = Promise.resolve();
  let stop: () => Promise<unknown> = () => Promise.resolve();
  let write: (resource: Resource, name: string, expected: number, fields?: object, meta?: Partial<EventMeta>) => Promise<number>;
  /** Where the fork begins. */
  let at = 0;

  beforeAll(async () => {
    process.env['HOME'] = home;
    adapters = await loadAdapters();
    servers = [await startNats(), await startPostgres()];
    [of, fork] = [clusterOf('source', 'aaaaaa', servers), clusterOf('whatif', 'bbbbbb', servers)];
    for (const { profile } of [of, fork]) {
      const { sealingKey } = foldersOf(profile);
      mkdirSync(dirname(sealingKey), { recursive: true });
      writeFileSync(sealingKey, randomBytes(32));
    }
    const { connectKeyring, connectLog, connectPostgres, MIGRATIONS, Projector, SealedLog } = adapters;
    const where = { url: servers[0].url, cluster: 'aaaaaa' };
    const keyring = await connectKeyring({ ...where, master: () => readFileSync(foldersOf('source').sealingKey) });
    const log = new SealedLog(await connectLog(where), keyring);
    const database = await connectPostgres({ url: servers[1].url, cluster: 'aaaaaa', migrations: MIGRATIONS });
    const abort = new AbortController();
    const beneath = await connectLog(where);
    projecting = new Projector({ log: beneath, dataSource: database, logger: quiet }).run(abort.signal).catch(() => undefined);
    stop = async () => {
      abort.abort();
      await projecting;
      await database.destroy();
      await Promise.all([log.close(), beneath.close()]);
    };
    write = async (resource, name, expected, fields = {}, meta = {}) => {
      const stream: StreamName = resource === 'leases' ? 'lease' : 'state';
      const group = resource === 'leases' ? 'coordination.k8s.io' : '';
      const namespace = resource === 'namespaces' || resource === 'nodes' ? undefined : 'default';
      const object = {
        kind: KINDS[resource],
        apiVersion: 'v1',
        metadata: { name, ...(namespace && { namespace }), uid: `uid-${name}` },
        ...fields,
      };
      const type = meta.type ?? (expected === 0 ? 'Created' : 'Updated');
      const event = { subject: subjectOf('aaaaaa', stream, { group, resource }, namespace, name), expected };
      const [sequence = 0] = await appended(log, stream, [
        { ...event, meta: metaOf({ ...meta, type, previous: expected }), body: encodeObject(object as KubeObject) },
      ]);
      return sequence;
    };
    await history();
  }, 60_000);
  afterAll(async () => {
    await stop();
    await Promise.all(servers.map((server) => server.stop()));
    process.env['HOME'] = oldHome;
    rmSync(home, { recursive: true });
  });

  async function history(): Promise<void> {
    const changed = await write('configmaps', 'changed', 0, { data: { v: 'before' } });
    await write('namespaces', 'default', 0);
    const gone = await write('configmaps', 'gone', 0);
    const going = await write('configmaps', 'going', 0);
    await write('secrets', 'hidden', 0, { data: { p: HIDDEN } });
    await write('nodes', 'silent', 0, { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } });
    await write('leases', 'lease', 0);
    at = await write('configmaps', 'gone', gone, {}, { type: 'Deleted' });
    await write('configmaps', 'changed', changed, { data: { v: 'after' } }, { actor: { user: 'alice' }, verb: 'patch' });
    await write('configmaps', 'going', going, {}, { type: 'Deleted', verb: 'delete', actor: { user: 'bob' } });
    await write('configmaps', 'new', 0, {}, { actor: { user: 'system:node:n' } });
    const waiting = { name: 'c', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } };
    await write('pods', 'broken', 0, { spec: { containers: [{ name: 'c', image: 'no/such' }] }, status: { containerStatuses: [waiting] } });
  }

  async function withSource<T>(withoutSecrets: boolean, work: (source: Source) => Promise<T>): Promise<T> {
    if (!of) throw new Error('no source');
    const source = await openSource(of, withoutSecrets, adapters);
    return work(source).finally(() => source.close());
  }

  async function seeded(withoutSecrets: boolean, id: string): Promise<readonly Recorded[]> {
    if (!fork) throw new Error('no fork');
    const cluster = { ...fork, id };
    const rows = await withSource(withoutSecrets, (source) => readObjects(source, at));
    const origin: ForkOrigin = {
      of: 'source',
      clusterId: 'aaaaaa',
      at,
      time: '2026-05-01T10:00:00Z',
      speed: 1,
      serviceCidr: '',
      seeded: false,
    };
    await seedLog(cluster, origin, foldersOf('whatif'), { nats: '', postgres: '', archiver: '' } as never, rows, adapters);
    const { connectKeyring, connectLog, SealedLog } = adapters;
    const where = { url: servers[0].url, cluster: id };
    const log = new SealedLog(
      await connectLog(where),
      await connectKeyring({ ...where, master: () => readFileSync(foldersOf('whatif').sealingKey) }),
    );
    return eventsOf(log).finally(() => log.close());
  }

  const objectsIn = (events: readonly Recorded[]): ReadonlyMap<string, KubeObject & { readonly data?: object }> =>
    new Map(events.map(({ subject, body, sequence }) => [parseSubject(subject)?.name ?? '', decodeObject(body, sequence)]));

  it('begins with the objects as they stood, namespaces first: what was deleted, or came later, is not there', async () => {
    const events = await seeded(false, 'bbbbbb');
    expect(events.map(({ subject }) => parseSubject(subject)?.name)).toEqual(['default', 'changed', 'going', 'hidden', 'silent']);
    expect(
      events.every(({ meta, subject }) => meta.type === 'Created' && meta.previous === 0 && parseSubject(subject)?.cluster === 'bbbbbb'),
    ).toBe(true);
    expect(objectsIn(events).get('changed')).toMatchObject({ metadata: { uid: 'uid-changed' }, data: { v: 'before' } });
  });

  it('has its Secrets, sealed with keys that open nothing of the source', async () => {
    expect(objectsIn(await seeded(false, 'cccccc')).get('hidden')).toMatchObject({ data: { p: HIDDEN } });
    const { connectKeyStore, connectLog } = adapters;
    const stores = await Promise.all(['aaaaaa', 'cccccc'].map((cluster) => connectKeyStore({ url: servers[0].url, cluster })));
    const [theirs, own] = await Promise.all(stores.map((store) => store.get('uid-hidden')));
    expect(own?.value).not.toEqual(theirs?.value);
    const beneath = await connectLog({ url: servers[0].url, cluster: 'cccccc' });
    const stored = (await eventsOf(beneath)).find(({ subject }) => subject.includes('.secrets.'));
    expect(stored?.meta.encoding).toBe('aes256gcm');
    expect(Buffer.from(stored?.body ?? []).includes(HIDDEN)).toBe(false);
    await Promise.all([...stores.map((store) => store.close()), beneath.close()]);
  });

  it('has Secrets without what they hold where nobody opened them', async () => {
    const secret = objectsIn(await seeded(true, 'dddddd')).get('hidden');
    expect(secret).toMatchObject({ metadata: { name: 'hidden', uid: 'uid-hidden' } });
    expect(JSON.stringify(secret)).not.toContain(HIDDEN);
  });

  it('refuses to seed a log that is not empty', async () => {
    await expect(seeded(false, 'bbbbbb')).rejects.toThrow('the log of the fork is not empty');
  });

  it('is told which nodes were silent, and which images could not be pulled later', async () => {
    const simulation = await withSource(false, async (source) => simulationOf(source, at, await readObjects(source, at)));
    expect(simulation).toEqual({ silentNodes: ['silent'], failingImages: { 'no/such': 'no such image' } });
  });

  it('finds what came from outside after the moment, each with the object before it', async () => {
    const events = await withSource(false, ({ seeds }) => seeds.outside(at, 10));
    expect(events.map(({ name, type, meta, before }) => [name, type, meta.actor.user, before !== undefined])).toEqual([
      ['changed', 'Updated', 'alice', true],
      ['going', 'Deleted', 'bob', true],
      ['broken', 'Created', metaOf().actor.user, false],
    ]);
    expect(events[0]?.before).toMatchObject({ data: { v: 'before' } });
  });

  it.each<[string, () => { sequence: number } | { time: number }, () => number | undefined]>([
    ['a sequence', () => ({ sequence: at }), () => at],
    ['now', () => ({ time: Date.now() + 60_000 }), () => at + 4],
    ['a time before everything', () => ({ time: 0 }), () => undefined],
  ])('finds the newest event by %s', async (_what, moment, wanted) => {
    expect((await withSource(false, ({ seeds }) => seeds.newestBy(moment())))?.sequence).toBe(wanted());
  });
});
