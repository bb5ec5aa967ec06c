import { Failure } from '../failure.js';
import { moment, outputOption, profileOf, profileOption, type AddCommand } from '../options.js';
import { foldersOf, requireCluster } from '../profile.js';
import { verifyDecisions } from '../replay/verify.js';

/** One line that is written over by the next; an empty one wipes it. */
const statusLine = (text: string): void => void process.stderr.write(`\r\x1b[K${text}`);

/** `decklog replay`: what happened, once more. */
export const addReplay: AddCommand = (program) => {
  profileOption(program.command('replay'))
    .description('feed the log to the controllers again and compare what they decide with what was decided; exit code 1 where they differ')
    .requiredOption('--verify', 'compare the decisions')
    .option('--from <moment>', 'only what was decided from then on: an age (2h) or an RFC 3339 time', moment)
    .option('--to <moment>', 'only what was decided before', moment)
    .addOption(outputOption())
    .action(async ({ from, to, output }: { from?: number; to?: number; output: string }, command) => {
      const profile = profileOf(command);
      const different = await verifyDecisions(await requireCluster(profile), foldersOf(profile), {
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        format: output,
        write: (text) => process.stdout.write(text),
        ...(process.stderr.isTTY ? { progress: statusLine } : {}),
      });
      if (different > 0) throw new Failure(`${different} decisions are not the same when they are made again`);
    });
};
