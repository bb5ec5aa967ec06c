import type { GroupVersionResource, Instant, KubeObject, Lister } from '#libs/apimachinery';
import type { CatalogSource } from '#libs/api';
import type { AuditEntry, AuditKind, EventMeta, EventType, Position, Sequence, StreamName } from '#libs/log';
import type { WriteRequest } from '#libs/registry';

/** Time and chance, handed in so that tests and the simulation own them. */
export interface World {
  readonly now: () => Instant;
  /** In [0, 1). */
  readonly random: () => number;
  readonly uuid: () => string;
}

/** A current object in the cache. `body` is the event's body: canonical JSON without a resourceVersion. */
export interface Entry {
  readonly resource: GroupVersionResource;
  readonly namespace: string;
  readonly name: string;
  readonly sequence: Sequence;
  readonly body: Uint8Array;
  /** Parsed on first use, frozen deeply, resourceVersion filled in. */
  readonly object: KubeObject;
  /** `stream:sequence` of the event that began the chain which its newest event belongs to; undefined where that is a root, or not known. */
  readonly root?: string | undefined;
}

/** One event as the cache applied it. `old` is what it replaced or removed. */
export interface CacheEvent {
  readonly stream: StreamName;
  readonly sequence: Sequence;
  readonly type: EventType;
  readonly resource: GroupVersionResource;
  readonly meta: EventMeta;
  /** The object now; of a deletion, as it last was, with the deletion's own sequence. */
  readonly entry: Entry;
  readonly old: Entry | undefined;
}

/**
 * The current objects of all resources, in memory, at exactly one position: a snapshot from the projection,
 * then the log's tail. Never a second truth: every read also works from the projection.
 */
export interface StateView extends Lister {
  readonly position: Position;
  /** What is served at this position: changed before listeners hear of the event that changes it. */
  readonly catalog: CatalogSource;
  entry(resource: GroupVersionResource, namespace: string, name: string): Entry | undefined;
  /** Sorted by namespace, then name, bytewise, as upstream lists them. */
  entries(resource: GroupVersionResource, namespace?: string): readonly Entry[];
  /** Resolves once the cache has applied `sequence` of the stream; rejects with the signal's reason. */
  reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void>;
  /** Called synchronously for each event, in order; returns how to stop. A listener must not throw. */
  subscribe(listener: (event: CacheEvent) => void): () => void;
  /** The events of a resource after a sequence, oldest first; undefined where the window no longer holds them all. */
  since(resource: GroupVersionResource, after: Sequence): readonly CacheEvent[] | undefined;
}

/** A current object as a snapshot or the history yields it. */
export interface StoredRow {
  readonly resource: Pick<GroupVersionResource, 'group' | 'resource'>;
  readonly namespace: string;
  readonly name: string;
  readonly sequence: Sequence;
  readonly body: Uint8Array;
  /** As `Entry.root`; filled in by snapshots alone. */
  readonly root?: string;
}

/** Where a cache starts from: all current objects at one position. The projection implements it. */
export interface SnapshotSource {
  snapshot(): Promise<{ readonly position: Position; readonly rows: readonly StoredRow[] }>;
}

/** Reads of the projection, of now and of any moment before. */
export interface HistoryReader {
  /** Resolves once the projection holds the sequence; rejects with the signal's reason. */
  reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void>;
  getAt(resource: GroupVersionResource, namespace: string, name: string, at: Sequence): Promise<StoredRow | undefined>;
  /** Sorted as `StateView.entries`; `after` is the last row of the page before, exclusive. */
  listAt(
    resource: GroupVersionResource,
    namespace: string | undefined,
    at: Sequence,
    page?: { readonly limit: number; readonly after?: { readonly namespace: string; readonly name: string } },
  ): Promise<readonly StoredRow[]>;
  /** How many objects such a list has behind a place. */
  countAt(
    resource: GroupVersionResource,
    namespace: string | undefined,
    at: Sequence,
    after: { readonly namespace: string; readonly name: string },
  ): Promise<number>;
  /** The sequence that the projection has reached of a stream. */
  position(stream: StreamName): Promise<Sequence>;
  /** When the stream's sequence was stored; undefined where it holds no such event. */
  timeOf(stream: StreamName, sequence: Sequence): Promise<Instant | undefined>;
}

