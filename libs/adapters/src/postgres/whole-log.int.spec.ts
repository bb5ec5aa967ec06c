import type { AppendWrite, Sequence, StreamName } from '#libs/log';
import { encodeObject, STREAMS, subjectOf } from '#libs/log';
import type { TestServer } from '#libs/testing';
import { appended, configMapWrite, metaOf, startNats, startPostgres } from '#libs/testing';
import { MIGRATIONS } from '../../../../migrations/index.js';
import { connectLog } from '../jetstream/index.js';
import { WITHOUT_KEYS } from '../sealing/index.js';
import { connectPostgres, PostgresHistory, Projector, rebuild, rebuildCheck } from './index.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };
const EVENTS = { group: '', resource: 'events' };

const write = (
  stream: StreamName,
  resource: { group: string; resource: string },
  name: string,
  expected: Sequence,
  deleted = false,
): AppendWrite => ({
  subject: subjectOf('one', stream, resource, 'default', name),
  expected,
  meta: metaOf({ type: deleted ? 'Deleted' : expected === 0 ? 'Created' : 'Updated', previous: expected }),
  body: encodeObject({
    kind: 'Any',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `u-${name}` },
    ...{ spec: { expected } },
  }),
});

describe('a log on JetStream, projected', () => {
  let servers: readonly [TestServer, TestServer];
  beforeAll(async () => {
    servers = [await startNats(), await startPostgres()];
  }, 60_000);
  afterAll(() => Promise.all(servers.map((server) => server.stop())));

  it('rebuilt, is the same: state row for row, leases and Kubernetes Events object for object, though their streams forget', async () => {
    const log = await connectLog({ url: servers[0].url, cluster: 'one' });
    const options = { url: servers[1].url, cluster: 'one', migrations: MIGRATIONS };
    const dataSource = await connectPostgres(options);
    const abort = new AbortController();
    const running = new Projector({ log, dataSource, logger: quiet }).run(abort.signal);
    try {
      const leases = Array.from({ length: 3 }, async (_, n) => {
        let last = 0;
        for (let i = 0; i < 10; i++) [last = 0] = await appended(log, 'lease', [write('lease', LEASES, `lease-${n}`, last)]);
      });
      const kubernetesEvents = Array.from({ length: 5 }, async (_, n) => {
        const [first = 0] = await appended(log, 'event', [write('event', EVENTS, `event-${n}`, 0)]);
        if (n % 2 === 0) await appended(log, 'event', [write('event', EVENTS, `event-${n}`, first, true)]);
      });
      const objects = Array.from({ length: 2_500 }, async (_, i) => {
        const guards = i % 3 === 0 ? [{ subject: subjectOf('one', 'state', LEASES, 'x', 'fence'), expected: 0 }] : [];
        await appended(log, 'state', [configMapWrite('one', `n${i}`)], guards);
      });
      await Promise.all([...leases, ...kubernetesEvents, ...objects]);
      const history = new PostgresHistory(dataSource, WITHOUT_KEYS);
      for (const stream of STREAMS) await history.reached(stream, await log.last(stream));
      const report = await rebuildCheck(log, options);
      expect(report).toMatchObject({ equal: true, position: { lease: 30, event: 8, state: await log.last('state') } });
      expect(report.tables).toMatchObject([{ rows: [2_500, 2_500] }, { rows: [2_505, 2_505] }]);
      expect(await rebuild(log, options)).toEqual(report.position);
      await appended(log, 'state', [configMapWrite('one', 'after')]);
      await history.reached('state', await log.last('state'));
      expect(await rebuildCheck(log, options)).toMatchObject({ equal: true, tables: [{ rows: [2_501, 2_501] }, {}] });
    } finally {
      abort.abort();
      await running;
      await dataSource.destroy();
      await log.close();
    }
  }, 60_000);
});
