import { cameUp, type Beginning } from './cluster.js';
import { runSeed } from './run-seed.js';

jest.setTimeout(120_000);

/** The first of those that `seeds.int.spec.ts` runs. */
const SEEDS = [1, 2, 3, 4];

describe('a cluster’s life under a seed', () => {
  let beginning: Beginning;
  beforeAll(async () => (beginning = await cameUp()));

  it.each(SEEDS)('breaks nothing that must always hold (seed %i)', async (seed) => {
    const { violation, events } = await runSeed(seed, beginning);
    expect(violation).toBeUndefined();
    expect(events).toBeGreaterThan(20);
  });

  it('is the same to the last byte under the same seed, and another under another', async () => {
    const lines: string[][] = [[], []];
    const [one, same, other] = [
      await runSeed(5, beginning, { listener: (line) => lines[0]?.push(line) }),
      await runSeed(5, beginning, { listener: (line) => lines[1]?.push(line) }),
      await runSeed(6, beginning),
    ];
    expect(lines[0]).toEqual(lines[1]);
    expect([same.hash, same.steps, same.events]).toEqual([one.hash, one.steps, one.events]);
    expect(other.hash).not.toBe(one.hash);
  });

  it('asks neither the clock nor chance nor a timer of the machine', async () => {
    const machine = [
      jest.spyOn(Date, 'now'),
      jest.spyOn(Math, 'random'),
      jest.spyOn(performance, 'now'),
      jest.spyOn(crypto, 'randomUUID'),
      jest.spyOn(globalThis, 'setTimeout'),
      jest.spyOn(globalThis, 'setInterval'),
      jest.spyOn(AbortSignal, 'timeout'),
    ];
    await runSeed(3, beginning);
    const asked = machine.map((spy) => spy.mock.calls.length);
    for (const spy of machine) spy.mockRestore();
    expect(asked).toEqual(machine.map(() => 0));
  });
});
