import type { Command } from 'commander';
import { beginsDeletion, deletionsAmong, lastDeletion, MOMENT_FORMS, restorePlan, type Deletion, type Revision } from '#libs/history';

import { Failure } from '../failure.js';
import type { AddCommand } from '../options.js';
import { historyPath, listed, nothingOf, revisionsOf } from './asking.js';
import { pastMoment } from './at.js';
import { carryOut, changeOptions, type ChangeOptions } from './carry-out.js';
import { objectText } from './resources.js';
import { namespaceOption, sessionOptions, withSession, type Session } from './session.js';
import { eventsOf, lostOf } from './undo.js';

interface RestoreOptions extends ChangeOptions {
  readonly tree?: boolean;
  readonly at?: string;
}

/** Revisions of one object that are looked at. */
const MOST_REVISIONS = 10_000;
/** Events of one deletion that are looked at. */
const MOST_EVENTS = 50_000;

/** `decklog restore`: brings back what was deleted. */
export const addRestore: AddCommand = (program, around) => {
  const command = program
    .command('restore')
    .description('bring a deleted object back as it was before its deletion began')
    .argument('<object...>', 'KIND/NAME or KIND NAME, as for kubectl')
    .option('--tree', 'and everything that went because of it: what a namespace held, what an object owned')
    .option('--at <when>', `the last time that it was deleted before then (${MOMENT_FORMS})`, pastMoment);
  changeOptions(namespaceOption(sessionOptions(command)));
  command.action(async (args: readonly string[], options: RestoreOptions, self: Command) => {
    around.catchInterrupts();
    const { signal } = around;
    await withSession(self, async (session) => {
      const deletion = await deletionOf(session, args, options.at, signal);
      const all = options.tree === true ? await withTree(session, deletion, signal) : [deletion];
      await carryOut(session, restorePlan(await lostOf(session, all, signal)), options, signal);
    });
  });
};

async function deletionOf(session: Session, args: readonly string[], at: string | undefined, signal: AbortSignal): Promise<Deletion> {
  const object = await session.object(args);
  const { items } = await revisionsOf(session.client, object, session.namespace, { until: at }, MOST_REVISIONS, signal);
  const where = object.namespaced === false ? '' : ` in namespace ${session.namespace}`;
  if (items.length === 0) throw nothingOf(objectText(object), where, at !== undefined);
  const deletion = lastDeletion(items);
  if (deletion === undefined)
    throw new Failure(`${objectText(object)}${where} was not deleted`, [
      'To take it back to a moment: `decklog undo KIND/NAME --to WHEN`.',
    ]);
  return deletion;
}

/**
 * An object's deletion with all that it brought down: whatever went because of the same request, from then on. Of a namespace all
 * that it held: nodes end pods with requests of their own, and what waits for those goes because of them.
 */
async function withTree(session: Session, deletion: Deletion, signal: AbortSignal): Promise<readonly Deletion[]> {
  const { object, began } = deletion;
  const isNamespace = object.group === '' && object.resource === 'namespaces';
  const events = isNamespace ? await deletedWithin(session, deletion, signal) : await eventsOf(session, began, signal);
  const later = events.filter((event) => event.sequence >= began.sequence && beginsDeletion(event));
  return deletionsAmong([began, ...later]);
}

/** The events of what a namespace held, from the moment that its deletion began until it was gone. */
async function deletedWithin(session: Session, { object, began }: Deletion, signal: AbortSignal): Promise<readonly Revision[]> {
  const own = { group: '', resource: 'namespaces', namespaced: false, name: object.name } as const;
  const { items } = await revisionsOf(session.client, own, session.namespace, { since: String(began.sequence) }, MOST_REVISIONS, signal);
  const gone = items.find(({ type, object: { uid } }) => type === 'Deleted' && uid === object.uid);
  const terms = { since: String(began.sequence), until: gone && String(gone.sequence) };
  const { items: events, more } = await listed<Revision>(session.client, historyPath('revisions', object.name), terms, MOST_EVENTS, signal);
  if (more)
    throw new Failure(`more than ${MOST_EVENTS} events deleted namespace ${object.name}`, ['Restore what it held object by object.']);
  return events;
}
