import { eventually, TestCluster } from '../cluster.js';
import { Chance, RandomClient, randomLoad, strike } from '../random-load.js';

/** How long, in seconds, and which: an hour is `RANDOM_SECONDS=3600`. */
const SECONDS = Number(process.env['RANDOM_SECONDS'] ?? '60');
const SEED = Number(process.env['RANDOM_SEED'] ?? '1');
/** Time for what comes after a fault, on average. */
const BETWEEN_MS = 8_000;

jest.setTimeout((SECONDS + 300) * 1_000);

interface Report {
  readonly decided: number;
  readonly different: number;
  readonly uncheckable: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly controllers: readonly string[];
  readonly differences: readonly unknown[];
}

describe(`a random hour (${SECONDS} s, seed ${SEED})`, () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start('--runtime=simulated', '--nodes=3');
  });
  // RANDOM_KEEP leaves the cluster to whoever looks for a cause.
  afterAll(() => (process.env['RANDOM_KEEP'] === undefined ? cluster?.delete() : undefined));

  it('of load, with nodes, the control plane and the log killed in between, holds no decision that is not made again', async () => {
    const client = await RandomClient.of(cluster);
    const chance = new Chance(SEED);
    const ends = Date.now() + SECONDS * 1_000;
    const load = randomLoad(client, SEED, () => Date.now() > ends);
    while (Date.now() < ends) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(BETWEEN_MS, ends - Date.now())));
      const component = chance.of(['node-1', 'node-2', 'node-3', 'control-plane', 'control-plane', 'nats', 'postgres']);
      if (Date.now() < ends) await strike(cluster, component, component.startsWith('node') ? chance.below(3) * 20_000 : 1_000);
    }
    const { codes, internal } = await load;
    client.close();
    expect(internal).toEqual([]);
    expect((codes[201] ?? 0) + (codes[200] ?? 0)).toBeGreaterThan(SECONDS);
    await eventually('the API to be ready', async () => (await cluster.tryKubectl('get --raw /readyz')).code === 0);
    const { out, err } = await cluster.decklog(['replay', '--verify', '-o', 'json'], { timeoutMs: 240_000 });
    const report = (out === '' ? { differences: [err] } : JSON.parse(out)) as Report;
    expect(report.differences.slice(0, 5)).toEqual([]);
    expect(report.decided).toBeGreaterThan(SECONDS * 5);
    // Only heartbeats are forgotten: the decisions about nodes made of them can't all be checked.
    expect(Object.keys(report.reasons).filter((reason) => !reason.includes('leases.coordination.k8s.io'))).toEqual([]);
    expect(report.controllers.length).toBeGreaterThan(15);
  });
});
