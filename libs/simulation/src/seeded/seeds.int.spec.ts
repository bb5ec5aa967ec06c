import { cameUp } from './cluster.js';
import { runSeed, type SeedResult } from './run-seed.js';

jest.setTimeout(600_000);

const SEEDS = 200;

/** What to look at, and how. */
const told = ({ seed, violation, trace }: SeedResult): string =>
  `seed ${seed}: ${violation?.invariant ?? ''}: ${violation?.says ?? ''}\n${trace.slice(-40).join('\n')}\nnpm run simulate -- --seed ${seed} --trace`;

it(`the first ${SEEDS} seeds break nothing that must always hold`, async () => {
  const beginning = await cameUp();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runSeed(seed, beginning);
    if (result.violation) throw new Error(told(result));
    expect(result.events).toBeGreaterThan(0);
  }
});
