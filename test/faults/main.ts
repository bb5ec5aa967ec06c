/**
 * Faults one after the other on a cluster under load: processes killed and put to sleep, the log's servers cut off from each other and
 * from everybody, all of them killed at once; and whether anything acknowledged was lost, or anything seen that can't have been.
 *
 * `npm run faults -- [--minutes 10] [--seed 1] [--rate 120] [--layout ha] [--no-partitions] [--only 'kill the leader,pause apiserver-1']`
 */
import { parseArgs } from 'node:util';
import { TestCluster } from '../cluster.js';
import { described } from '../consistency/exam.js';
import { apisOf, reached } from '../consistency/examined-cluster.js';
import { Chance } from '../random-load.js';
import { LogServers } from './log-servers.js';
import { faultLoop, silences, type Outcome } from './loop.js';
import { everyFault, faultName, faultsWithoutEnd, type Fault, type Parts } from './plan.js';
import { Site } from './site.js';

const PATIENCE_MS = 4_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '120' },
    clients: { type: 'string', default: '16' },
    objects: { type: 'string', default: '200' },
    layout: { type: 'string', default: 'ha' },
    partitions: { type: 'boolean', default: true },
    only: { type: 'string' },
  },
  allowNegative: true,
});

function chosen(parts: Parts): Iterable<Fault> {
  const chance = new Chance(Number(values.seed));
  if (values.only === undefined) return faultsWithoutEnd(parts, chance);
  const names = values.only.split(',');
  const faults = everyFault(parts).filter((one) => names.includes(faultName(one)));
  if (faults.length < names.length) throw new Error(`faults there are: ${everyFault(parts).map(faultName).join(', ')}`);
  return (function* (): Generator<Fault> {
    for (;;) yield* faults;
  })();
}

async function run(cluster: TestCluster, servers: LogServers | undefined): Promise<Outcome> {
  const where = await reached(cluster);
  const apis = await apisOf(cluster, where, PATIENCE_MS);
  const site = new Site(cluster, where.log, servers);
  const load = { clients: Number(values.clients), rate: Number(values.rate), objects: Number(values.objects), seed: Number(values.seed) };
  const began = performance.now();
  const say = (line: string): void => console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
  const until = began + Number(values.minutes) * 60_000;
  try {
    return await faultLoop({ cluster, site, apis, log: where.log, load, say }, chosen(await site.parts()), until);
  } finally {
    for (const api of apis) api.close();
  }
}

function print(outcome: Outcome): number {
  console.log(`\n${silences(outcome.struck).join('\n')}\n\n${described(outcome)}`);
  for (const line of outcome.damage) console.log(line);
  if (outcome.damage.length === 0) console.log('the history is what was signed, and the projection what the log makes');
  return outcome.wrong.length === 0 && outcome.damage.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const servers = values.partitions ? await LogServers.make() : undefined;
  let cluster: TestCluster | undefined;
  try {
    const layout = values.layout === 'ha' ? ['--ha'] : [`--layout=${values.layout}`];
    cluster = await TestCluster.start('--runtime=simulated', '--nodes=2', ...layout, ...(servers ? [`--nats-url=${servers.url}`] : []));
    return print(await run(cluster, servers));
  } finally {
    servers?.heal();
    servers?.start();
    await cluster?.delete();
    servers?.remove();
  }
}

// Where it came to an end in the middle, clients and watchers go on: nobody waits for those.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
