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
import type { Requester, WriteRequest } from '#libs/registry';
import type { Metrics } from '../metrics.js';
import type { CacheEvent, Logger, StateView, TransactionPath, World } from '../ports.js';
import { WHOLE } from '../sharing/alone.js';
import type { Share, Shard } from '../sharing/share.js';
import { GuardMoved } from '../write-path/guarded.js';
import type { Tracing } from '../tracing/index.js';
import { carryOut, type Outcome, type Written } from './carry-out.js';
import { actorOf, decidedChange, requestFor } from './change-request.js';
import { runsOf, type IndexedChange } from './change-runs.js';
import { KeysOfShare } from './keys-of-share.js';
import { logged } from './logged.js';
import { QueueMetrics, type ReconcileOutcome } from './queue-metrics.js';
import { TerminalError } from './terminal-error.js';
import { systemTimers, type Timers } from './timers.js';
import { WorkQueue, type Backoff } from './work-queue.js';

/** What a controller loop is made of. */
export interface ControllerLoopOptions<Snapshot = unknown> {
  readonly controller: Controller<Snapshot>;
  readonly view: StateView;
  readonly writePath: TransactionPath;
  readonly world: World;
  readonly logger: Logger;
  /** Where the loop counts its keys and what came of them; nowhere unless set. */
  readonly metrics?: Metrics;
  /** Told of decisions that changed something; nobody unless set. */
  readonly tracing?: Tracing | undefined;
  /** Which build decided: kept with every event. */
  readonly build: string;
  readonly timers?: Timers;
  readonly backoff?: Backoff;
  /** Keys worked on at once; 32 unless set. */
  readonly workers?: number;
  /** Which keys are this process's to work on; all unless set. */
  readonly share?: Share;
  /** Changes of one decision in flight at once; 256 unless set. */
  readonly changesInFlight?: number;
}

/** Why a key is looked at: the newest event that woke it, and the first of that event's chain. */
interface Wake {
  readonly cause?: string;
  readonly root?: string;
}

/** What a decision is carried out on: why it was made, and what gives the right to make it. */
type Grounds = Wake & Pick<Requester, 'guards'>;

type Index = ReturnType<NonNullable<Controller['index']>>;

/** Takes a key in. */
type Want = (key: string, wake: Wake) => void;

const WORKERS = 32;
const CHANGES_IN_FLIGHT = 256;
/** Decisions made again at once after a race, before the key's backoff counts. */
const EAGER_RACES = 5;
/** The longest wait after races: who was faster got on, and the key has its turn soon. */
const LONGEST_RACE_MS = 500;
/** How long all keys stay where they are once one of ours could not be guarded. */
const REST_MS = 200;

const wakeOf = ({ stream, sequence, meta }: CacheEvent): Wake => {
  const cause = formatPlace(stream, sequence);
  return { cause, root: meta.root ?? cause };
};

const wordFor = ({ failure, refusals, raced }: Outcome): ReconcileOutcome =>
  failure instanceof GuardMoved ? 'fenced' : failure !== undefined ? 'failed' : refusals.length > 0 ? 'refused' : raced ? 'raced' : 'done';

const same = (a: Position, b: Position): boolean => STREAMS.every((stream) => a[stream] === b[stream]);

/**
 * Feeds one controller: events to keys, keys to snapshots, decisions to the write path. A key whose writes reached
 * sequence S is not reconciled again before the view has: no controller sees a world without its own writes.
 */
export class ControllerLoop<Snapshot = unknown> {
  readonly #options: ControllerLoopOptions<Snapshot>;
  readonly #queue: WorkQueue<Wake>;
  readonly #metrics: QueueMetrics | undefined;
  readonly #rules = new Map<string, WatchRule[]>();
  readonly #raced = new Map<string, Wake>();
  readonly #working = new Map<string, Promise<void>>();
  readonly #share: Share;
  readonly #keys: KeysOfShare;
  readonly #stopping = new AbortController();
  readonly #snapshot: (key: string) => Snapshot | undefined;
  readonly #index: ReturnType<NonNullable<Controller<Snapshot>['index']>> | undefined;
  #unsubscribe: () => void = () => undefined;
  #unshare: () => void = () => undefined;
  #pumping = false;
  /** Keys are not worked on for a moment: how to end that. */
  #resting: (() => void) | undefined;
  /** Decisions that could not be carried out: what was asked for may have been stored all the same, and the view may not show it yet. */
  #doubts = 0;
  /** So many of these the view has been made current after. */
  #settled = 0;

