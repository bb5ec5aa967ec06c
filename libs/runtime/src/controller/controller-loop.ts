import { setMaxListeners } from 'node:events';
import {
  qualifiedResource,
  type Change,
  type Controller,
  type GroupVersionResource,
  type ReconcileResult,
  type WatchRule,
} from '#libs/apimachinery';
import { formatPlace, STREAMS, type Position } from '#libs/log';
import type { Requester } from '#libs/registry';
import type { CacheEvent, Logger, StateView, World, WritePath } from '../ports.js';
import { carryOut, type Outcome, type Written } from './carry-out.js';
import { actorOf, decidedChange, requestFor } from './change-request.js';
import { runsOf, type IndexedChange } from './change-runs.js';
import { TerminalError } from './terminal-error.js';
import { systemTimers, type Timers } from './timers.js';
import { WorkQueue, type Backoff } from './work-queue.js';

/** What a controller loop is made of. */
export interface ControllerLoopOptions<Snapshot = unknown> {
  readonly controller: Controller<Snapshot>;
  readonly view: StateView;
  readonly writePath: WritePath;
  readonly world: World;
  readonly logger: Logger;
  /** Which build decided: kept with every event. */
  readonly build: string;
  readonly timers?: Timers;
  readonly backoff?: Backoff;
  /** Keys worked on at once; 32 unless set. */
  readonly workers?: number;
  /** Changes of one decision in flight at once; 256 unless set. */
  readonly changesInFlight?: number;
}

/** Why a key is looked at: the newest event that woke it, and the first of that event's chain. */
interface Wake {
  readonly cause?: string;
  readonly root?: string;
}

const WORKERS = 32;
const CHANGES_IN_FLIGHT = 256;
/** Decisions made again at once after a race, before the key's backoff counts. */
const EAGER_RACES = 5;

const wakeOf = ({ stream, sequence, meta }: CacheEvent): Wake => {
  const cause = formatPlace(stream, sequence);
  return { cause, root: meta.root ?? cause };
};

const same = (a: Position, b: Position): boolean => STREAMS.every((stream) => a[stream] === b[stream]);

/**
 * Feeds one controller: events to keys, keys to snapshots, decisions to the write path. A key whose writes reached
 * sequence S is not reconciled again before the view has: no controller sees a world without its own writes.
 */
export class ControllerLoop<Snapshot = unknown> {
  readonly #options: ControllerLoopOptions<Snapshot>;
  readonly #queue: WorkQueue<Wake>;
  readonly #rules = new Map<string, WatchRule[]>();
  readonly #raced = new Map<string, Wake>();
  readonly #working = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #snapshot: (key: string) => Snapshot | undefined;
  readonly #index: ReturnType<NonNullable<Controller<Snapshot>['index']>> | undefined;
  #unsubscribe: () => void = () => undefined;
  #pumping = false;

