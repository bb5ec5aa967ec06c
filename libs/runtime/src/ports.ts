import type { GroupVersionResource, Instant, KubeObject, Lister } from '#libs/apimachinery';
import type { CatalogSource } from '#libs/api';
import type { EventMeta, EventType, Position, Sequence, StreamName } from '#libs/log';
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

/** The outcome of a write. `sequence` is undefined where nothing was written (a no-op, a dry run). */
export interface WriteResult {
  readonly code: 200 | 201 | 202;
  /** The object as answered, resourceVersion included. */
  readonly object: KubeObject;
  readonly sequence: Sequence | undefined;
  readonly warnings: readonly string[];
  /** What admission has for the record, by keys; absent: nothing. */
  readonly annotations?: ReadonlyMap<string, string>;
}

/**
 * The write path: decode, admit, default, validate, append. Throws StatusError (also 503 with Retry-After
 * where the log is gone). Used by the API server for its clients and by the controller loop for changes.
 */
export interface WritePath {
  execute(request: WriteRequest): Promise<WriteResult>;
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
