// The floors under a write: a bare append to the log and a bare projection of what was appended, with nothing of Kubernetes around them.
//
//   npm run build && node node_modules/tsgo/bin/tsc -p bench && node bench/floor/log.mjs [seconds]      prints one line of JSON
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { usage } from '../cluster.mjs';

const require = createRequire(import.meta.url);
const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../dist');
const { connectLog, connectPostgres, Projector } = require(path.join(dist, 'libs/adapters/src/index.js'));
const { configMapWrite, startNats, startPostgres } = require(path.join(dist, 'libs/testing/src/index.js'));
const { SILENT_LOGGER } = require(path.join(dist, 'libs/runtime/src/index.js'));
const { MIGRATIONS } = require(path.join(dist, 'migrations/index.js'));

const MS = Number(process.argv[2] ?? 4) * 1_000;
const CLIENTS = 64;
const FILLER = 'x'.repeat(1_000);
const round = (value) => Number(value.toFixed(3));

const [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
const log = await connectLog({ url: nats.url, cluster: 'floor' });
const dataSource = await connectPostgres({ url: postgres.url, cluster: 'floor', migrations: MIGRATIONS });
const stop = new AbortController();
let projecting;
try {
  const own = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
  const before = { own: own(), nats: usage([nats.pid()]).cpuSeconds };
  const began = performance.now();
  let count = 0;
  const client = async () => {
    while (performance.now() < began + MS) await log.append('state', [configMapWrite('floor', `n${count++}`, 0, FILLER)]);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - began) / 1_000;
  const ms = (end, start) => round(((end - start) * 1_000) / count);
  const append = {
    ops_s: Math.round(count / seconds),
    process_ms: ms(own(), before.own),
    nats_ms: ms(usage([nats.pid()]).cpuSeconds, before.nats),
  };

  const projector = new Projector({ log, dataSource, logger: SILENT_LOGGER });
  const start = { at: performance.now(), own: own(), nats: usage([nats.pid()]).cpuSeconds, postgres: usage([postgres.pid()]).cpuSeconds };
  projecting = projector.run(stop.signal);
  while (projector.position.state < count) await new Promise((resolve) => setTimeout(resolve, 5));
  const projection = {
    events_s: Math.round((count * 1_000) / (performance.now() - start.at)),
    process_ms: ms(own(), start.own),
    nats_ms: ms(usage([nats.pid()]).cpuSeconds, start.nats),
    postgres_ms: ms(usage([postgres.pid()]).cpuSeconds, start.postgres),
  };
  console.log(JSON.stringify({ append, projection }));
} finally {
  stop.abort();
  await projecting;
  await log.close();
  await dataSource.destroy();
  await Promise.all([nats.stop(), postgres.stop()]);
}
