import type { Command } from 'commander';
import {
  backToPlan,
  beginsDeletion,
  deletionsAmong,
  joined,
  MOMENT_FORMS,
  parsePlace,
  placeName,
  restorePlan,
  revertPlan,
  type Deletion,
  type Revision,
  type UndoPlan,
} from '#libs/history';

import { Failure } from '../failure.js';
import type { AddCommand } from '../options.js';
import { historyPath, listed, named } from './asking.js';
import { pastMoment, settledMoment } from './at.js';
import { carryOut, changeOptions, type ChangeOptions } from './carry-out.js';
import { after, before, eachOf, objectOf } from './objects.js';
import { namespaceOption, sessionOptions, withSession, type Session } from './session.js';

interface UndoOptions extends ChangeOptions {
  readonly to?: string;
  readonly root?: string;
}

/** Events of one root that are looked at. */
const MOST_EVENTS = 10_000;

/** `decklog undo`: makes good what an event or a request changed, or takes an object back to a moment. */
export const addUndo: AddCommand = (program, around) => {
  const command = program
    .command('undo')
    .description(
      'make good what an event (SEQUENCE) or a whole request (--root SEQUENCE) changed, or take an object back (KIND/NAME --to WHEN)',
    )
    .argument('[what...]', 'the sequence of an event, or KIND/NAME')
    .option('--to <when>', `of an object: what it was then (${MOMENT_FORMS})`, pastMoment)
    .option('--root <sequence>', 'everything that this request changed; what controllers made of it follows by itself');
  changeOptions(namespaceOption(sessionOptions(command)));
  command.action(async (what: readonly string[], options: UndoOptions, self: Command) => {
    around.catchInterrupts();
    await withSession(self, async (session) =>
      carryOut(session, await planOf(session, what, options, around.signal), options, around.signal),
    );
  });
};

async function planOf(session: Session, what: readonly string[], { to, root }: UndoOptions, signal: AbortSignal): Promise<UndoPlan> {
  const [only, ...more] = what;
  if (root !== undefined) {
    if (only !== undefined || to !== undefined) throw new Failure('--root stands alone: it names a whole request', [], 2);
    return undoRoot(session, await eventOf(session, root), signal);
  }
  if (only === undefined)
    throw new Failure('what is to be undone?', ['An event: `decklog undo 123`; an object: `decklog undo deploy/web --to 10m`.'], 2);
  if (to !== undefined) return undoTo(session, what, to, signal);
  if (more.length > 0 || parsePlace(only) === undefined)
    throw new Failure(`${what.join(' ')} is no event`, ['Of an object, say to which moment: `decklog undo deploy/web --to 10m`.'], 2);
  return undoEvents(session, [await eventOf(session, only)], signal);
}

/** An event by what people call it: `123`, `state:123`, `state-123`. */
export async function eventOf(session: Session, text: string): Promise<Revision> {
  const place = parsePlace(text);
  if (place === undefined) throw new Failure(`${text} is no event: it must be a sequence, like 123`, [], 2);
  return named<Revision>(session.client, 'revisions', session.namespaceGiven ? session.namespace : undefined, placeName(place));
}

async function undoTo(session: Session, what: readonly string[], to: string, signal: AbortSignal): Promise<UndoPlan> {
  const { version = 'v1', kind, namespaced, ...object } = await session.object(what);
  const apiVersion = object.group === '' ? version : `${object.group}/${version}`;
  const place = namespaced === false ? {} : { namespace: session.namespace };
  const { group, resource, name } = object;
  const reference = { apiVersion, ...(kind === undefined ? {} : { kind }), group, resource, name, ...place };
  const moment = await settledMoment(session, to);
  const [then, current] = await Promise.all([objectOf(session.at(moment), reference, signal), objectOf(session.client, reference, signal)]);
  if (then === undefined && current === undefined) throw new Failure(`${what.join(' ')} was not there then, and is not there now`);
  return backToPlan(reference, then, current);
}

async function undoEvents(session: Session, events: readonly Revision[], signal: AbortSignal): Promise<UndoPlan> {
  const plans = await eachOf(events, async ({ object, sequence, stream }) => {
    if (stream !== 'state') throw new Failure('leases and Kubernetes Events are what was found out: there is nothing to undo', [], 2);
    const [was, became, current] = await Promise.all([
      before(session, object, sequence, signal),
      after(session, object, sequence, signal),
      objectOf(session.client, object, signal),
    ]);
    return revertPlan({ object, before: was, after: became, current });
  });
  return joined(plans);
}

/** What the client itself changed with a request; a deletion brings down what belongs to the object as well. */
async function undoRoot(session: Session, root: Revision, signal: AbortSignal): Promise<UndoPlan> {
  const events = await eventsOf(session, root, signal);
  const own = events.filter((event) => event.requestId === root.requestId && event.decision === undefined && !isDerived(event));
  if (!own.some(beginsDeletion)) return undoEvents(session, own, signal);
  const lost = await lostOf(session, deletionsAmong(events), signal);
  return joined([
    await undoEvents(
      session,
      own.filter((event) => !beginsDeletion(event)),
      signal,
    ),
    restorePlan(lost),
  ]);
}

/** Written by the same append as what needs it, and made anew with that. */
const DERIVED = ['ipaddresses', 'nodeports', 'resourcequotas', 'poddisruptionbudgets'];
const isDerived = ({ object, cause, subresource }: Revision): boolean =>
  (cause !== undefined && DERIVED.includes(object.resource)) || subresource === 'status';

/** Everything that an event began, oldest first, as far as whoever asks may see it. */
export async function eventsOf(session: Session, { root }: Revision, signal: AbortSignal): Promise<readonly Revision[]> {
  const path = historyPath('revisions', session.namespaceGiven ? session.namespace : undefined);
  const { items, more } = await listed<Revision>(session.client, path, { root }, MOST_EVENTS, signal);
  if (more) throw new Failure(`${root} began more than ${MOST_EVENTS} events`, ['Undo or restore it part by part.']);
  return [...items].sort((a, b) => a.sequence - b.sequence);
}

/** Deleted objects as they were just before their deletion began, and as they are now. */
export const lostOf = (session: Session, deletions: readonly Deletion[], signal: AbortSignal) =>
  eachOf(deletions, async ({ object, began }) => {
    const [was, current] = await Promise.all([before(session, object, began.sequence, signal), objectOf(session.client, object, signal)]);
    return { object, was, current };
  });
