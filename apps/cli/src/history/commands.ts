import type { Command } from 'commander';

import { addBackup } from '../backup/commands.js';
import type { AddCommand, Surroundings } from '../options.js';
import { addArchive } from './archive.js';
import { addAt } from './at.js';
import { addCompare } from './compare.js';
import { addActivity } from './activity.js';
import { addApply } from './apply.js';
import { addDiff } from './diff.js';
import { addFork } from './fork.js';
import { addHistoryCommand } from './history.js';
import { addReplay } from './replay.js';
import { addRestore } from './restore.js';
import { addUndo } from './undo.js';
import { addVerify } from './verify.js';
import { addWhy } from './why.js';

/** All of them, in the order in which help lists them. */
const COMMANDS: readonly AddCommand[] = [
  addHistoryCommand,
  addDiff,
  addWhy,
  addActivity,
  addAt,
  addUndo,
  addRestore,
  addApply,
  addFork,
  addCompare,
  addReplay,
  addVerify,
  addArchive,
  addBackup,
];

/** The commands that ask the past, and that change what is because of what was. */
export function addHistory(program: Command, around: Surroundings): void {
  for (const add of COMMANDS) add(program, around);
}
