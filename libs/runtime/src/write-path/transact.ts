import { OPTIMISTIC_LOCK, conflict, StatusError, type KubeObject } from '#libs/apimachinery';
import type { Guard, Moved, Sequence } from '#libs/log';
import {
  describedOperation,
  NotThereYet,
  planTransaction,
  transactionRefusal,
  type CallAnswer,
  type OperationOutcome,
  type PlannedOperation,
  type RefusedOperation,
  type TransactionPlan,
  type WriteContext,
  type WriteRequest,
} from '#libs/registry';
import type { TransactionResult, WriteResult } from '../ports.js';
import { behind } from './event-meta.js';
import { dependsOnState, MOST_ATTEMPTS, MOST_NAMES, unavailableAs503, type Ground } from './ground.js';
import { checkGuards, guardsOf } from './guarded.js';
import { generatesName, randomSuffix } from './naming.js';

/** The log takes a thousand messages at once. */
const MOST_MESSAGES = 1_000;
/** As long as upstream's requests may take. */
const LONGEST_MS = 60_000;

interface Operation extends PlannedOperation {
  context: WriteContext;
  readonly answers: Map<string, CallAnswer>;
  names: number;
}

/** What one transaction has learned on the way. */
interface Progress {
  readonly operations: readonly Operation[];
  readonly ends: Map<string, Sequence>;
  attempts: number;
  /** Whether the view has been made current since the request came. */
  current: boolean;
  /** Whether an object that was missing has been waited for. */
  waited: boolean;
}

/**
 * Carries out several writes to the stream `state` as one: all are decided on one state, each with what those before it make
 * of that, and stored in one append. Where somebody else was faster, all of them are decided again. Throws one StatusError
 * for all that are refused; nothing is written then. The first event is the root of all others.
 */
export async function transact(ground: Ground, requests: readonly WriteRequest[]): Promise<TransactionResult> {
  const operations = requests.map((request): Operation => ({ request, context: ground.draw(request), answers: new Map(), names: 0 }));
  const progress: Progress = { operations, ends: new Map(), attempts: 0, current: false, waited: false };
  let late = false;
  const cancel = ground.timers.after(LONGEST_MS, () => (late = true));
  try {
    for (;;) {
      const result = await attempt(ground, progress);
      if (result) return result;
      if (late) throw new StatusError('Timeout', 'the transaction did not come to an end in time; nothing of it was written');
    }
  } catch (thrown) {
    throw unavailableAs503(thrown);
  } finally {
    cancel();
  }
}

const isRefused = (outcome: OperationOutcome): outcome is { readonly refusal: StatusError } => 'refusal' in outcome;

/** Undefined: more is known now, or the state has moved on, and all is to be decided again. */
async function attempt(ground: Ground, progress: Progress): Promise<TransactionResult | undefined> {
  const { operations } = progress;
  const plan = planTransaction(operations, ground.known, ground.options.settings);
  const needs = plan.outcomes.flatMap((outcome, i) => ('need' in outcome ? [[outcome.need, operations[i] as Operation] as const] : []));
  if (needs.length > 0) {
    await ground.call(needs);
    return undefined;
  }
  if (plan.outcomes.some(isRefused)) return refuse(ground, progress, plan);
  if (operations.every(({ request }) => request.options.dryRun === true)) return resultOf(plan, undefined);
  const idle = plan.outcomes.some((outcome) => 'decided' in outcome && outcome.decided.writes.length === 0);
  if (idle && (await madeCurrent(ground, progress))) return undefined;
  if (plan.writes.length === 0) return resultOf(plan, undefined);
  return append(ground, progress, plan);
}

/** Says what is wrong, of a state that is current. Returns where something else may come of it now. */
async function refuse(ground: Ground, progress: Progress, { outcomes }: TransactionPlan): Promise<undefined> {
  if (redrawn(ground, progress, outcomes)) return;
  const refusals = outcomes.filter(isRefused).map(({ refusal }) => refusal);
  const awaited = refusals.find((refusal) => refusal instanceof NotThereYet);
  if (awaited && !progress.waited) {
    progress.waited = true;
    if (await ground.appeared(awaited)) return;
  }
  if (refusals.some(dependsOnState) && (await madeCurrent(ground, progress))) return;
  const refused = outcomes.flatMap((outcome, index): readonly RefusedOperation[] => {
    const operation = progress.operations[index];
    return isRefused(outcome) && operation ? [{ index, object: describedOperation(operation.request), refusal: outcome.refusal }] : [];
  });
  throw transactionRefusal(refused as [RefusedOperation, ...RefusedOperation[]]);
}

