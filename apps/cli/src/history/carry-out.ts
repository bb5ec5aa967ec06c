import type { Command } from 'commander';
import {
  changeLines,
  shownChanges,
  HISTORY_API_VERSION,
  HISTORY_GROUP,
  HISTORY_VERSION,
  operationsOf,
  undoName,
  type Transaction,
  type TransactionOperation,
  type UndoPlan,
  type UndoStep,
} from '#libs/history';

import { confirmed } from '../confirm.js';
import { Failure } from '../failure.js';
import { changeShown } from './history.js';
import { jsonText, printed, printOptions, yamlText, type Paper, type PrintOptions } from './output.js';
import type { Session } from './session.js';
import { printable } from './text.js';

/** What the options of a command that changes things are read into. */
export interface ChangeOptions extends PrintOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const TRANSACTIONS = `/apis/${HISTORY_GROUP}/${HISTORY_VERSION}/transactions`;
export const FIELD_MANAGER = 'decklog';
/** So much goes into one transaction: the server takes requests of 3 MiB and 900 operations. */
const MOST_OPERATIONS = 900;
const MOST_BYTES = 2 * 1024 * 1024;

/** Adds the options that say how far to go. */
export function changeOptions(command: Command): Command {
  return printOptions(command, [], ['wide'])
    .option('-y, --yes', 'do it without asking')
    .option('--dry-run', 'show what would be done, and stop there')
    .option('--force', 'also where later changes stand against it');
}

/** Posts operations as one transaction. */
export async function transact(
  { client }: Session,
  operations: readonly TransactionOperation[],
  dryRun: boolean,
): Promise<NonNullable<Transaction['status']>> {
  const body = { apiVersion: HISTORY_API_VERSION, kind: 'Transaction', operations };
  const query = { fieldManager: FIELD_MANAGER, ...(dryRun ? { dryRun: 'All' } : {}) };
  const answer = (await client.transport.json({ method: 'POST', path: TRANSACTIONS, query, body })) as Transaction;
  return answer.status ?? { results: [] };
}

/** Operations in as few transactions as hold them. */
export function batchesOf(operations: readonly TransactionOperation[]): readonly (readonly TransactionOperation[])[] {
  const batches: TransactionOperation[][] = [];
  let bytes = MOST_BYTES;
  for (const operation of operations) {
    const size = JSON.stringify(operation).length;
    const last = batches.at(-1);
    if (last === undefined || last.length >= MOST_OPERATIONS || bytes + size > MOST_BYTES) {
      batches.push([operation]);
      bytes = size;
    } else {
      last.push(operation);
      bytes += size;
    }
  }
  return batches;
}

const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const LOOKS = { create: 'green', update: 'yellow', delete: 'red' } as const;

function stepText(step: UndoStep, { paint }: Pick<Paper, 'paint'>): string {
  const head = paint(LOOKS[step.kind], printable(`${SIGNS[step.kind]} ${step.kind} ${undoName(step.object)}`));
  const lines = step.kind === 'update' ? changeLines(shownChanges(step)).map((line) => `      ${changeShown(line, paint)}`) : [];
  return [`  ${head}`, ...lines].join('\n');
}

/** A plan as people read it. */
export function planText({ steps, conflicts, notes }: UndoPlan, paper: Pick<Paper, 'paint'>): string {
  const { paint } = paper;
  return [
    ...steps.map((step) => stepText(step, paper)),
    ...conflicts.map(({ object, why }) => `  ${paint('red', printable(`! ${undoName(object)}: ${why}`))}`),
    ...notes.map((text) => paint('dim', printable(`  (${text})`))),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

async function print(plan: UndoPlan, operations: readonly TransactionOperation[], options: ChangeOptions): Promise<void> {
  const { output } = options;
  const whole = { apiVersion: HISTORY_API_VERSION, kind: 'Transaction', operations };
  await printed(options, async (paper) => {
    if (output === 'json') await paper.write(jsonText(whole));
    else if (output === 'yaml') await paper.write(yamlText(whole));
    else if (output === 'name') await paper.write(plan.steps.map(({ object }) => `${printable(undoName(object))}\n`).join(''));
    else await paper.write(planText(plan, paper));
  });
}

/** Shows a plan, asks, and carries it out. Nothing is written where something stands against it, unless it is forced. */
export async function carryOut(session: Session, plan: UndoPlan, options: ChangeOptions, signal: AbortSignal): Promise<void> {
  const operations = operationsOf(plan, FIELD_MANAGER);
  await print(plan, operations, options);
  if (plan.conflicts.length > 0 && options.force !== true) {
    throw new Failure(
      plan.conflicts.length === 1
        ? 'something stands against it: nothing was done'
        : `${plan.conflicts.length} things stand against it: nothing was done`,
      plan.steps.length === 0 ? [] : ['--force does it all the same: what came later is lost then.'],
    );
  }
  if (operations.length === 0) {
    if (options.output === undefined) process.stdout.write('There is nothing to do.\n');
    return;
  }
  const batches = batchesOf(operations);
  if (batches.length > 1 && options.output === undefined) process.stdout.write(severalText(batches.length));
  if (options.dryRun === true) {
    // Of several, those that come later stand on what is not there yet.
    if (batches.length === 1) await transact(session, operations, true);
    return;
  }
  if (options.yes !== true) {
    if (process.stdin.isTTY !== true) throw new Failure('nobody is there to be asked', ['Say --yes, or --dry-run to only look.'], 2);
    if (!(await confirmed('Do it?', signal))) throw new Failure('nothing was done');
  }
  for (const batch of batches) await carry(session, batch, options);
}

/** Said before anything is done, since it may stop half-way. */
const severalText = (transactions: number): string =>
  `This is more than one transaction holds: it takes ${transactions}, one after the other, and each is all or nothing.\n`;

async function carry(session: Session, batch: readonly TransactionOperation[], { output }: ChangeOptions): Promise<void> {
  const { root, results } = await transact(session, batch, false);
  if (output !== undefined) return;
  const changed = results.filter(({ sequence }) => sequence !== undefined).length;
  const place = root?.replace(/^state:/, '');
  process.stdout.write(
    place === undefined
      ? 'Nothing had to be changed.\n'
      : `Done: ${changed} ${changed === 1 ? 'change' : 'changes'}, all or nothing, as ${place}. \`decklog undo --root ${place}\` takes it back.\n`,
  );
}
