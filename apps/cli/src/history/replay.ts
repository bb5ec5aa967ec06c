import { InvalidArgumentError, Option, type Command } from 'commander';

import { Failure } from '../failure.js';
import { moment, profileOf, type AddCommand, type Surroundings } from '../options.js';
import { foldersOf, requireCluster } from '../profile.js';
import { showAgain } from '../replay/show.js';
import { verifyDecisions } from '../replay/verify.js';
import type { PrintOptions } from './output.js';
import { namespacesOption, sessionOptions, withSession } from './session.js';

interface ReplayOptions extends Omit<PrintOptions, 'output'> {
  readonly verify?: boolean;
  readonly from?: number;
  readonly to?: number;
  readonly speed: number;
  readonly people?: boolean;
  readonly output: string;
}

/** One line that is written over by the next; an empty one wipes it. */
const statusLine = (text: string): void => void process.stderr.write(`\r\x1b[K${text}`);

function speedOf(text: string): number {
  if (text === 'max') return Infinity;
  const speed = /^\d{1,6}(\.\d{1,3})?x?$/.test(text) ? Number(text.replace('x', '')) : 0;
  if (speed > 0) return speed;
  throw new InvalidArgumentError('It must be a number such as 1, 10 or 0.5, or max.');
}

/** `decklog replay`: what happened, once more; with `--verify`, decided once more. */
export const addReplay: AddCommand = (program, around) => {
  const command = program
    .command('replay')
    .description('show what happened again in the terminal, at its own pace or faster; or decide it again (--verify)')
    .option(
      '--verify',
      'feed the log to the controllers again and compare what they decide with what was decided; exit code 1 where they differ',
    )
    .option('--from <moment>', 'from then on: an age (2h) or an RFC 3339 time', moment)
    .option('--to <moment>', 'up to then (default: now)', moment)
    .option('--speed <times>', 'how many times as fast as it was: 1, 10, max; long silences are cut short', speedOf, 10)
    .option('--people', 'only what people and their programs did, not the cluster itself')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .addOption(
      new Option('-o, --output <format>', 'how to print: text, wide or ndjson; with --verify text or json')
        .choices(['text', 'wide', 'ndjson', 'json'])
        .default('text'),
    );
  namespacesOption(sessionOptions(command)).action((options: ReplayOptions, self: Command) =>
    options.verify === true ? verified(options, self) : shown(options, self, around),
  );
};

async function shown({ from, to, ...options }: ReplayOptions, command: Command, { signal }: Surroundings): Promise<void> {
  if (from === undefined) throw new Failure('replay needs --from: from when on to show what happened', ['Like `--from 10m`.'], 2);
  if (options.output === 'json') throw new Failure("what happens again can't be printed as json", ['Use -o ndjson.'], 2);
  await withSession(command, (session) => showAgain(session, { ...options, from, ...(to === undefined ? {} : { to }) }, signal));
}

async function verified({ from, to, output }: ReplayOptions, command: Command): Promise<void> {
  if (output !== 'text' && output !== 'json') throw new Failure(`--verify can't be printed as ${output}`, ['Use -o text or json.'], 2);
  const profile = profileOf(command);
  const different = await verifyDecisions(await requireCluster(profile), foldersOf(profile), {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    format: output,
    write: (text) => process.stdout.write(text),
    ...(process.stderr.isTTY ? { progress: statusLine } : {}),
  });
  if (different > 0) throw new Failure(`${different} decisions are not the same when they are made again`);
}
