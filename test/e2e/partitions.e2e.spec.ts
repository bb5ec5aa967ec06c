import { LogServers } from '../faults/log-servers.js';
import { allFollow, leaderOf, Torment, type Seen } from '../faults/replicated-log.js';

jest.setTimeout(180_000);

/** Longer than servers need to choose another leader, and than one without its peers believes that it leads. */
const HOLD_MS = 12_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a log of three servers whose leader is cut off', () => {
  let servers: LogServers;
  let seen: Seen;
  beforeAll(async () => {
    servers = await LogServers.make();
    const torment = new Torment(servers);
    await torment.begin();
    await torment.recovered();
    for (const how of ['its peers', 'everybody'] as const) {
      const leader = await leaderOf(servers, torment.cluster);
      const from = performance.now();
      if (how === 'everybody') servers.cut(leader);
      else servers.cutFromPeers(leader);
      await pause(HOLD_MS);
      process.stdout.write(`the leader was cut off from ${how}: ${Math.round(torment.silenceSince(from))} ms without an append\n`);
      servers.heal();
      await torment.recovered();
      await allFollow(servers, torment.cluster);
    }
    seen = await torment.end();
  });
  afterAll(() => servers?.remove());

  it('keeps everything that was acknowledged where it was said to be', () => {
    expect(seen.lost).toEqual([]);
    expect(seen.acknowledged).toBeGreaterThan(200);
  });

  it('never says that it ends before what was acknowledged, be it by the one that led it', () => {
    expect(seen.disorders.slice(0, 5)).toEqual([]);
    expect(seen.lasts).toBeGreaterThan(200);
  });

  it('gives a reader every event once, in order', () => {
    expect(seen.misread.slice(0, 5)).toEqual([]);
  });
});
