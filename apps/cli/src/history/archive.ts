import { InvalidArgumentError, type Command } from 'commander';

import { MOMENT_FORMS, parseMoment, type Moment } from '#libs/history';
import type { ArchiveOptions } from '../archive/archive.js';
import { profileOf, profileOption, urls, type Surroundings } from '../options.js';
import { foldersOf, requireCluster } from '../profile.js';
import { makeTerminal } from '../terminal.js';

interface Given {
  readonly before: Moment;
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly natsUrl?: string;
}

function momentBefore(text: string): Moment {
  const parsed = parseMoment(text);
  if (parsed === undefined) throw new InvalidArgumentError(`It must be ${MOMENT_FORMS}.`);
  return parsed;
}

/** `decklog archive`: superseded messages of the log go to compressed files. */
export function addArchive(program: Command, around: Surroundings): void {
  profileOption(program.command('archive'))
    .description('move what newer events superseded out of the log to compressed files, from which it can still be read')
    .requiredOption('--before <moment>', 'what is as old as this or older: a sequence, a time or an age, e.g. 90d', momentBefore)
    .option('--to <folder>', "the archive's folder (default: the one used before, else `archive` in the profile's)")
    .option('--dry-run', 'show what would go, and stop there')
    .option('-y, --yes', 'do not ask')
    .option('--nats-url <url>', 'a NATS server of your own, with the user of its archiver', urls('nats', 'tls'))
    .action(async ({ dryRun, yes, ...given }: Given, command: Command) => {
      // Loaded here: no other command needs it.
      const { archiveLog } = await import('../archive/archive.js');
      around.catchInterrupts();
      const profile = profileOf(command);
      const options: ArchiveOptions = { ...given, dryRun: dryRun === true, yes: yes === true };
      const write = (text: string): void => void process.stdout.write(text);
      await archiveLog(
        await requireCluster(profile),
        foldersOf(profile),
        options,
        makeTerminal(process.stdout, process.env),
        write,
        around.signal,
      );
    });
}