  constructor(options: ControllerLoopOptions<Snapshot>) {
    this.#options = options;
    // Each key that is worked on waits with it: up to WORKERS of them, which Node takes for a leak from the eleventh on.
    setMaxListeners(0, this.#stopping.signal);
    const { controller, view, world, timers = systemTimers, backoff } = options;
    this.#index = controller.index?.();
    const index = this.#index;
    this.#snapshot = index ? (key) => index.snapshot(key) : (key) => controller.snapshot(key, view);
    for (const rule of controller.watches) {
      const name = qualifiedResource(rule.resource);
      this.#rules.set(name, [...(this.#rules.get(name) ?? []), rule]);
    }
    this.#queue = new WorkQueue<Wake>({
      timers,
      now: world.now,
      ...(backoff ? { backoff } : {}),
      merge: (_earlier, later) => later,
      onReady: () => this.#pumpSoon(),
    });
  }

  get name(): string {
    return this.#options.controller.name;
  }

  /** Nothing is being worked on or could be. Keys may still come back after a delay. */
  get idle(): boolean {
    return this.#queue.idle && this.#raced.size === 0 && !this.#pumping;
  }

  /** From now on every event of the view is heard; all objects there are count as just seen. */
  start(): void {
    const { controller, view } = this.#options;
    this.#unsubscribe = view.subscribe((event) => this.#hear(event));
    for (const rules of this.#rules.values()) {
      const [first] = rules;
      if (first) this.#seeAll(first.resource, rules);
    }
    if (controller.watchesAll) for (const { resource } of view.catalog.current.stored) this.#seeEverything(resource, controller.watchesAll);
    for (const key of controller.initialKeys ?? []) this.#queue.add(key, {});
  }

  /** Takes no new key; resolves once the ones being worked on are done. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#queue.close();
    this.#stopping.abort(new Error(`the controller ${this.name} stops`));
    await Promise.all(this.#working);
  }

  #seeAll(resource: GroupVersionResource, rules: readonly WatchRule[]): void {
    const { view } = this.#options;
    const stream = view.catalog.current.storedDefinitionOf(resource)?.stream ?? 'state';
    for (const entry of view.entries(resource)) {
      const place = formatPlace(stream, entry.sequence);
      this.#index?.apply(resource, entry.object, undefined);
      for (const rule of rules) this.#wake(rule, entry.object, undefined, { cause: place, root: place });
    }
  }

  #seeEverything(resource: GroupVersionResource, keys: NonNullable<Controller['watchesAll']>): void {
    const { view } = this.#options;
    const stream = view.catalog.current.storedDefinitionOf(resource)?.stream ?? 'state';
    for (const entry of view.entries(resource)) {
      const place = formatPlace(stream, entry.sequence);
      for (const key of keys(resource, entry.object, undefined, view)) this.#queue.add(key, { cause: place, root: place });
    }
  }

  #hear(event: CacheEvent): void {
    if (this.#raced.size > 0) {
      for (const [key, wake] of this.#raced) this.#queue.add(key, wake);
      this.#raced.clear();
    }
    const rules = this.#rules.get(qualifiedResource(event.resource));
    const { controller, view } = this.#options;
    if (!rules && !controller.watchesAll) return;
    const next = event.type === 'Deleted' ? undefined : event.entry.object;
    const old = event.old?.object ?? (event.type === 'Deleted' ? event.entry.object : undefined);
    for (const key of controller.watchesAll?.(event.resource, next, old, view) ?? []) this.#queue.add(key, wakeOf(event));
    if (!rules) return;
    this.#index?.apply(event.resource, next, old);
    for (const rule of rules) this.#wake(rule, next, old, wakeOf(event));
  }

  #wake(
    rule: WatchRule,
    next: CacheEvent['entry']['object'] | undefined,
    old: CacheEvent['entry']['object'] | undefined,
    wake: Wake,
  ): void {
    for (const key of rule.keys(next, old, this.#options.view)) this.#queue.add(key, wake);
  }

  /** Waits for the end of the batch of events that the view is applying: they become one reconcile a key. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const most = this.#options.workers ?? WORKERS;
    while (this.#working.size < most && !this.#stopping.signal.aborted) {
      const item = this.#queue.take();
      if (!item) return;
      const work: Promise<void> = this.#process(item.key, item.wake).finally(() => {
        this.#working.delete(work);
        this.#queue.done(item.key);
        if (this.#queue.size > 0) this.#pumpSoon();
      });
      this.#working.add(work);
    }
  }

  async #process(key: string, wake: Wake): Promise<void> {
    const { controller, view, world, logger } = this.#options;
    try {
      const seen = { ...view.position };
      const decidedAt = world.now();
      const snapshot = this.#snapshot(key);
      if (snapshot === undefined) return this.#queue.forget(key);
      const result = controller.reconcile(snapshot, decidedAt);
      const outcome = await this.#carryOut(result.changes, wake, (index) => ({
        decision: { controller: controller.name, build: this.#options.build, key, seen, decidedAt, index },
      }));
      if (outcome.refusals.length > 0) await this.#answer(snapshot, outcome, wake);
      this.#conclude(key, wake, seen, result, outcome);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      logger.error(`${controller.name}: reconciling ${JSON.stringify(key)} failed`, error);
      if (!(error instanceof TerminalError)) this.#queue.addWithBackoff(key, wake);
    }
  }

  #conclude(key: string, wake: Wake, seen: Position, { requeueAfterMs }: ReconcileResult, outcome: Outcome): void {
    const { logger, view } = this.#options;
    if (outcome.failure !== undefined) {
      logger.warn(`${this.name}: the changes for ${JSON.stringify(key)} could not be written; trying again`, {
        error: String(outcome.failure),
      });
      return this.#queue.addWithBackoff(key, wake);
    }
    if (outcome.refusals.length > 0) {
      const [first] = outcome.refusals;
      logger.warn(`${this.name}: a change for ${JSON.stringify(key)} was refused: ${first?.message ?? ''}`);
      return this.#queue.addWithBackoff(key, wake);
    }
    if (outcome.raced) return this.#again(key, wake, same(seen, view.position));
    this.#queue.forget(key);
    if (requeueAfterMs !== undefined) this.#queue.addAfter(key, Math.max(requeueAfterMs, 1), wake);
  }

  /** After a race: at once where the view has moved, else as soon as it does; a key that keeps losing backs off. */
  #again(key: string, wake: Wake, unmoved: boolean): void {
    if (this.#queue.failuresOf(key) >= EAGER_RACES) return this.#queue.addWithBackoff(key, wake);
    this.#queue.failed(key);
    if (unmoved) this.#raced.set(key, wake);
    else this.#queue.add(key, wake);
  }

  async #answer(snapshot: Snapshot, { refusals }: Outcome, wake: Wake): Promise<void> {
    const { controller, world } = this.#options;
    const changes = controller.refused?.(snapshot, refusals, world.now()) ?? [];
    await this.#carryOut(changes, wake, () => ({}));
  }

  async #carryOut(changes: readonly Change[], wake: Wake, decided: (index: number) => Pick<Requester, 'decision'>): Promise<Outcome> {
    const { controller, logger, view, changesInFlight = CHANGES_IN_FLIGHT } = this.#options;
    const base: Requester = { actor: actorOf(controller.actor), agent: controller.name, ...wake };
    const outcome = await carryOut(
      runsOf(changes),
      (indexed) => this.#execute(changes, indexed, { ...base, ...decided(indexed.index) }),
      changesInFlight,
      (_change, error) => logger.debug(`${controller.name}: a Kubernetes Event was not written`, { error: String(error) }),
    );
    const { signal } = this.#stopping;
    await Promise.all([...outcome.reached].map(([stream, sequence]) => view.reached(stream, sequence, signal)));
    return outcome;
  }

  async #execute(changes: readonly Change[], { change, index }: IndexedChange, requester: Requester): Promise<Written> {
    const { writePath, view } = this.#options;
    const { decision } = requester;
    const decided = (decision && decidedChange(changes, index, decision)) ?? change;
    const request = requestFor(decided, view.catalog.current, requester);
    const { sequence } = await writePath.execute(request);
    return sequence === undefined ? undefined : { stream: request.definition.stream, sequence };
  }
}