  constructor(options: ControllerLoopOptions<Snapshot>) {
    this.#options = options;
    // Each key that is worked on waits with it: up to WORKERS of them, which Node takes for a leak from the eleventh on.
    setMaxListeners(0, this.#stopping.signal);
    const { controller, view, world, timers = systemTimers, backoff, share = WHOLE } = options;
    this.#share = share;
    this.#keys = new KeysOfShare(controller, share);
    this.#index = controller.index?.();
    const index = this.#index;
    this.#snapshot = index ? (key) => index.snapshot(key) : (key) => controller.snapshot(key, view);
    for (const rule of controller.watches) {
      const name = qualifiedResource(rule.resource);
      this.#rules.set(name, [...(this.#rules.get(name) ?? []), rule]);
    }
    this.#metrics = options.metrics && new QueueMetrics(options.metrics, controller.name);
    this.#queue = new WorkQueue<Wake>({
      meter: this.#metrics,
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
    const { view } = this.#options;
    this.#unsubscribe = view.subscribe((event) => this.#hear(event));
    if (this.#index) for (const rules of this.#rules.values()) this.#fill(this.#index, rules[0]?.resource);
    this.#see((key, wake) => this.#add(key, wake));
    this.#unshare = this.#share.subscribe({
      gained: (shards) => this.#gain(new Set(shards)),
      losing: (shards) => this.#lose(new Set(shards)),
      lost: (shards) => void this.#lose(new Set(shards)),
    });
  }

