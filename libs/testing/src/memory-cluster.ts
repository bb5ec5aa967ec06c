import { DEFINITIONS, definitionOf, type ResourceDefinition } from '#libs/api';
import { StatusError, toStatus, type GroupVersionResource, type Instant, type KubeObject, type Status } from '#libs/apimachinery';
import { ORIGIN, STREAMS, type EventLog } from '#libs/log';
import type { Patch, WriteOptions, WriteRequest } from '#libs/registry';
import { StateCache, WritePathEngine, SILENT_LOGGER, type World, type WriteResult } from '#libs/runtime';
import { MemoryLog, SIMULATED_SETTINGS, type MemoryLogOptions } from '#libs/simulation';

/** A world that repeats itself: uids count up, chance is a fixed sequence, and time stands where it is put. */
export class SteadyWorld implements World {
  #uids = 0;
  #seed = 1;
  time: Instant = Date.parse('2026-01-01T00:00:00Z');

  readonly now = (): Instant => this.time;
  readonly uuid = (): string => `00000000-0000-4000-8000-${(++this.#uids * 4096).toString(16).padStart(12, '0')}`;
  readonly random = (): number => {
    this.#seed = (this.#seed * 48271) % 2147483647;
    return this.#seed / 2147483647;
  };
}

/** A write as a test asks for it. */
export interface Wish {
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly object?: unknown;
  readonly patch?: Patch;
  readonly options?: WriteOptions;
}

/** An object whose members a test spreads. */
export type ChangedObject = KubeObject & { readonly spec?: object; readonly status?: object };

/** The definition of a resource. Throws where there is none. */
export function definedAs(resource: GroupVersionResource): ResourceDefinition {
  const definition = definitionOf(resource);
  if (!definition) throw new Error(`${resource.resource} is not defined`);
  return definition;
}

/** A log (in memory unless given), a cache that tails it and a write path over both: a cluster's write side, in one process. */
export class MemoryCluster {
  private constructor(
    readonly log: EventLog,
    readonly view: StateCache,
    readonly writePath: WritePathEngine,
    readonly world: SteadyWorld,
    private readonly controller: AbortController,
  ) {}

  static async start(options: MemoryLogOptions = {}, log: EventLog = new MemoryLog(options)): Promise<MemoryCluster> {
    const controller = new AbortController();
    const snapshots = { snapshot: async () => ({ position: ORIGIN, rows: [] }) };
    const view = await StateCache.start({ log, snapshots, definitions: DEFINITIONS, logger: SILENT_LOGGER, signal: controller.signal });
    const world = new SteadyWorld();
    const writePath = new WritePathEngine({ log, view, settings: SIMULATED_SETTINGS, world, cluster: 'test' });
    return new MemoryCluster(log, view, writePath, world, controller);
  }

  async write(verb: WriteRequest['verb'], resource: GroupVersionResource, wish: Wish): Promise<WriteResult> {
    const { options = {}, ...rest } = wish;
    return this.writePath.execute({ verb, definition: definedAs(resource), options, requester: { actor: { user: 'alice' } }, ...rest });
  }

  create(resource: GroupVersionResource, object: KubeObject, wish: Wish = {}): Promise<WriteResult> {
    const { namespace } = object.metadata;
    return this.write('create', resource, { object, ...(namespace === undefined ? {} : { namespace }), ...wish });
  }

  /** The object as the cache has it, once the cache holds everything the log does. */
  async get(resource: GroupVersionResource, namespace: string, name: string): Promise<KubeObject | undefined> {
    await this.settled();
    return this.view.get(resource, namespace, name);
  }

  /** Sends back what the cache holds, changed. `wish` names the object. */
  async update(resource: GroupVersionResource, wish: Wish, change: (old: ChangedObject) => object): Promise<WriteResult> {
    const old = await this.get(resource, wish.namespace ?? '', wish.name ?? '');
    if (!old) throw new Error(`${resource.resource} ${wish.name ?? ''} is not there`);
    return this.write('update', resource, { ...wish, object: change(old as ChangedObject) });
  }

  async settled(): Promise<void> {
    await Promise.all(STREAMS.map(async (each) => this.view.reached(each, await this.log.last(each))));
  }

  async stop(): Promise<void> {
    this.controller.abort();
    await this.log.close();
  }
}

/** The Status that a write is refused with. Throws where it is not refused, and what is no StatusError. */
export async function refusalOf(write: Promise<unknown>): Promise<Status> {
  const thrown = await write.then(
    () => new Error('the write was not refused'),
    (error: unknown) => error,
  );
  if (!(thrown instanceof StatusError)) throw thrown;
  return toStatus(thrown);
}
