import type { ResourceDefinition } from '#libs/api';
import {
  parseApiVersion,
  qualifiedResource,
  type Controller,
  type GroupVersionResource,
  type Instant,
  type KubeObject,
  type Lister,
  type OwnedObject,
  type SnapshotIndex,
} from '#libs/apimachinery';
import { decodeObject, parseSubject, STREAMS, type EventLog, type Position, type Recorded, type StreamName } from '#libs/log';
import type { Entry } from '../ports.js';
import { CachedEntry } from '../state-cache/cached-entry.js';
import { OwnerIndex } from '../state-cache/owner-index.js';
import { ResourceTable } from '../state-cache/resource-table.js';
import { Tape, type Frame } from './tape.js';

/** What a timeline is made of. */
export interface TimelineOptions {
  readonly log: EventLog;
  readonly definitions: readonly ResourceDefinition[];
  /** How far each stream is read. */
  readonly until: Position;
  /** Events of each stream that one can go back by. */
  readonly keep: number;
  /** Controllers whose indexes are kept up to date. */
  readonly controllers: readonly Controller[];
  /** Hears of every event as it is read. */
  readonly onRead: (events: readonly Recorded[]) => void;
}

const NONE: readonly KubeObject[] = [];

interface Fed {
  readonly watched: ReadonlySet<string>;
  readonly index: SnapshotIndex<unknown>;
}

/**
 * All objects as they were at one position of a log, which moves on and, by some way, back. Lists come in the reverse of the order
 * in which a state cache has them: no order is promised, so that what depends on one shows.
 */
export class Timeline implements Lister {
  readonly #tapes: Readonly<Record<StreamName, Tape>>;
  readonly #resources = new Map<string, GroupVersionResource>();
  readonly #tables = new Map<string, ResourceTable>();
  readonly #reversed = new WeakMap<readonly KubeObject[], readonly KubeObject[]>();
  readonly #owners = new OwnerIndex();
  readonly #fed = new Map<string, Fed>();
  readonly #keep: number;
  readonly #onRead: (events: readonly Recorded[]) => void;

