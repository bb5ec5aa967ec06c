import type { Command } from 'commander';

import type { Surroundings } from '../options.js';
import { jsonText, printed, printOptions, yamlText, type PrintOptions } from './output.js';

interface Given extends PrintOptions {
  readonly namespace?: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
}

/** `decklog compare`: how a fork differs from the cluster it was made from. */
export function addCompare(program: Command, _around: Surroundings): void {
  const command = program
    .command('compare')
    .description('how a fork differs from what really happened: the pods of each workload, the load of each node, every object')
    .argument('<name>', "the fork's profile")
    .option('-n, --namespace <namespace>', 'what is in one namespace alone (default: everything)')
    .option('--as <user>', 'look at both as this user')
    .option(
      '--as-group <group>',
      'look at both as a member of this group; may be given several times',
      (one: string, all: readonly string[] = []) => [...all, one],
    );
  printOptions(command).action(async (name: string, { namespace, as, asGroup, ...printing }: Given) => {
    // Loaded here: few other commands need what a comparison does.
    const [{ compareFork }, { comparisonNames, comparisonText }] = await Promise.all([
      import('../fork/compare.js'),
      import('../fork/compare-text.js'),
    ]);
    const acting = { ...(as === undefined ? {} : { as }), ...(asGroup === undefined ? {} : { asGroup }) };
    const found = await compareFork(
      { name, ...(namespace === undefined ? {} : { namespace }), ...acting },
      (text) => void process.stderr.write(`decklog: left out: ${text}\n`),
    );
    await printed(printing, async ({ paint, width, write }) => {
      const { output } = printing;
      if (output === 'name') await write(comparisonNames(found));
      else if (output === 'json' || output === 'yaml') {
        const { comparison, ...about } = found;
        await write((output === 'json' ? jsonText : yamlText)({ ...about, ...comparison }));
      } else await write(comparisonText(found, { paint, width, wide: output === 'wide' }));
    });
  });
}
