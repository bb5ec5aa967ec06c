import { StatusError, type KubeObject } from '#libs/apimachinery';
import { namespaceOf, storedResource, type Decided } from '../case.js';
import { decideWrite } from '../decide.js';
import type { CallAnswer, ClusterSettings, Known, Need, WriteContext, WriteRequest } from '../write.js';
import { describedObject, Overlay, writtenTwice, type TransactionWrite } from './overlay.js';

/** One operation of a transaction, with what was drawn for it and what its webhooks have answered so far. */
export interface PlannedOperation {
  readonly request: WriteRequest;
  readonly context: WriteContext;
  readonly answers: ReadonlyMap<string, CallAnswer>;
}

/** What an operation comes to, given those before it. */
export type OperationOutcome = { readonly decided: Decided } | { readonly refusal: StatusError } | { readonly need: readonly Need[] };

/** The object that an operation is about, as a client knows it. */
export function describedOperation({ definition, object, name, namespace = '' }: WriteRequest): string {
  const { name: own, generateName = '' } = (object as Partial<KubeObject> | undefined)?.metadata ?? {};
  return describedObject(definition.kind, definition.scope === 'Cluster' ? '' : namespace, name ?? own ?? `${generateName}*`);
}

/** What a transaction comes to. Nothing is to be stored unless every operation is decided. */
export interface TransactionPlan {
  /** One for each operation, in order. */
  readonly outcomes: readonly OperationOutcome[];
  /** Each object once; a dry run's too. */
  readonly writes: readonly TransactionWrite[];
}

function outcomeOf(
  { request, context, answers }: PlannedOperation,
  index: number,
  known: Known,
  overlay: Overlay,
  settings: ClusterSettings,
): OperationOutcome {
  const { definition, name = (request.object as Partial<KubeObject> | undefined)?.metadata?.name ?? '' } = request;
  const namespace = namespaceOf({ definition, request });
  try {
    const held = overlay.held(storedResource(definition), namespace, name);
    if (held?.own) throw writtenTwice(describedObject(definition.kind, namespace, name), held.operation);
    const told = answers.size === 0 ? known : { ...known, answer: (key: string) => answers.get(key) };
    const step = decideWrite(request, overlay.over(told), context, settings);
    if ('need' in step) return step;
    overlay.take(step.withheld ?? step.writes, index);
    return { decided: step };
  } catch (thrown) {
    if (thrown instanceof StatusError) return { refusal: thrown };
    throw thrown;
  }
}

/**
 * Decides the operations of a transaction, each on what those before it make of the state: a namespace and what is in it, a
 * quota counted through all of them, addresses handed out once. One that is refused changes nothing for those behind it, so
 * that all that are wrong are found at once.
 */
export function planTransaction(operations: readonly PlannedOperation[], known: Known, settings: ClusterSettings): TransactionPlan {
  const overlay = new Overlay();
  const outcomes = operations.map((operation, index) => outcomeOf(operation, index, known, overlay, settings));
  return { outcomes, writes: overlay.writes };
}
