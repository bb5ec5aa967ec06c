import type { GroupVersionResource, KubeObject } from './meta.js';

/** Milliseconds since the Unix epoch. Passed in, never read: pure rooms have no clock. */
export type Instant = number;

/** How the dependents of a deleted object are treated: metav1.DeletionPropagation. */
export type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground';

/** What a deletion may be tied to: metav1.Preconditions. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/**
 * An object that a change was decided on and moves itself, as the decision saw it: where it has moved before, the change is refused with
 * a Conflict. Changes of one decision with the same basis are written together.
 */
export interface Basis {
  readonly resource: GroupVersionResource;
  readonly namespace?: string;
  readonly name: string;
  /** Absent: there was no such object. */
  readonly resourceVersion?: string;
}

/**
 * A write a controller wants. The registry still has to admit it, as it would a user's.
 *
 * An `update` carries the whole object as it should be; the resourceVersion of the object it was computed
 * from stays in `metadata`, so that a stale decision is refused. A `create` may use `generateName`: the
 * runtime derives the suffix from (owner's uid, Seen, index), so that a second attempt at the same decision
 * meets AlreadyExists instead of making a twin.
 */
export type Change =
  | {
      readonly verb: 'create';
      readonly resource: GroupVersionResource;
      readonly subresource?: string;
      readonly object: KubeObject;
      readonly basis?: Basis;
    }
  | { readonly verb: 'update'; readonly resource: GroupVersionResource; readonly subresource?: string; readonly object: KubeObject }
  | {
      readonly verb: 'delete';
      readonly resource: GroupVersionResource;
      readonly namespace?: string;
      readonly name: string;
      readonly preconditions?: Preconditions;
      readonly propagationPolicy?: PropagationPolicy;
      readonly gracePeriodSeconds?: number;
    };

/**
 * Stands in a Kubernetes Event's message for the name that the create before it is given: the runtime, which knows
 * what a generated name derives from, puts it in.
 */
export const GENERATED_NAME = '{generatedName}';

/** What one reconcile decided: changes in the order in which they are to be carried out. */
export interface ReconcileResult {
  readonly changes: readonly Change[];
  /** Look again after this long even if nothing changes. Absent: wait for the next event. */
  readonly requeueAfterMs?: number;
}

/**
 * Compares what is wanted with what is, and says what to write. Synchronous and deterministic:
 * the same snapshot and instant give the same result, so a test needs no cluster.
 */
export type Reconcile<Snapshot> = (snapshot: Snapshot, now: Instant) => ReconcileResult;

/** A read-only view of all objects at exactly one position of the log. Objects are frozen: copy, never mutate. */
export interface Lister {
  get(resource: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined;
  /** Every object of the resource, in one namespace or (undefined) in all. No order is promised. */
  list(resource: GroupVersionResource, namespace?: string): readonly KubeObject[];
  /** Every object of any resource that has an ownerReference with this uid. */
  ownedBy(uid: string): readonly OwnedObject[];
  /** Every object of the resource in the namespace that no controller owns; absent where there is no index for it. */
  orphans?(resource: GroupVersionResource, namespace: string): readonly KubeObject[];
}

/** An object together with the resource it is served under. */
export interface OwnedObject {
  readonly resource: GroupVersionResource;
  readonly object: KubeObject;
}

/** Some of so many shards. */
export interface Part {
  readonly shards: readonly number[];
  readonly of: number;
}

/** What wakes a controller: for one resource, the keys that an object's change concerns. */
export interface WatchRule {
  readonly resource: GroupVersionResource;
  /** `old` and `next` are the object before and after; one of them is absent on creation or deletion. */
  keys(next: KubeObject | undefined, old: KubeObject | undefined, lister: Lister): readonly string[];
}

/**
 * A controller as data: what it watches, what it reads for a key, and what it then decides.
 * `snapshot` and `reconcile` are pure; the runtime feeds them and carries the changes out.
 */
export interface Controller<Snapshot = unknown> {
  /** kube-controller-manager's name for it, e.g. `replicaset`. */
  readonly name: string;
  /** The identity its writes carry, e.g. `system:serviceaccount:kube-system:replicaset-controller`. */
  readonly actor: string;
  readonly watches: readonly WatchRule[];
  /**
   * Where one decision is about all that there is, the key of that part which one of several replicas has: their watch rules say that there
   * is something to look at, by whatever key. `shards`: a replica's own, of so many; a thing belongs to the one that its key hashes onto.
   * What two replicas could do twice, or to the same, their changes guard by themselves (`Basis`).
   */
  readonly keyOfPart?: (part: Part) => string;
  /** The keys that a change of an object of any resource concerns, those of custom resources included. */
  readonly watchesAll?: (
    resource: GroupVersionResource,
    next: KubeObject | undefined,
    old: KubeObject | undefined,
    lister: Lister,
  ) => readonly string[];
  /** Everything the decision for a key depends on; undefined: nothing to do for that key. */
  snapshot(key: string, lister: Lister): Snapshot | undefined;
  readonly reconcile: Reconcile<Snapshot>;
  /** Keys that are looked at from the start, even where no object of a watched resource exists. */
  readonly initialKeys?: readonly string[];
  /**
   * Decides what to write after some of the changes were refused: conditions and Kubernetes Events that say so.
   * Races (conflicts, names taken) are not reported here: the decision is then simply made again.
   */
  readonly refused?: (snapshot: Snapshot, refusals: readonly Refusal[], now: Instant) => readonly Change[];
  /** The same snapshots, kept up to date event by event, where computing one from scratch is too much work. */
  readonly index?: () => SnapshotIndex<Snapshot>;
}

/** A change that the write path refused, with the Status' reason and message. */
export interface Refusal {
  readonly change: Change;
  readonly reason: string;
  readonly message: string;
}

/**
 * An incremental form of `Controller.snapshot`. It is fed every event of the watched resources in order,
 * beginning with all their objects as they are at the start; `snapshot` must equal what the controller's own would give.
 */
export interface SnapshotIndex<Snapshot> {
  apply(resource: GroupVersionResource, next: KubeObject | undefined, old: KubeObject | undefined): void;
  snapshot(key: string): Snapshot | undefined;
}