  /** Takes no new key; resolves once the ones being worked on are done. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#unshare();
    this.#resting?.();
    this.#queue.close();
    this.#metrics?.close();
    this.#stopping.abort(new Error(`the controller ${this.name} stops`));
    await Promise.all(this.#working.values());
  }

  #add(key: string, wake: Wake): void {
    if (this.#keys.owns(key)) this.#queue.add(key, wake);
  }

  #addWithBackoff(key: string, wake: Wake, atMostMs?: number): void {
    if (this.#keys.owns(key)) this.#queue.addWithBackoff(key, wake, atMostMs);
  }

  /** What others have worked on until now: all of it counts as just seen. */
  #gain(shards: ReadonlySet<Shard>): void {
    this.#see((key, wake) => {
      if (this.#keys.concerns(key, shards)) this.#add(key, wake);
    });
  }

  /** Takes no more keys of these; resolves once none of them is being worked on. */
  async #lose(shards: ReadonlySet<Shard>): Promise<void> {
    const isLost = (key: string): boolean => this.#keys.concerns(key, shards);
    const isNotOurs = (key: string): boolean => isLost(key) && !this.#keys.owns(key);
    this.#queue.drop(isNotOurs);
    for (const key of this.#raced.keys()) if (isNotOurs(key)) this.#raced.delete(key);
    await Promise.all([...this.#working].flatMap(([key, work]) => (isLost(key) ? [work] : [])));
  }

  #fill(index: Index, resource: GroupVersionResource | undefined): void {
    if (resource) for (const entry of this.#options.view.entries(resource)) index.apply(resource, entry.object, undefined);
  }

  /** All objects there are, as if each had just been seen. */
  #see(want: Want): void {
    const { controller, view } = this.#options;
    for (const rules of this.#rules.values()) {
      const [first] = rules;
      if (first) this.#seeAll(first.resource, (object) => rules.flatMap((rule) => [...rule.keys(object, undefined, view)]), want);
    }
    const { watchesAll } = controller;
    if (watchesAll) {
      for (const { resource } of view.catalog.current.stored) {
        this.#seeAll(resource, (object) => watchesAll(resource, object, undefined, view), want);
      }
    }
    for (const key of controller.initialKeys ?? []) want(key, {});
  }

  #seeAll(resource: GroupVersionResource, keys: (object: CacheEvent['entry']['object']) => Iterable<string>, want: Want): void {
    const { view } = this.#options;
    const stream = view.catalog.current.storedDefinitionOf(resource)?.stream ?? 'state';
    for (const entry of view.entries(resource)) {
      const place = formatPlace(stream, entry.sequence);
      for (const key of keys(entry.object)) want(key, { cause: place, root: place });
    }
  }

  #hear(event: CacheEvent): void {
    if (this.#raced.size > 0) {
      for (const [key, wake] of this.#raced) this.#add(key, wake);
      this.#raced.clear();
    }
    const rules = this.#rules.get(qualifiedResource(event.resource));
    const { controller, view } = this.#options;
    if (!rules && !controller.watchesAll) return;
    const next = event.type === 'Deleted' ? undefined : event.entry.object;
    const old = event.old?.object ?? (event.type === 'Deleted' ? event.entry.object : undefined);
    for (const key of controller.watchesAll?.(event.resource, next, old, view) ?? []) this.#add(key, wakeOf(event));
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
    for (const key of rule.keys(next, old, this.#options.view)) this.#add(key, wake);
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
    while (this.#working.size < most && this.#resting === undefined && !this.#stopping.signal.aborted) {
      const item = this.#queue.take();
      if (!item) return;
      const { key, wake } = item;
      if (!this.#keys.owns(key)) {
        this.#queue.done(key);
        continue;
      }
      const work = this.#process(key, wake).finally(() => {
        this.#working.delete(key);
        this.#queue.done(key);
        if (this.#queue.size > 0) this.#pumpSoon();
      });
      this.#working.set(key, work);
    }
  }

  /** For what can't be guarded. If it is ours all the same, nothing can be for now: it waits in the queue, and so does all that is there. */
  #rest(key: string, wake: Wake): void {
    if (!this.#keys.owns(key)) return;
    this.#queue.add(key, wake);
    this.#resting ??= (this.#options.timers ?? systemTimers).after(REST_MS, () => {
      this.#resting = undefined;
      this.#pumpSoon();
    });
  }

  async #process(key: string, wake: Wake): Promise<void> {
    const { controller, view, world, logger, tracing } = this.#options;
    try {
      if (this.#isInDoubt(key) && !(await this.#settle(key, wake))) return;
      const footing = this.#keys.footingOf(key);
      if (footing === undefined) return this.#rest(key, wake);
      const { key: decidedFor, ...right } = footing;
      const grounds: Grounds = { ...wake, ...right };
      const seen = { ...view.position };
      const decidedAt = world.now();
      const begin = tracing && Date.now();
      const snapshot = this.#snapshot(decidedFor);
      if (snapshot === undefined) {
        this.#metrics?.came('gone');
        return this.#queue.forget(key);
      }
      const result = controller.reconcile(snapshot, decidedAt);
      const outcome = await this.#carryOut(result.changes, grounds, (index) => ({
        decision: { controller: controller.name, build: this.#options.build, key: decidedFor, seen, decidedAt, index },
      }));
      if (outcome.refusals.length > 0) await this.#answer(snapshot, outcome, grounds);
      const word = wordFor(outcome);
      this.#metrics?.came(word);
      if (tracing && begin !== undefined && outcome.reached.size > 0) {
        tracing.reconciled({ controller: controller.name, key, decidedAt, ...wake, outcome: word, begin, end: Date.now() });
      }
      this.#conclude(key, wake, seen, result, outcome);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#metrics?.came('failed');
      logger.error(`${controller.name}: reconciling ${JSON.stringify(key)} failed`, error, this.#about(key, wake));
      if (!(error instanceof TerminalError)) this.#addWithBackoff(key, wake);
    }
  }

  /** Whether the view is to be made current first: not for a key that is not to be worked on. */
  #isInDoubt(key: string): boolean {
    return this.#doubts > this.#settled && this.#keys.footingOf(key) !== undefined;
  }

  /** After an answer that did not come: no decision is made on a view that may lack what was stored. False: not yet; the key comes again. */
  async #settle(key: string, wake: Wake): Promise<boolean> {
    const doubts = this.#doubts;
    try {
      await this.#options.writePath.madeCurrent();
      this.#settled = Math.max(this.#settled, doubts);
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted) return false;
      const about = { ...this.#about(key, wake), error: String(error) };
      this.#options.logger.warn(`${this.name}: the view is not known to be current; trying again`, about);
      this.#addWithBackoff(key, wake);
      return false;
    }
  }

  #conclude(key: string, wake: Wake, seen: Position, { requeueAfterMs }: ReconcileResult, outcome: Outcome): void {
    const { logger, view } = this.#options;
    const about = this.#about(key, wake);
    if (outcome.failure instanceof GuardMoved) {
      logger.info(`${this.name}: the work on ${JSON.stringify(key)} is another replica's now; nothing of it was written`, about);
      return this.#addWithBackoff(key, wake);
    }
    if (outcome.failure !== undefined) {
      this.#doubts += 1;
      logger.warn(`${this.name}: the changes for ${JSON.stringify(key)} could not be written; trying again`, {
        ...about,
        error: String(outcome.failure),
      });
      return this.#addWithBackoff(key, wake);
    }
    if (outcome.refusals.length > 0) {
      const [first] = outcome.refusals;
      logger.warn(`${this.name}: a change for ${JSON.stringify(key)} was refused: ${first?.message ?? ''}`, about);
      return this.#addWithBackoff(key, wake);
    }
    if (!outcome.raced || outcome.reached.size > 0) this.#queue.forget(key);
    if (outcome.raced) return this.#again(key, wake, same(seen, view.position));
    if (requeueAfterMs !== undefined && this.#keys.owns(key)) this.#queue.addAfter(key, Math.max(requeueAfterMs, 1), wake);
  }

  /** What a line of the log is about: the key, the event that woke it, and the root of that. */
  #about(key: string, wake: Wake): Readonly<Record<string, unknown>> {
    return { controller: this.name, key, ...logged(wake) };
  }

  /** After a race: at once where the view has moved, else as soon as it does; a key that keeps losing backs off. */
  #again(key: string, wake: Wake, unmoved: boolean): void {
    if (this.#queue.failuresOf(key) >= EAGER_RACES) return this.#addWithBackoff(key, wake, LONGEST_RACE_MS);
    this.#queue.failed(key);
    if (unmoved) this.#raced.set(key, wake);
    else this.#add(key, wake);
  }

  async #answer(snapshot: Snapshot, { refusals }: Outcome, grounds: Grounds): Promise<void> {
    const { controller, world } = this.#options;
    const changes = controller.refused?.(snapshot, refusals, world.now()) ?? [];
    await this.#carryOut(changes, grounds, () => ({}));
  }

  async #carryOut(changes: readonly Change[], grounds: Grounds, decided: (index: number) => Pick<Requester, 'decision'>): Promise<Outcome> {
    const { controller, logger, view, changesInFlight = CHANGES_IN_FLIGHT } = this.#options;
    const base: Requester = { actor: actorOf(controller.actor), agent: controller.name, ...grounds };
    const asked = ({ change, index }: IndexedChange): WriteRequest => this.#request(changes, change, index, { ...base, ...decided(index) });
    const outcome = await carryOut(
      runsOf(changes),
      { one: (indexed) => this.#execute(asked(indexed)), together: (all) => this.#transact(all.map(asked)) },
      changesInFlight,
      (_change, error) => logger.debug(`${controller.name}: a Kubernetes Event was not written`, { error: String(error) }),
    );
    const { signal } = this.#stopping;
    await Promise.all([...outcome.reached].map(([stream, sequence]) => view.reached(stream, sequence, signal)));
    return outcome;
  }

  #request(changes: readonly Change[], change: Change, index: number, requester: Requester): WriteRequest {
    const { decision } = requester;
    const decided = (decision && decidedChange(changes, index, decision)) ?? change;
    return requestFor(decided, this.#options.view.catalog.current, requester);
  }

  async #execute(request: WriteRequest): Promise<Written> {
    const { sequence } = await this.#options.writePath.execute(request);
    return sequence === undefined ? undefined : { stream: request.definition.stream, sequence };
  }

  async #transact(requests: readonly WriteRequest[]): Promise<Written> {
    const { last } = await this.#options.writePath.transact(requests);
    return last === undefined ? undefined : { stream: 'state', sequence: last };
  }
}
