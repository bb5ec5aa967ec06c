import type { Command } from 'commander';
import { beginsDeletion, deletionsAmong, lastDeletion, MOMENT_FORMS, restorePlan, type Deletion, type Revision } from '#libs/history';

import { namesBackup } from '../backup/commands.js';
import { Failure } from '../failure.js';
import { profileOf, urls, wholeNumber, type AddCommand } from '../options.js';
import { makeTerminal } from '../terminal.js';
import { historyPath, listed, nothingOf, revisionsOf } from './asking.js';
import { pastMoment } from './at.js';
import { carryOut, changeOptions, type ChangeOptions } from './carry-out.js';
import { objectText } from './resources.js';
import { namespaceOption, sessionOptions, withSession, type Session } from './session.js';
import { eventsOf, lostOf } from './undo.js';

interface RestoreOptions extends ChangeOptions {
  readonly tree?: boolean;
  readonly at?: string;
  /** Of a backup. */
  readonly keys?: string;
  readonly archive?: string;
  readonly natsUrl?: string;
  readonly replicas?: number;
  readonly skip: number;
}

/** More than a cluster gives out in the days between two backups, and a few seconds of writing. */
const SKIP = 100_000;

/** Revisions of one object that are looked at. */
const MOST_REVISIONS = 10_000;
/** Events of one deletion that are looked at. */
const MOST_EVENTS = 50_000;

/** `decklog restore`: brings back what was deleted; given a backup, a whole cluster. */
export const addRestore: AddCommand = (program, around) => {
  const command = program
    .command('restore')
    .description('bring a deleted object back as it was before its deletion began; or a whole cluster, from the FILE that `backup` wrote')
    .argument('<object...>', 'KIND/NAME or KIND NAME, as for kubectl; or FILE')
    .option('--tree', 'and everything that went because of it: what a namespace held, what an object owned')
    .option('--at <when>', `the last time that it was deleted before then (${MOMENT_FORMS})`, pastMoment);
  changeOptions(namespaceOption(sessionOptions(command)));
  command
    .option('--keys <file>', 'of a backup: what `backup --keys` wrote')
    .option('--archive <folder>', 'of a backup: where archived messages are')
    .option(
      '--skip <n>',
      'of a backup: resourceVersions that are left out, since the lost cluster may have given them out',
      wholeNumber,
      SKIP,
    )
    .option(
      '--nats-url <url>',
      'of a backup: make the streams alone, on a server of your own, with the user of its restorer',
      urls('nats', 'tls'),
    )
    .option('--replicas <n>', 'of a backup, with --nats-url: how many copies of each stream', wholeNumber);
  command.action(async (args: readonly string[], options: RestoreOptions, self: Command) => {
    around.catchInterrupts();
    const { signal } = around;
    const [file = '', second] = args;
    if (second === undefined && namesBackup(file)) {
      // Loaded here: no other command needs it.
      const { restore } = await import('../backup/restore.js');
      const { keys, archive, natsUrl, replicas, skip } = options;
      const given = defined({ keys, archive, natsUrl, replicas });
      return restore({ ...given, skip, file, profile: profileOf(self) }, makeTerminal(process.stdout, process.env), signal);
    }
    await withSession(self, async (session) => {
      const deletion = await deletionOf(session, args, options.at, signal);
      const all = options.tree === true ? await withTree(session, deletion, signal) : [deletion];
      await carryOut(session, restorePlan(await lostOf(session, all, signal)), options, signal);
    });
  });
};

/** Without what is undefined. */
const defined = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };

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