/** An event as the projection holds it, and the body of the same object's event before it. */
export interface StoredRevision extends StoredRow {
  readonly stream: StreamName;
  readonly uid: string;
  readonly type: EventType;
  readonly time: Instant;
  readonly meta: EventMeta;
  /** The same object's event before, across deletions; absent on the first, and where it was not asked for. */
  readonly before?: { readonly sequence: Sequence; readonly type: EventType; readonly body: Uint8Array };
}

/** Which events to look for, newest first. What is absent matches all. */
export interface RevisionQuery {
  readonly stream?: StreamName;
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly actor?: string;
  readonly verb?: string;
  /** Only what this event began, itself included: `stream:sequence`. */
  readonly root?: string;
  /** Only what was made because of one of these events: `stream:sequence` each. */
  readonly causes?: readonly string[];
  readonly since?: Instant;
  readonly until?: Instant;
  /** Only events before this place of the order: the last of the page before. */
  readonly before?: { readonly time: Instant; readonly stream: StreamName; readonly sequence: Sequence };
  readonly limit: number;
  /** Fills in `before` of the rows. */
  readonly withBefore?: boolean;
}

/** An entry of the audit stream as the projection holds it. */
export interface StoredRequest {
  readonly sequence: Sequence;
  readonly index: number;
  readonly entry: AuditEntry;
}

/** Which entries of the audit stream to look for, newest first. What is absent matches all. */
export interface RequestQuery {
  readonly kind?: AuditKind;
  /** Who asked, or who really asked. */
  readonly user?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly since?: Instant;
  readonly until?: Instant;
  readonly before?: { readonly time: Instant; readonly sequence: Sequence; readonly index: number };
  readonly limit: number;
}

/** Reads of the projection, and where moments lie. */
export interface MomentReader extends HistoryReader {
  /** The newest sequence of each stream that was stored by then; 0 where nothing was. */
  positionBy(time: Instant): Promise<Position>;
  /** When the newest event of the stream up to a sequence was stored; undefined where there is none. */
  timeBy(stream: StreamName, sequence: Sequence): Promise<Instant | undefined>;
}

/** What the projection can say of who did what, and where moments lie. */
export interface PastReader extends MomentReader {
  revision(stream: StreamName, sequence: Sequence, withBefore?: boolean): Promise<StoredRevision | undefined>;
  revisions(query: RevisionQuery): Promise<readonly StoredRevision[]>;
  requests(query: RequestQuery): Promise<readonly StoredRequest[]>;
}

/** The outcome of a write. `sequence` is undefined where nothing was written (a no-op, a dry run). */
export interface WriteResult {
  readonly code: 200 | 201 | 202;
  /** The object as answered, resourceVersion included. */
  readonly object: KubeObject;
  readonly sequence: Sequence | undefined;
  /** The same object's JSON as it was stored, without the resourceVersion; absent where the answer is not what was stored. */
  readonly body?: Uint8Array;
  readonly warnings: readonly string[];
  /** What admission has for the record, by keys; absent: nothing. */
  readonly annotations?: ReadonlyMap<string, string>;
}

/** The outcome of several writes that happened together. */
export interface TransactionResult {
  /** One for each request, in order. */
  readonly results: readonly WriteResult[];
  /** The first event, in the stream `state`: the root of all others. Undefined where nothing was written. */
  readonly root: Sequence | undefined;
  /** The last event. */
  readonly last: Sequence | undefined;
}

/**
 * The write path: decode, admit, default, validate, append. Throws StatusError (also 503 with Retry-After
 * where the log is gone). Used by the API server for its clients and by the controller loop for changes.
 */
export interface WritePath {
  execute(request: WriteRequest): Promise<WriteResult>;
  /** Resolves once the view that it decides on holds all that the log does at the call. Rejects with a StatusError where the log is gone. */
  madeCurrent(): Promise<void>;
}

/** A write path that carries out several writes as one. */
export interface TransactionPath extends WritePath {
  /**
   * Several writes to the stream `state`, all or nothing, each decided with what those before it make of the state. Throws one
   * StatusError that names every request that is refused.
   */
  transact(requests: readonly WriteRequest[]): Promise<TransactionResult>;
}

/** What the house says about itself as it runs. The platform room implements it. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, error: unknown, fields?: Readonly<Record<string, unknown>>): void;
}

/** A logger that says nothing. */
export const SILENT_LOGGER: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
