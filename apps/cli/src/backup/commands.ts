import { closeSync, openSync, readSync, statSync } from 'node:fs';

import type { Command } from 'commander';

import { profileOf, profileOption, urls, type AddCommand } from '../options.js';
import { makeTerminal } from '../terminal.js';

interface Given {
  readonly keys?: string;
  readonly natsUrl?: string;
  readonly cluster?: string;
}

/** `decklog backup`: the log of a cluster in one file, while it runs. */
export const addBackup: AddCommand = (program, around) => {
  profileOption(program.command('backup'))
    .description("write the cluster's log to one file while it runs; `decklog restore FILE` makes a cluster out of it")
    .argument('<file>', 'must not be there yet')
    .option('--keys <file>', "write the cluster's keys to this file as well: to be kept apart, since together they open every Secret")
    .option('--nats-url <url>', 'a NATS server of your own, with the user of its backup', urls('nats', 'tls'))
    .option('--cluster <id>', 'with --nats-url: a cluster that has no profile here, by its id')
    .action(async (file: string, given: Given, command: Command) => {
      // Loaded here: no other command needs it.
      const { backup } = await import('./backup.js');
      around.catchInterrupts();
      await backup({ ...given, file, profile: profileOf(command) }, makeTerminal(process.stdout, process.env), around.signal);
    });
};

/** Whether an argument of `restore` names a backup, and not an object: a path that says it is one, or a file that is packed. */
export function namesBackup(text: string): boolean {
  if (/^[./~]|\.(backup|tar\.gz|tgz)$/.test(text)) return true;
  try {
    return statSync(text).isFile() && firstBytes(text).equals(GZIP);
  } catch {
    return false;
  }
}

const GZIP = Buffer.from([0x1f, 0x8b]);

function firstBytes(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(2);
    readSync(file, bytes, 0, 2, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}
