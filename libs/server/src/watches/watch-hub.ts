import type { GroupVersionResource, Instant } from '#libs/apimachinery';
import type { CacheEvent, StateView } from '#libs/runtime';
import { SharedEvent } from './watch-frames.js';

/** What the hub hands events to. */
export interface Watcher {
  readonly resource: GroupVersionResource;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Undefined: all names. */
  readonly name: string | undefined;
  /** Called synchronously for each event of the resource and namespace, in order. Must not throw. */
  deliver(event: SharedEvent): void;
  /** Called about once a second, so that bookmarks need no timer of their own. */
  tick(now: Instant): void;
}

const TICK_MS = 1_000;

/**
 * Fans the events of the cache out to all watches. Watches are found by resource, namespace and name, so that an
 * event costs nothing to those that can't want it.
 */
export class WatchHub {
  private readonly places = new Map<string, Set<Watcher>>();
  private readonly all = new Set<Watcher>();
  private stopListening: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly view: StateView,
    private readonly now: () => Instant,
  ) {}

  get size(): number {
    return this.all.size;
  }

  start(): void {
    this.stopListening = this.view.subscribe((event) => this.publish(event));
    this.timer = setInterval(() => {
      const now = this.now();
      for (const watcher of this.all) watcher.tick(now);
    }, TICK_MS);
    this.timer.unref();
  }

  stop(): void {
    this.stopListening?.();
    clearInterval(this.timer);
  }

  /** From the next event on the watcher is served; returns how to stop. */
  add(watcher: Watcher): () => void {
    const place = placeOf(watcher.resource, watcher.namespace, watcher.name);
    const watchers = this.places.get(place) ?? new Set();
    watchers.add(watcher);
    this.places.set(place, watchers);
    this.all.add(watcher);
    return () => {
      watchers.delete(watcher);
      this.all.delete(watcher);
      if (watchers.size === 0 && this.places.get(place) === watchers) this.places.delete(place);
    };
  }

  private publish(event: CacheEvent): void {
    if (this.all.size === 0) return;
    const { resource, entry } = event;
    const { namespace, name } = entry;
    let shared: SharedEvent | undefined;
    const places = new Set([
      placeOf(resource, undefined, undefined),
      placeOf(resource, namespace, undefined),
      placeOf(resource, undefined, name),
      placeOf(resource, namespace, name),
    ]);
    for (const place of places) {
      const watchers = this.places.get(place);
      if (watchers === undefined) continue;
      shared ??= new SharedEvent(event, this.now);
      for (const watcher of watchers) watcher.deliver(shared);
    }
  }
}

const placeOf = ({ group, resource }: GroupVersionResource, namespace: string | undefined, name: string | undefined): string =>
  `${group}/${resource} ${namespace ?? '*'} ${name ?? '*'}`;
