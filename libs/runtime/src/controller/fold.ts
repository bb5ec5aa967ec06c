import type { ResourceDefinition } from '#libs/api';
import {
  deepFreeze,
  parseApiVersion,
  qualifiedResource,
  type GroupVersionResource,
  type KubeObject,
  type Lister,
  type OwnedObject,
} from '#libs/apimachinery';
import {
  decodeObject,
  evolve,
  ORIGIN,
  parseSubject,
  STREAMS,
  type EventLog,
  type Position,
  type Recorded,
  type Sequence,
  type StreamName,
} from '#libs/log';

/**
 * The objects as they were at one position, folded from the log itself: what a decision is computed again from.
 * It only moves forward; a decision made earlier needs a new one.
 */
export class LogFold implements Lister {
  readonly #resources = new Map<string, GroupVersionResource>();
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #owned = new Map<string, Map<string, OwnedObject>>();
  readonly #position: Record<StreamName, Sequence> = { ...ORIGIN };
  readonly #log: EventLog;

  constructor(log: EventLog, definitions: readonly ResourceDefinition[]) {
    this.#log = log;
    for (const { resource } of definitions) this.#resources.set(qualifiedResource(resource), resource);
  }

  get position(): Position {
    return { ...this.#position };
  }

  /** Whether `advance` can still get there. */
  precedes(position: Position): boolean {
    return STREAMS.every((stream) => this.#position[stream] <= position[stream]);
  }

  /** Folds every event up to and including the position. Throws where it lies behind. */
  async advance(position: Position): Promise<void> {
    if (!this.precedes(position)) throw new RangeError('a fold can not go back');
    for (const stream of STREAMS) {
      const until = position[stream];
      if (until === this.#position[stream]) continue;
      for await (const { events } of this.#log.read(stream, this.#position[stream], { until }))
        events.forEach((event) => this.#apply(event));
      this.#position[stream] = until;
    }
  }

  get(resource: GroupVersionResource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(qualifiedResource(resource))?.get(`${namespace ?? ''}/${name}`);
  }

  list(resource: GroupVersionResource, namespace?: string): readonly KubeObject[] {
    const all = [...(this.#objects.get(qualifiedResource(resource))?.values() ?? [])];
    return namespace === undefined ? all : all.filter(({ metadata }) => (metadata.namespace ?? '') === namespace);
  }

  ownedBy(uid: string): readonly OwnedObject[] {
    return [...(this.#owned.get(uid)?.values() ?? [])];
  }

  /** The version of a resource: the built-in one, or of a custom resource the one its first object was stored in. */
  #resourceOf(place: Pick<GroupVersionResource, 'group' | 'resource'>, event: Recorded): GroupVersionResource {
    const key = qualifiedResource(place);
    const known = this.#resources.get(key);
    if (known) return known;
    const { version } = parseApiVersion(decodeObject(event.body, event.sequence).apiVersion);
    const resource = { group: place.group, version, resource: place.resource };
    this.#resources.set(key, resource);
    return resource;
  }

  #apply(event: Recorded): void {
    const place = parseSubject(event.subject);
    if (!place) return;
    const resource = this.#resourceOf(place, event);
    const table = qualifiedResource(resource);
    const key = `${place.namespace}/${place.name}`;
    const objects = this.#objects.get(table) ?? new Map<string, KubeObject>();
    this.#objects.set(table, objects);
    const old = objects.get(key);
    for (const { uid } of old?.metadata.ownerReferences ?? []) this.#owned.get(uid)?.delete(`${table} ${key}`);
    const next = evolve(old, event);
    if (!next) return void objects.delete(key);
    const object = deepFreeze(next);
    objects.set(key, object);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.#owned.get(uid) ?? new Map<string, OwnedObject>();
      this.#owned.set(uid, dependents.set(`${table} ${key}`, { resource, object }));
    }
  }
}
