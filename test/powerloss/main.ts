/**
 * Cuts the power of a disk under a log that writes, at moments that a seed chooses, and looks each time what is there afterwards; in the
 * end the same with NATS' own flushing every two minutes, which has to lose something: else it is no power cut.
 *
 * `npm run powerloss -- [--rounds 20] [--seed 1]`, as root.
 */
import { parseArgs } from 'node:util';
import { Chance } from '../random-load.js';
import { Disk } from './disk.js';
import { powerCut } from './rounds.js';

const LONGEST_MS = 1_500;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } } });
  const chance = new Chance(Number(values.seed));
  const disk = Disk.make();
  const control = Disk.make();
  let [acknowledged, lost, torn] = [0, 0, 0];
  try {
    for (let round = 1; round <= Number(values.rounds); round++) {
      const afterMs = 20 + chance.below(LONGEST_MS);
      const cut = await powerCut(disk, { round: `r${round}`, afterMs });
      console.log(
        `cut ${round} after ${afterMs} ms: ${cut.acknowledged} acknowledged, ${cut.lost.length} lost, ${cut.torn.length} transactions torn`,
      );
      for (const line of [...cut.lost, ...cut.torn].slice(0, 10)) console.log(`  ${line}`);
      acknowledged += cut.acknowledged;
      lost += cut.lost.length;
      torn += cut.torn.length;
    }
    console.log(`${values.rounds} cuts: ${acknowledged} acknowledged, ${lost} lost, ${torn} transactions torn`);
    const without = await powerCut(control, { round: 'control', afterMs: 500, sync: '2m' });
    console.log(`flushed every two minutes: ${without.acknowledged} acknowledged, ${without.lost.length} lost, as it must be`);
    return lost === 0 && torn === 0 && without.lost.length > 0 ? 0 : 1;
  } finally {
    disk.remove();
    control.remove();
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
