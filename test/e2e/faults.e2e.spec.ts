import { TestCluster } from '../cluster.js';
import { apisOf, reached } from '../consistency/examined-cluster.js';
import { faultLoop, type Outcome } from '../faults/loop.js';
import { faultName, type Fault } from '../faults/plan.js';
import { Site } from '../faults/site.js';

jest.setTimeout(240_000);

const PATIENCE_MS = 4_000;
const LOAD = { clients: 16, rate: 120, objects: 150, seed: Number(process.env['FAULTS_SEED'] ?? '1') };

/** One after the other; `npm run faults` has all of them, for as long as one likes. */
const FAULTS: readonly Fault[] = [
  { fault: 'kill the leader' },
  { fault: 'kill', component: 'apiserver-1' },
  { fault: 'kill postgres' },
  { fault: 'pause', component: 'replication-1' },
  { fault: 'kill the log' },
];

describe('faults under load, in a cluster with several of everything', () => {
  let cluster: TestCluster;
  let outcome: Outcome;
  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime=simulated', '--ha');
    const where = await reached(cluster);
    const apis = await apisOf(cluster, where, PATIENCE_MS);
    const site = new Site(cluster, where.log, undefined);
    await site.refresh();
    outcome = await faultLoop({ cluster, site, apis, log: where.log, load: LOAD, say: () => undefined }, FAULTS, Infinity);
    for (const api of apis) api.close();
  });
  afterAll(() => cluster?.delete());

  it('lose no acknowledged write, and let nobody see what can’t have been', () => {
    expect(outcome.wrong).toEqual([]);
    expect(outcome.struck.map(({ fault }) => faultName(fault))).toEqual(FAULTS.map(faultName));
    expect(
      outcome.seen.requests.filter(({ asked, answered }) => asked.verb !== 'get' && answered.outcome === 'done').length,
    ).toBeGreaterThan(200);
    expect(outcome.seen.chains.flatMap(({ watches }) => watches).length).toBeGreaterThan(5);
  });

  it('leave the history as it was signed, and the projection as the log makes it', () => {
    expect(outcome.damage).toEqual([]);
  });
});
