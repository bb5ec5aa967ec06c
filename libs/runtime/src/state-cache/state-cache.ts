import { catalogWith, CUSTOMRESOURCEDEFINITIONS, type ResourceDefinition } from '#libs/api';
import { parseApiVersion, qualifiedResource, type GroupVersionResource, type KubeObject, type OwnedObject } from '#libs/apimachinery';
import {
  EventUnreadable,
  parseSubject,
  SequenceArchived,
  SequenceOutOfRange,
  STREAMS,
  type EventLog,
  type Position,
  type Recorded,
  type Sequence,
  type StreamName,
} from '#libs/log';
import { systemTimers, type Timers } from '../controller/timers.js';
import type { ConditionReport, Conditions } from '../conditions/index.js';
import type { CacheEvent, Entry, Logger, SnapshotSource, StateView } from '../ports.js';
import { CatalogHolder } from './catalog-holder.js';
import { CachedEntry, type Decode } from './cached-entry.js';
import { EventWindow, type WindowLimits } from './event-window.js';
import { OrphanIndex } from './orphan-index.js';
import { OwnerIndex } from './owner-index.js';
import { ResourceTable } from './resource-table.js';
import { Waiters } from './waiters.js';

/** What a cache is made of. */
export interface StateCacheOptions {
  readonly log: EventLog;
  readonly snapshots: SnapshotSource;
  /** The built-in kinds. */
  readonly definitions: readonly ResourceDefinition[];
  readonly logger: Logger;
  /** Ends the tails. */
  readonly signal: AbortSignal;
  /** Told whether the log can be followed; nobody unless set. */
  readonly conditions?: Conditions;
  /** The cache was so far behind that what it has not seen was archived: only a new one, from a new snapshot, can go on. */
  readonly onOvertaken?: (error: SequenceArchived) => void;
  /** How much of each resource's recent past is kept; 10,000 events and 16 MiB unless set. */
  readonly window?: WindowLimits;
  /** Node's own unless set. */
  readonly timers?: Timers;
  /** How objects are read from their bytes: where several caches hold the same events in one process, they can share what was read. */
  readonly decode?: Decode;
}

const WINDOW: WindowLimits = { events: 10_000, bytes: 16 * 1024 * 1024 };
const DEFINING = qualifiedResource(CUSTOMRESOURCEDEFINITIONS);
const TOMBSTONES_KEPT = 100_000;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;

/**
 * The current objects of all resources in memory, fed by the log's tail: the StateView that API servers and
 * controllers read. Objects it hands out are frozen; lists are snapshots.
 */
export class StateCache implements StateView {
  readonly #options: StateCacheOptions;
  readonly #resources = new Map<string, GroupVersionResource>();
  readonly #tables = new Map<string, ResourceTable>();
  readonly #windows = new Map<string, EventWindow>();
  readonly #owners = new OwnerIndex();
  /** Of the resources whose orphans were asked for. */
  readonly #orphans = new Map<string, OrphanIndex>();
  readonly #listeners = new Set<(event: CacheEvent) => void>();
  readonly #waiters: Readonly<Record<StreamName, Waiters>> = { state: new Waiters(), lease: new Waiters(), event: new Waiters() };
  /** The sequences of deleted objects' last events, oldest first: what a new object of that name is expected to follow. */
  readonly #tombstones = new Map<string, Sequence>();
  readonly catalog: CatalogHolder;
  #onOvertaken: ((error: SequenceArchived) => void) | undefined;
  /** While it starts: nobody is served from a state that can't be brought up to the log's end. */
  #onUnreadable: ((error: EventUnreadable) => void) | undefined;
  readonly #position: Record<StreamName, Sequence>;
  readonly #origin: Position;

  private constructor(options: StateCacheOptions, origin: Position) {
    this.#options = options;
    this.#origin = origin;
    this.#position = { ...origin };
    this.catalog = new CatalogHolder(catalogWith(options.definitions, []));
    for (const { resource } of options.definitions) this.#resources.set(qualifiedResource(resource), resource);
  }

