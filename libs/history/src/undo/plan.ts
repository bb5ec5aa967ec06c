import { deepEqual, type KubeObject } from '#libs/apimachinery';
import { changesBetween, touchesField } from '../difference.js';
import { changedAlike } from '../fork/merge.js';
import type { ObjectReference, PatchOperation, TransactionOperation } from '../wire.js';
import { desiredOf } from './desired.js';

/** One change that makes good. */
export type UndoStep =
  | { readonly kind: 'create'; readonly object: ObjectReference; readonly wanted: KubeObject }
  | {
      readonly kind: 'update';
      readonly object: ObjectReference;
      readonly wanted: KubeObject;
      readonly changes: readonly PatchOperation[];
    }
  | { readonly kind: 'delete'; readonly object: ObjectReference; readonly current: KubeObject };

/** Why a change can't be made good without overriding what came later. */
export interface UndoConflict {
  readonly object: ObjectReference;
  readonly why: string;
}

/** What is to be done, what stands against it, and what is worth knowing. */
export interface UndoPlan {
  readonly steps: readonly UndoStep[];
  readonly conflicts: readonly UndoConflict[];
  readonly notes: readonly string[];
}

/** Nothing at all. */
export const NO_PLAN: UndoPlan = { steps: [], conflicts: [], notes: [] };

/** An event with the object before and after it, and the object as it is now; what is absent was, or is, not there. */
export interface UndoneEvent {
  readonly object: ObjectReference;
  readonly before: KubeObject | undefined;
  /** With a deletionTimestamp where the event began a deletion. */
  readonly after: KubeObject | undefined;
  readonly current: KubeObject | undefined;
}

/** An object's kind as a table is looked up by. */
export const kindKey = ({ group, resource }: Pick<ObjectReference, 'group' | 'resource'>): string => `${group}/${resource}`;

/** How an object is called in a plan. */
export const undoName = ({ kind, resource, name, namespace }: ObjectReference): string =>
  `${(kind ?? resource).toLowerCase()}/${name}${namespace === undefined ? '' : ` in ${namespace}`}`;

const isDeleting = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
const isGone = (object: KubeObject | undefined): boolean => object === undefined || isDeleting(object);

const note = (object: ObjectReference, text: string): UndoPlan => ({ ...NO_PLAN, notes: [`${undoName(object)} ${text}`] });

/** An object as it is asked for anew; owners that are gone would have it deleted at once. `owners`: uids that are there. */
export function recreated(object: ObjectReference, was: KubeObject, owners: ReadonlySet<string> = new Set()): UndoPlan {
  const desired = desiredOf(kindKey(object), was);
  const { ownerReferences = [], ...metadata } = desired.metadata;
  const kept = ownerReferences.filter(({ uid }) => owners.has(uid));
  const lost = ownerReferences.filter(({ uid }) => !owners.has(uid));
  const wanted = { ...desired, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } };
  const notes = lost.map(
    ({ kind, name }) => `${undoName(object)} comes back without its owner ${kind.toLowerCase()}/${name}, which is gone`,
  );
  return { steps: [{ kind: 'create', object, wanted }], conflicts: [], notes };
}

/** Puts fields back that one version of an object changed from another, into the object as it is now. */
function putBack(object: ObjectReference, from: KubeObject, to: KubeObject, current: KubeObject): UndoPlan {
  const key = kindKey(object);
  const [left, wished] = [desiredOf(key, from), desiredOf(key, to)];
  const wanted = changedAlike(left, wished, current, 'rest');
  const changes = changesBetween(current, wanted);
  if (changes.length === 0) return note(object, 'is as it was already');
  const undone = changesBetween(left, wished);
  const later = changesBetween(left, desiredOf(key, current));
  const both = undone.filter(({ field = '', value }) =>
    later.some(
      (one) =>
        (touchesField(one, field) || touchesField({ op: 'add', path: '', field, value }, one.field ?? '')) && !deepEqual(one.value, value),
    ),
  );
  const conflicts = both.map(({ field = '' }) => ({ object, why: `${field} was changed again since` }));
  return { steps: [{ kind: 'update', object, wanted, changes }], conflicts, notes: [] };
}