  constructor({ log, definitions, until, keep, controllers, onRead }: TimelineOptions) {
    this.#keep = keep;
    this.#onRead = onRead;
    for (const { resource } of definitions) this.#resources.set(qualifiedResource(resource), resource);
    for (const { name, watches, index } of controllers) {
      if (index) this.#fed.set(name, { watched: new Set(watches.map(({ resource }) => qualifiedResource(resource))), index: index() });
    }
    const tape = (stream: StreamName): Tape => new Tape(log, stream, until[stream], (event) => this.#frameOf(event));
    this.#tapes = { state: tape('state'), lease: tape('lease'), event: tape('event') };
  }

  get position(): Position {
    return { state: this.#tapes.state.position, lease: this.#tapes.lease.position, event: this.#tapes.event.position };
  }

  get ended(): boolean {
    return STREAMS.every((stream) => this.#tapes[stream].ended);
  }

  get(resource: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#tables.get(qualifiedResource(resource))?.get(namespace ?? '', name)?.object;
  }

  list(resource: GroupVersionResource, namespace?: string): readonly KubeObject[] {
    const objects = this.#tables.get(qualifiedResource(resource))?.objects(namespace) ?? NONE;
    const known = this.#reversed.get(objects);
    if (known) return known;
    const reversed = objects.toReversed();
    this.#reversed.set(objects, reversed);
    return reversed;
  }

  ownedBy(uid: string): readonly OwnedObject[] {
    return this.#owners.ownedBy(uid).toReversed();
  }

  /** The controller's own index, as it stands here; undefined where it has none. */
  indexOf(controller: string): SnapshotIndex<unknown> | undefined {
    return this.#fed.get(controller)?.index;
  }

  /** Reads on, the stream that lies behind in time first, until so many events lie ahead or all is read. */
  async readAhead(events: number): Promise<void> {
    const tapes = STREAMS.map((stream) => this.#tapes[stream]);
    while (!this.ended && tapes.reduce((sum, { ahead }) => sum + ahead, 0) < events) {
      const [behind] = tapes.filter(({ ended }) => !ended).sort((a, b) => a.time - b.time);
      if (behind) await this.#read(behind);
    }
  }

  /** Up to when the streams were passed. */
  get time(): Instant {
    return Math.max(...STREAMS.map((stream) => this.#tapes[stream].passed));
  }

  /** The time of the event in the middle of what lies ahead. */
  get middle(): Instant {
    const times = STREAMS.flatMap((stream) => this.#tapes[stream].upcoming().map(({ time }) => time)).sort((a, b) => a - b);
    return times[times.length >> 1] ?? 0;
  }

  /** Goes to a position, reading what is needed; false where that lies too far back. */
  async moveTo(position: Position): Promise<boolean> {
    for (const stream of STREAMS) {
      const tape = this.#tapes[stream];
      while (tape.through < position[stream] && !tape.ended) await this.#read(tape);
      if (position[stream] >= tape.position) tape.forward(position[stream], this.#pass);
      else if (!tape.back(position[stream], this.#undo)) return false;
    }
    return true;
  }

  /** Goes on past all that was stored until then, and forgets what lies far behind. */
  passUntil(time: Instant): void {
    for (const stream of STREAMS) {
      const tape = this.#tapes[stream];
      const last = tape.upcoming().findLast((frame) => frame.time <= time);
      if (last) tape.forward(last.sequence, this.#pass);
      tape.forget(this.#keep);
    }
  }

  async close(): Promise<void> {
    await Promise.all(STREAMS.map((stream) => this.#tapes[stream].close()));
  }

  async #read(tape: Tape): Promise<void> {
    this.#onRead(await tape.read());
  }

  #frameOf({ subject, sequence, time, meta, body }: Recorded): Frame | undefined {
    const place = parseSubject(subject);
    if (!place) return undefined;
    const resource = this.#resourceOf(place, body, sequence);
    const entry = new CachedEntry(resource, place.namespace, place.name, sequence, body, undefined);
    return { resource, sequence, time, entry, deleted: meta.type === 'Deleted', old: undefined };
  }

  readonly #pass = (frame: Frame): void => {
    const { resource, entry, deleted } = frame;
    frame.old = this.#table(resource).get(entry.namespace, entry.name);
    this.#replace(resource, frame.old, deleted ? undefined : entry, entry);
  };

  readonly #undo = ({ resource, entry, deleted, old }: Frame): void => this.#replace(resource, deleted ? undefined : entry, old, entry);

  #replace(resource: GroupVersionResource, old: Entry | undefined, next: Entry | undefined, gone: Entry): void {
    const table = this.#table(resource);
    if (next) table.put(next);
    else table.remove(gone.namespace, gone.name);
    this.#owners.replace(old, next);
    const key = qualifiedResource(resource);
    for (const { watched, index } of this.#fed.values()) {
      if (watched.has(key)) index.apply(resource, next?.object, old?.object ?? (next ? undefined : gone.object));
    }
  }

  #table(resource: GroupVersionResource): ResourceTable {
    const key = qualifiedResource(resource);
    const table = this.#tables.get(key) ?? new ResourceTable();
    this.#tables.set(key, table);
    return table;
  }

  /** The version of a resource: the built-in one, or of a custom resource the one its first object was stored in. */
  #resourceOf(place: Pick<GroupVersionResource, 'group' | 'resource'>, body: Uint8Array, sequence: number): GroupVersionResource {
    const key = qualifiedResource(place);
    const known = this.#resources.get(key);
    if (known) return known;
    const { version } = parseApiVersion(decodeObject(body, sequence).apiVersion);
    const resource = { group: place.group, version, resource: place.resource };
    this.#resources.set(key, resource);
    return resource;
  }
}