  /**
   * Loads the snapshot, tails all streams and resolves once the cache holds everything the log held at the call.
   * Rejects with SequenceOutOfRange where the log ends before the snapshot: it was rolled back, and serving would lie; with
   * SequenceArchived where the snapshot is behind what was archived; with EventUnreadable where an event can't be read.
   */
  static async start(options: StateCacheOptions): Promise<StateCache> {
    const { position, rows } = await options.snapshots.snapshot();
    const cache = new StateCache(options, position);
    for (const { resource, namespace, name, sequence, body, root } of rows) {
      cache.#store(new CachedEntry(cache.#resourceOf(resource, body), namespace, name, sequence, body, root, options.decode));
    }
    cache.#recatalog();
    const lasts = await Promise.all(STREAMS.map((stream) => options.log.last(stream)));
    STREAMS.forEach((stream, i) => {
      const last = lasts[i] ?? 0;
      if (last < position[stream]) {
        throw new SequenceOutOfRange(
          `the log's stream ${stream} ends at ${last}, before the snapshot's ${position[stream]}: it was rolled back`,
        );
      }
    });
    const overtaken = new Promise<never>((_, reject) => (cache.#onOvertaken = cache.#onUnreadable = reject));
    for (const stream of STREAMS) void cache.#tail(stream);
    const caughtUp = Promise.all(STREAMS.map((stream, i) => cache.reached(stream, lasts[i] ?? 0, options.signal)));
    await Promise.race([caughtUp, overtaken]);
    cache.#onOvertaken = options.onOvertaken;
    cache.#onUnreadable = undefined;
    return cache;
  }

  get position(): Position {
    return { ...this.#position };
  }

  entry(resource: GroupVersionResource, namespace: string, name: string): Entry | undefined {
    return this.#tables.get(qualifiedResource(resource))?.get(namespace, name);
  }

  entries(resource: GroupVersionResource, namespace?: string): readonly Entry[] {
    return this.#tables.get(qualifiedResource(resource))?.entries(namespace) ?? [];
  }

  get(resource: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.entry(resource, namespace ?? '', name)?.object;
  }

  list(resource: GroupVersionResource, namespace?: string): readonly KubeObject[] {
    return this.#tables.get(qualifiedResource(resource))?.objects(namespace) ?? [];
  }

  ownedBy(uid: string): readonly OwnedObject[] {
    return this.#owners.ownedBy(uid);
  }

  orphans(resource: GroupVersionResource, namespace: string): readonly KubeObject[] {
    const key = qualifiedResource(resource);
    let index = this.#orphans.get(key);
    if (!index) {
      index = new OrphanIndex(this.entries(resource));
      this.#orphans.set(key, index);
    }
    return index.orphans(namespace);
  }

  reached(stream: StreamName, sequence: Sequence, signal?: AbortSignal): Promise<void> {
    return sequence <= this.#position[stream] ? Promise.resolve() : this.#waiters[stream].wait(sequence, signal);
  }

  subscribe(listener: (event: CacheEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  since(resource: GroupVersionResource, after: Sequence): readonly CacheEvent[] | undefined {
    const window = this.#windows.get(qualifiedResource(resource));
    if (window) return window.since(after);
    return after < this.#origin[this.#streamOf(resource)] ? undefined : [];
  }

  /** The sequence of a deleted object's last event, where it is still remembered. */
  tombstone(resource: GroupVersionResource, namespace: string, name: string): Sequence | undefined {
    return this.#tombstones.get(`${qualifiedResource(resource)}/${namespace}/${name}`);
  }

  async #tail(stream: StreamName): Promise<void> {
    const { log, logger, signal } = this.#options;
    let wait = RETRY_FIRST_MS;
    while (!signal.aborted) {
      try {
        for await (const { events, through } of log.read(stream, this.#position[stream], { signal })) {
          for (const event of events) this.#apply(event);
          if (through > this.#position[stream]) this.#position[stream] = through;
          this.#waiters[stream].reached(this.#position[stream]);
          wait = RETRY_FIRST_MS;
          this.#follows(stream);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SequenceArchived && this.#onOvertaken) return this.#onOvertaken(error);
        if (error instanceof EventUnreadable && this.#onUnreadable) return this.#onUnreadable(error);
        this.#options.conditions?.report(`following-${stream}`, notFollowed(stream, this.#position[stream], error));
        logger.error(`reading the log's stream ${stream} after ${this.#position[stream]} failed; trying again`, error, {
          stream,
          sequence: this.#position[stream],
        });
        await this.#pause(wait);
        wait = Math.min(wait * 2, RETRY_MOST_MS);
      }
    }
  }

  #pause(ms: number): Promise<void> {
    const { timers = systemTimers, signal } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = timers.after(ms, end);
      signal.addEventListener('abort', end);
    });
  }

  /** What was never in doubt is not spoken of. */
  #follows(stream: StreamName): void {
    const { conditions } = this.#options;
    const name = `following-${stream}`;
    if (conditions?.get(name)?.state === 'failed') conditions.ok(name);
  }

  /** A redelivered event is known by its sequence and changes nothing. */
  #apply(recorded: Recorded): void {
    const { stream, sequence, meta, body } = recorded;
    if (sequence <= this.#position[stream]) return;
    const parts = parseSubject(recorded.subject);
    if (!parts) return;
    const { namespace, name } = parts;
    const resource = this.#resourceOf(parts, body);
    const old = this.entry(resource, namespace, name);
    const entry = new CachedEntry(resource, namespace, name, sequence, body, meta.root, this.#options.decode);
    if (meta.type === 'Deleted') this.#remove(entry);
    else this.#store(entry);
    this.#position[stream] = sequence;
    const event: CacheEvent = { stream, sequence, type: meta.type, resource, meta, entry, old };
    this.#windowOf(resource, stream).push(event);
    if (resource === this.#resources.get(DEFINING)) this.#recatalog();
    for (const listener of this.#listeners) this.#tell(listener, event);
  }

  #recatalog(): void {
    try {
      this.catalog.put(catalogWith(this.#options.definitions, this.list(CUSTOMRESOURCEDEFINITIONS)));
    } catch (error) {
      this.#options.logger.error('the catalog of kinds could not be made', error);
    }
  }

  /** One listener's bug must not keep the event from the others. */
  #tell(listener: (event: CacheEvent) => void, event: CacheEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#options.logger.error('a listener of the state cache threw', error, { stream: event.stream, sequence: event.sequence });
    }
  }

  #store(entry: Entry): void {
    const key = qualifiedResource(entry.resource);
    let table = this.#tables.get(key);
    if (!table) {
      table = new ResourceTable();
      this.#tables.set(key, table);
    }
    this.#owners.replace(table.get(entry.namespace, entry.name), entry);
    table.put(entry);
    this.#orphans.get(key)?.put(entry);
    if (this.#tombstones.size > 0) this.#tombstones.delete(`${key}/${entry.namespace}/${entry.name}`);
  }

  #remove({ resource, namespace, name, sequence }: Entry): void {
    const key = qualifiedResource(resource);
    const table = this.#tables.get(key);
    this.#owners.replace(table?.get(namespace, name), undefined);
    table?.remove(namespace, name);
    this.#orphans.get(key)?.remove(namespace, name);
    this.#tombstones.set(`${key}/${namespace}/${name}`, sequence);
    if (this.#tombstones.size <= TOMBSTONES_KEPT) return;
    const oldest = this.#tombstones.keys().next();
    if (!oldest.done) this.#tombstones.delete(oldest.value);
  }

  #windowOf(resource: GroupVersionResource, stream: StreamName): EventWindow {
    const key = qualifiedResource(resource);
    let window = this.#windows.get(key);
    if (!window) {
      window = new EventWindow(this.#origin[stream], this.#options.window ?? WINDOW);
      this.#windows.set(key, window);
    }
    return window;
  }

  /** The served version of a resource; of one no longer served, the version its stored body names. */
  #resourceOf(place: Pick<GroupVersionResource, 'group' | 'resource'>, body: Uint8Array): GroupVersionResource {
    const key = qualifiedResource(place);
    let resource = this.#resources.get(key);
    if (!resource) {
      const { apiVersion } = JSON.parse(new TextDecoder().decode(body)) as KubeObject;
      resource = { group: place.group, version: parseApiVersion(apiVersion).version, resource: place.resource };
      this.#resources.set(key, resource);
    }
    return resource;
  }

  #streamOf(resource: GroupVersionResource): StreamName {
    const key = qualifiedResource(resource);
    return this.#options.definitions.find((definition) => qualifiedResource(definition.resource) === key)?.stream ?? 'state';
  }
}

/** How it stands with a stream that can't be followed. */
function notFollowed(stream: StreamName, after: Sequence, error: unknown): ConditionReport {
  const why = error instanceof Error ? error.message : String(error);
  const reason = error instanceof EventUnreadable ? 'Unreadable' : error instanceof SequenceOutOfRange ? 'Incomplete' : 'Failing';
  return { state: 'failed', reason, message: `nothing of ${stream} after ${after} is known here: ${why}` };
}
