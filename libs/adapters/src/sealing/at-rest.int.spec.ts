import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeObject, subjectOf } from '#libs/log';
import type { TestServer } from '#libs/testing';
import { appended, metaOf, startNats, startPostgres } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { connectLog } from '../jetstream/index.js';
import { connectPostgres, PostgresHistory, Projector } from '../postgres/index.js';
import { connectKeyring, WITHOUT_KEYS } from './keyring.js';
import { SealedLog } from './sealed-log.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const CONFIGMAPS = { group: '', version: 'v1', resource: 'configmaps' };
const SECRETS = { group: '', version: 'v1', resource: 'secrets' };

/** The files of a folder that hold a text or bytes, as they are. */
function filesWith(folder: string, text: string | Buffer): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}

describe('a copy of the data folders', () => {
  let servers: readonly [nats: TestServer, postgres: TestServer];
  beforeAll(async () => {
    servers = [await startNats(), await startPostgres()];
  }, 60_000);
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it('holds no Secret in clear, and no key that opens one without the sealing key file', async () => {
    const [nats, postgres] = servers;
    // Random texts, so that compression leaves them as they are; those of the config map show that the search finds.
    const [open, hidden] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
    const encoded = Buffer.from(hidden).toString('base64');
    const master = randomBytes(32);
    const keyring = await connectKeyring({ url: nats.url, cluster: 'one', master: () => master });
    const log = new SealedLog(await connectLog({ url: nats.url, cluster: 'one' }), keyring);
    const write = (resource: typeof SECRETS, kind: string, data: object): Parameters<typeof appended>[2][number] => ({
      subject: subjectOf('one', 'state', resource, 'default', 'a'),
      expected: 0,
      meta: metaOf(),
      body: encodeObject({ kind, apiVersion: 'v1', metadata: { name: 'a', namespace: 'default', uid: `${kind}-uid` }, ...data }),
    });
    await appended(log, 'state', [write(CONFIGMAPS, 'ConfigMap', { data: { a: open } })]);
    const annotated = { data: { password: encoded }, stringData: { plain: hidden } };
    const [sequence = 0] = await appended(log, 'state', [write(SECRETS, 'Secret', annotated)]);
    const dataSource = await connectPostgres({ url: postgres.url, cluster: 'one', migrations: MIGRATIONS });
    const stop = new AbortController();
    const beneath = await connectLog({ url: nats.url, cluster: 'one' });
    const projecting = new Projector({ log: beneath, dataSource, logger: quiet }).run(stop.signal).catch(() => undefined);
    await new PostgresHistory(dataSource, WITHOUT_KEYS).reached('state', sequence, AbortSignal.timeout(20_000));
    await dataSource.query('checkpoint');
    for (const folder of [nats.folder, postgres.folder]) {
      expect(filesWith(folder, open)).not.toEqual([]);
      for (const text of [hidden, encoded, hidden.slice(0, 16), encoded.slice(0, 16)]) expect(filesWith(folder, text)).toEqual([]);
      expect(filesWith(folder, master)).toEqual([]);
    }
    expect(JSON.stringify(await dataSource.query('select * from decklog_one.object'))).not.toContain(hidden);
    stop.abort();
    await projecting;
    await dataSource.destroy();
    await Promise.all([log.close(), beneath.close()]);
  }, 60_000);
});