/** Draws generated names that are taken anew; says whether there were any. */
function redrawn(ground: Ground, { operations }: Progress, outcomes: readonly OperationOutcome[]): boolean {
  const taken = operations.filter(({ request, names }, i) => {
    const outcome = outcomes[i];
    return outcome && isRefused(outcome) && outcome.refusal.reason === 'AlreadyExists' && generatesName(request) && names < MOST_NAMES;
  });
  for (const operation of taken) {
    operation.names += 1;
    operation.context = { ...operation.context, suffix: randomSuffix(ground.options.world.random) };
  }
  return taken.length > 0;
}

async function madeCurrent(ground: Ground, progress: Progress): Promise<boolean> {
  if (progress.current) return false;
  progress.current = true;
  return ground.madeCurrent('state');
}

/** What a client insists on of objects that it does not change must hold when the others are stored. */
function insistedOn(ground: Ground, { operations }: Progress, { outcomes }: TransactionPlan): readonly Guard[] {
  return operations.flatMap(({ request }, i): readonly Guard[] => {
    const outcome = outcomes[i];
    if (!outcome || !('decided' in outcome) || outcome.decided.writes.length > 0 || !insists(request)) return [];
    const { definition, namespace = '', name = '' } = request;
    const entry = ground.options.view.entry(
      definition.storage?.resource ?? definition.resource,
      definition.scope === 'Cluster' ? '' : namespace,
      name,
    );
    return entry ? [{ subject: ground.subjectOf({ definition, object: entry.object }), expected: entry.sequence }] : [];
  });
}

function insists({ object, options: { preconditions } }: WriteRequest): boolean {
  const sent = (object as Partial<KubeObject> | undefined)?.metadata;
  return [preconditions?.uid, preconditions?.resourceVersion, sent?.uid, sent?.resourceVersion].some(Boolean);
}

async function append(ground: Ground, progress: Progress, plan: TransactionPlan): Promise<TransactionResult | undefined> {
  const { operations, ends } = progress;
  const guards = [...insistedOn(ground, progress, plan), ...guardsOf(operations.map(({ request }) => request))];
  const messages = plan.writes.length + guards.length;
  if (messages > MOST_MESSAGES) {
    const why = `the transaction comes to ${messages} events, and at most ${MOST_MESSAGES} can be stored at once: split it`;
    throw new StatusError('RequestEntityTooLarge', why);
  }
  const leads = new Map(plan.writes.flatMap(({ own, operation }, i) => (own ? [[operation, i] as const] : [])));
  const writes = plan.writes.map(({ write, operation, own }, i) => {
    const { request } = operations[operation] as Operation;
    return behind(ground.appendWrite(request, write, own, ends), i, own ? i : i - (leads.get(operation) ?? 0));
  });
  const appended = await ground.options.log.append('state', writes, guards);
  if ('sequences' in appended) return resultOf(plan, appended.sequences);
  for (const { request } of operations) checkGuards(request, appended.moved);
  progress.attempts += 1;
  if (progress.attempts >= MOST_ATTEMPTS) throw contended(ground, progress, plan, appended.moved);
  await ground.caughtUp('state', appended.moved, ends);
  return undefined;
}

/** Others write the same objects all the time. */
function contended(ground: Ground, { operations }: Progress, { writes }: TransactionPlan, moved: readonly Moved[]): StatusError {
  const subjects = new Set(moved.map(({ subject }) => subject));
  const { operation: index = 0 } = writes.find(({ write }) => subjects.has(ground.subjectOf(write))) ?? {};
  const { request } = operations[index] as Operation;
  const refusal = conflict(request.definition.resource, request.name ?? '', OPTIMISTIC_LOCK);
  return transactionRefusal([{ index, object: describedOperation(request), refusal }]);
}

/** What each operation is answered; `sequences`: of the writes, undefined where nothing was stored. */
function resultOf({ outcomes, writes }: TransactionPlan, sequences: readonly Sequence[] | undefined): TransactionResult {
  const own = new Map(writes.flatMap((one, i) => (one.own ? [[one.operation, { ...one, sequence: sequences?.[i] }] as const] : [])));
  const results = outcomes.flatMap((outcome, index): readonly WriteResult[] => {
    if (!('decided' in outcome)) return [];
    const { answer, code, warnings, annotations, withheld, writes: planned } = outcome.decided;
    const stored = own.get(index);
    // What others of the transaction have made of the object since, where it is answered as it is stored.
    const isMerged = stored !== undefined && stored.write.object !== (withheld ?? planned)[0]?.object;
    const plain = isMerged && answer.kind !== 'Status' && stored.write.definition.storage === undefined ? stored.write.object : answer;
    const sequence = stored?.sequence;
    const object = sequence === undefined || plain.kind === 'Status' ? plain : versioned(plain, sequence);
    return [{ code, object, sequence, warnings, ...(annotations === undefined ? {} : { annotations }) }];
  });
  return { results, root: sequences?.[0], last: sequences?.at(-1) };
}

/** An object as it was stored at a sequence. */
export const versioned = (object: KubeObject, sequence: Sequence): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(sequence) },
});
