import { InvalidArgumentError, type Command } from 'commander';

import { parseSpeed, SPEED_FORMS } from '#libs/history';
import { profileOf, profileOption, wholeNumber, type Surroundings } from '../options.js';
import { makeTerminal } from '../terminal.js';

interface Given {
  readonly at?: string;
  readonly set?: readonly string[];
  readonly excludeRoot?: number;
  readonly replay?: boolean;
  readonly apply?: string;
  readonly speed?: number;
  readonly secrets: boolean;
}

function speed(text: string): number {
  const parsed = parseSpeed(text);
  if (parsed === undefined || !Number.isFinite(parsed))
    throw new InvalidArgumentError(`It must be ${SPEED_FORMS.replace(/, or max$/, '')}.`);
  return parsed;
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** `decklog fork`: a new cluster out of this one's past. */
export function addFork(program: Command, around: Surroundings): void {
  profileOption(program.command('fork'))
    .description('a new cluster that begins in the past of this one, with simulated nodes in place of the real')
    .argument('<name>', "the new cluster's profile")
    .option('--at <moment>', 'where it begins: a sequence, a time or an age (default: now, or right before the excluded root)')
    .option('--exclude-root <sequence>', 'a request that is not to happen: what people did after it is done again, without it', wholeNumber)
    .option('--replay', 'do again what people and tools did after the moment, with nothing excluded')
    .option('--apply <file>', 'a manifest that is applied in it first')
    .option('--set <key=value>', 'what is to be otherwise: scheduler.profile=spreading|bin-packing', collect)
    .option(
      '--speed <n>',
      'how many times faster than real time its clock runs (default: 1; for what is done again, as fast as takes some seconds)',
      speed,
    )
    .option('--no-secrets', 'take Secrets over without what they hold')
    .action(async (name: string, { secrets, ...given }: Given, command: Command) => {
      // Loaded here: few other commands need what a fork does.
      const { fork } = await import('../fork/fork.js');
      around.catchInterrupts();
      const options = { set: [], ...given, name, profile: profileOf(command), withoutSecrets: !secrets };
      await fork(options, makeTerminal(process.stdout, process.env), around.signal);
    });
}
