import type { ResourceDefinition } from '#libs/api';
import { qualifiedResource, type Change, type Controller, type KubeObject, type Lister } from '#libs/apimachinery';
import { decodeObject, formatPosition, parseSubject, STREAMS, type Decision, type EventLog, type Position, type Recorded } from '#libs/log';
import { decidedChange } from './change-request.js';
import { LogFold } from './fold.js';

/** All changes of the decision, made once more; generated names are not filled in yet. */
function redecide(controllers: readonly Controller[], { controller: by, key, decidedAt }: Decision, lister: Lister): readonly Change[] {
  const controller = controllers.find(({ name }) => name === by);
  const snapshot = controller?.snapshot(key, lister);
  return !controller || snapshot === undefined ? [] : controller.reconcile(snapshot, decidedAt).changes;
}

/** What came of computing an event's decision again. */
export interface Recomputed {
  readonly event: Recorded;
  readonly decision: Decision;
  readonly change: Change | undefined;
  /** Whether the change is the one whose writing made the event, or another event of the same append (a Service's address). */
  readonly same: boolean;
}

/**
 * Every field of `part` is in `whole` with the same value. Defaulting adds fields and changes none; admission may add
 * items to the lists of a new object (`grown`).
 */
function within(part: unknown, whole: unknown, grown: boolean): boolean {
  if (Object.is(part, whole)) return true;
  if (Array.isArray(part)) {
    if (!Array.isArray(whole)) return false;
    if (grown) return part.every((item) => whole.some((other) => within(item, other, grown)));
    return part.length === whole.length && part.every((item, i) => within(item, whole[i], grown));
  }
  if (typeof part !== 'object' || part === null) return false;
  const fields = Object.entries(part).filter(([, value]) => value !== undefined);
  if (typeof whole !== 'object' || whole === null) return fields.every(([, value]) => isEmpty(value));
  return fields.every(([key, value]) => within(value, (whole as Record<string, unknown>)[key], grown) || isEmpty(value));
}

/** What a round trip through Go's types leaves out. */
const isEmpty = (value: unknown): boolean =>
  value === 0 || value === '' || value === false || (typeof value === 'object' && value !== null && Object.values(value).every(isEmpty));

/** Whether writing the change gives this event: the same object, touched the same way, holding what the change says. */
export function explains(change: Change, event: Recorded): boolean {
  const place = parseSubject(event.subject);
  if (!place || qualifiedResource(place) !== qualifiedResource(change.resource)) return false;
  if (change.verb === 'delete') {
    return event.meta.verb === 'delete' && place.name === change.name && place.namespace === (change.namespace ?? '');
  }
  const { metadata, ...rest } = change.object as KubeObject & Readonly<Record<string, unknown>>;
  if (place.name !== metadata.name || place.namespace !== (metadata.namespace ?? '')) return false;
  if (event.meta.verb !== change.verb || (event.meta.subresource ?? '') !== (change.subresource ?? '')) return false;
  if (change.subresource !== undefined && change.subresource !== 'status') return true;
  const written = decodeObject(event.body, event.sequence) as KubeObject & Readonly<Record<string, unknown>>;
  const { resourceVersion: _, managedFields: __, generation: ___, ...meta } = metadata;
  const said = change.subresource === 'status' ? { status: rest['status'] } : { ...rest, metadata: meta };
  return within(said, written, change.verb === 'create');
}

const byPosition = (a: Position, b: Position): number => {
  for (const stream of STREAMS) if (a[stream] !== b[stream]) return a[stream] - b[stream];
  return 0;
};

const byDecision = (a: Decision, b: Decision): number =>
  a.controller === b.controller ? (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index) : a.controller < b.controller ? -1 : 1;

/** Tells one decision from all others. */
const identity = ({ controller, key, seen, decidedAt }: Decision): string => `${controller} ${key} ${formatPosition(seen)} ${decidedAt}`;

/** Every decision that the log tells of, computed again: what a spec demands to be the same, event for event. */
export async function recomputeAll(
  log: EventLog,
  controllers: readonly Controller[],
  definitions: readonly ResourceDefinition[],
): Promise<readonly Recomputed[]> {
  const decided: { event: Recorded; decision: Decision }[] = [];
  for (const stream of STREAMS) {
    const until = await log.last(stream);
    if (until === 0) continue;
    for await (const { events } of log.read(stream, 0, { until })) {
      for (const event of events) if (event.meta.decision) decided.push({ event, decision: event.meta.decision });
    }
  }
  decided.sort((a, b) => byPosition(a.decision.seen, b.decision.seen) || byDecision(a.decision, b.decision));
  let fold = new LogFold(log, definitions);
  const results: Omit<Recomputed, 'same'>[] = [];
  const explained = new Set<string>();
  let last: { readonly of: string; readonly changes: readonly Change[] } = { of: '', changes: [] };
  for (const { event, decision } of decided) {
    if (!fold.precedes(decision.seen)) fold = new LogFold(log, definitions);
    await fold.advance(decision.seen);
    const of = identity(decision);
    if (last.of !== of) last = { of, changes: redecide(controllers, decision, fold) };
    const change = decidedChange(last.changes, decision.index, decision);
    if (change && explains(change, event)) explained.add(`${of} ${decision.index}`);
    results.push({ event, decision, change });
  }
  return results.map((result) => ({ ...result, same: explained.has(`${identity(result.decision)} ${result.decision.index}`) }));
}