/** Makes good what one event changed. Where the same was changed again later, that is a conflict. */
export function revertPlan({ object, before, after, current }: UndoneEvent): UndoPlan {
  if (before === undefined && after === undefined) return note(object, 'was neither there before nor after');
  if (before === undefined && after !== undefined) return revertCreation(object, after, current);
  if (before !== undefined && isGone(after) && !isDeleting(before)) return revertDeletion(object, before, current);
  if (before === undefined || after === undefined) return note(object, 'was being deleted already: restore brings it back');
  if (current === undefined || isDeleting(current)) {
    return { ...NO_PLAN, conflicts: [{ object, why: 'it was deleted since: restore brings it back' }] };
  }
  const plan = putBack(object, after, before, current);
  if (current.metadata.uid === after.metadata.uid) return plan;
  return { ...plan, conflicts: [...plan.conflicts, { object, why: 'it was deleted and made again since' }] };
}

function revertCreation(object: ObjectReference, after: KubeObject, current: KubeObject | undefined): UndoPlan {
  if (current === undefined || isDeleting(current)) return note(object, 'is gone already');
  const key = kindKey(object);
  const later = changesBetween(desiredOf(key, after), desiredOf(key, current));
  const another = current.metadata.uid !== after.metadata.uid;
  const conflicts = another
    ? [{ object, why: 'it was deleted and made again since' }]
    : later.slice(0, 1).map(({ field = '' }) => ({ object, why: `${field} was changed since` }));
  return { steps: [{ kind: 'delete', object, current }], conflicts, notes: [] };
}

function revertDeletion(object: ObjectReference, before: KubeObject, current: KubeObject | undefined): UndoPlan {
  if (current === undefined) return recreated(object, before);
  const why = isDeleting(current) ? 'it is still being deleted: wait until it is gone' : 'it was made again since';
  return { ...NO_PLAN, conflicts: [{ object, why }] };
}

/** Makes an object what it was at a moment; `then` absent: it was not there. */
export function backToPlan(object: ObjectReference, then: KubeObject | undefined, current: KubeObject | undefined): UndoPlan {
  if (then === undefined || isDeleting(then)) {
    if (current === undefined || isDeleting(current)) return note(object, 'was not there either');
    return { ...NO_PLAN, steps: [{ kind: 'delete', object, current }] };
  }
  if (current === undefined) return recreated(object, then);
  if (isDeleting(current)) return { ...NO_PLAN, conflicts: [{ object, why: 'it is still being deleted: wait until it is gone' }] };
  const { steps, notes } = putBack(object, current, then, current);
  return { steps, conflicts: [], notes };
}

/** Plans after one another. An object is written once: what a later one does to it is left to the first. */
export function joined(plans: readonly UndoPlan[]): UndoPlan {
  const seen = new Set<string>();
  const name = ({ object: { group, resource, namespace = '', name: called } }: UndoStep): string =>
    JSON.stringify([group, resource, namespace, called]);
  return {
    steps: plans.flatMap(({ steps }) => steps.filter((step) => !seen.has(name(step)) && seen.add(name(step)))),
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
    notes: [...new Set(plans.flatMap(({ notes }) => notes))],
  };
}

/** A plan as the operations of a transaction: each holds only while the object is what the plan was made on. */
export const operationsOf = ({ steps }: Pick<UndoPlan, 'steps'>, fieldManager: string): readonly TransactionOperation[] =>
  steps.map((step): TransactionOperation => {
    const { group, resource, namespace, name } = step.object;
    const { apiVersion } = step.kind === 'delete' ? step.current : step.wanted;
    const place = { apiVersion, resource, ...(namespace === undefined ? {} : { namespace }), name };
    switch (step.kind) {
      case 'create':
        return { verb: 'create', ...place, object: step.wanted, fieldManager };
      case 'update':
        return { verb: 'update', ...place, object: step.wanted, fieldManager };
      case 'delete': {
        const { uid, resourceVersion } = step.current.metadata;
        const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
        return { verb: 'delete', ...place, preconditions, ...(group === 'batch' ? { propagationPolicy: 'Background' } : {}) };
      }
    }
  });
