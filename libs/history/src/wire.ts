import type { ObjectMeta } from '#libs/apimachinery';
import type { AuditKind, EventType, Sequence, StreamName } from '#libs/log';

/** The group of everything that Decklog says of its past. */
export const HISTORY_GROUP = 'history.decklog.dev';
/** Its one version. */
export const HISTORY_VERSION = 'v1';
/** What its objects say in `apiVersion`. */
export const HISTORY_API_VERSION = `${HISTORY_GROUP}/${HISTORY_VERSION}`;

/** The object that an event is about, as a client names it. */
export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

/** Who asked. `impersonator`: who really asked, where somebody acted as somebody else. */
export interface HistoryActor {
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly impersonator?: string;
}

/** How a controller came to a change: what it was given is enough to decide again. */
export interface HistoryDecision {
  readonly controller: string;
  readonly build: string;
  readonly key: string;
  /** Position of its snapshot, `state:N,lease:N,event:N`. */
  readonly seen: string;
  /** RFC 3339. */
  readonly decidedAt: string;
  readonly index: number;
}

/**
 * One operation of a JSON Patch (RFC 6902): add, remove or replace; paths are JSON pointers into the object. `old` and `field` are for
 * readers: whoever carries out a patch ignores members that RFC 6902 does not know.
 */
export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string;
  readonly value?: unknown;
  /** What stood there before; absent of an addition. */
  readonly old?: unknown;
  /** The place in words, entries of lists by their names: `spec.containers[app].image`. */
  readonly field?: string;
}

/** One event of an object's life. Named `<stream>-<sequence>`; metadata.creationTimestamp is its time. */
export interface Revision {
  readonly apiVersion: typeof HISTORY_API_VERSION;
  readonly kind: 'Revision';
  readonly metadata: ObjectMeta;
  readonly object: ObjectReference;
  readonly stream: StreamName;
  readonly sequence: Sequence;
  /** The sequence of the object's event before, across deletions; absent on the first. */
  readonly previous?: Sequence;
  /** RFC 3339 with milliseconds. */
  readonly time: string;
  readonly type: EventType;
  readonly verb: string;
  readonly subresource?: string;
  readonly actor: HistoryActor;
  readonly agent?: string;
  readonly sourceAddress?: string;
  readonly fieldManager?: string;
  readonly requestId?: string;
  readonly decision?: HistoryDecision;
  /** `stream:sequence` of the first event of the chain; its own place on a root. */
  readonly root: string;
  /** `stream:sequence` of the newest event whose handling made this one; absent on a root. */
  readonly cause?: string;
  /** What was changed since the event before, without managedFields and resourceVersion; absent where the object was created or deleted. */
  readonly changes?: readonly PatchOperation[];
}

/** A revision and what was done because of it. */
export interface Effect {
  /** Absent where whoever asks may not read it: `hidden` says so. */
  readonly revision?: Revision;
  readonly hidden?: boolean;
  readonly place: string;
  readonly effects?: readonly Effect[];
}

/** Why an event happened, and what came of it. Named as the revision. */
export interface Cause {
  readonly apiVersion: typeof HISTORY_API_VERSION;
  readonly kind: 'Cause';
  readonly metadata: ObjectMeta;
  /** From the request that began it down to the event that is named; `effects` of these are left out. */
  readonly chain: readonly Effect[];
  /** Everything the named event caused, as a tree. */
  readonly effects: readonly Effect[];
  /** There is more than is shown: the chain is of a hundred steps at most, the tree of a hundred levels and a thousand events. */
  readonly truncated?: boolean;
}

/** What an entry of the trail is: a change of an object, or why the audit stream has it. */
export type ActivityCategory = 'change' | AuditKind;

/** One line of the audit trail. Named `<stream>-<sequence>` or `audit-<sequence>-<index>`. */
export interface Activity {
  readonly apiVersion: typeof HISTORY_API_VERSION;
  readonly kind: 'Activity';
  readonly metadata: ObjectMeta;
  readonly category: ActivityCategory;
  readonly time: string;
  readonly actor: HistoryActor;
  readonly agent?: string;
  readonly sourceAddress?: string;
  readonly requestId?: string;
  readonly verb: string;
  readonly subresource?: string;
  readonly object?: ObjectReference;
  /** Of a request for no resource. */
  readonly path?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly latencyMs?: number;
  /** Of a change: its place, its chain, and the fields it changed (`spec.replicas`). */
  readonly event?: string;
  readonly type?: EventType;
  readonly root?: string;
  readonly cause?: string;
  readonly controller?: string;
  readonly fields?: readonly string[];
  readonly count?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One operation of a transaction. `resource` may be left out where `kind` is given. */
export interface TransactionOperation {
  readonly verb: 'create' | 'update' | 'patch' | 'apply' | 'delete';
  readonly apiVersion: string;
  readonly kind?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Of create, update and apply: the object. */
  readonly object?: unknown;
  /** Of patch: the patch, and its media type. */
  readonly patch?: unknown;
  readonly patchType?: string;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly fieldManager?: string;
  /** Of apply: takes over fields that others own. */
  readonly force?: boolean;
  /** Of delete. */
  readonly propagationPolicy?: string;
  readonly gracePeriodSeconds?: number;
}

/** Several writes that happen together or not at all: `POST /apis/history.decklog.dev/v1/transactions`. */
export interface Transaction {
  readonly apiVersion: typeof HISTORY_API_VERSION;
  readonly kind: 'Transaction';
  readonly metadata?: ObjectMeta;
  readonly operations: readonly TransactionOperation[];
  /** Of the answer. */
  readonly status?: {
    /** `stream:sequence` of the first event: the root of all of them. */
    readonly root?: string;
    /** One for each operation, in order; `sequence` is absent where nothing changed. */
    readonly results: readonly { readonly code: number; readonly sequence?: Sequence; readonly object: unknown }[];
  };
}
