import { notFound } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import type { StateView } from '#libs/runtime';
import { expiredList, type CompactionHorizon } from './compaction-horizon.js';
import { encodeContinue } from './continue-token.js';
import type { Freshness } from './freshness.js';
import { sequenceOf, type ListOptions } from './list-options.js';
import type { ServerSettings } from '../options.js';
import { matchesRow, onlyPage, onlyPlace, type Page, type Place } from './page.js';
import { continuationOf, expiredContinuation, isExact, type ProjectionReader } from './projection-reader.js';
import type { Selection } from './selection.js';
import { settled } from '../conversion.js';
import { comparePlaces, type Row, type ServedResource } from '../served-resource.js';

/** Lists kept for the pages to come: so many lists, of so many objects altogether. */
const MAX_KEPT_LISTS = 32;
const MAX_KEPT_ROWS = 500_000;

/** What a resource is read by, as of now or of a moment before. */
export interface Reads {
  /** One object, not older than a resourceVersion. Throws NotFound. */
  get(served: ServedResource, place: Place, resourceVersion: string, signal: AbortSignal): Promise<Row>;
  /** A page of a list, by upstream's rules for resourceVersion, resourceVersionMatch, limit and continue. */
  list(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page>;
}

/**
 * Reads of current objects from the cache, and of the recent past from the projection; or of both from the
 * projection, as the settings say. What belongs to writes and watches is answered from the cache either way.
 */
export class Reader implements Reads {
  /** Lists of which a first page was served, by resource, namespace and position; the least recently used first. */
  private readonly kept = new Map<string, readonly Row[]>();
  private keptRows = 0;

  constructor(
    private readonly view: StateView,
    private readonly projection: ProjectionReader,
    private readonly freshness: Freshness,
    private readonly horizon: CompactionHorizon,
    private readonly readsFrom: ServerSettings['readsFrom'],
  ) {}

  /** One object: as of now, or not older than a resourceVersion. Throws NotFound. */
  async get(served: ServedResource, { namespace, name }: Place, resourceVersion: string, signal: AbortSignal): Promise<Row> {
    if (this.readsFrom === 'projection') return this.projection.get(served, { namespace, name }, resourceVersion, signal);
    await this.freshEnough(served, resourceVersion, signal);
    return this.cached(served, { namespace, name });
  }

  /** One object as the cache has it. Throws NotFound. */
  cached(served: ServedResource, { namespace, name }: Place): Row {
    const entry = this.view.entry(served.stored, namespace, name);
    if (entry === undefined) throw notFound(served.definition.resource, name);
    return entry;
  }

  /** Waits until the cache may answer for the resourceVersion: '' means now, 0 anything. */
  async freshEnough(served: ServedResource, resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { resource, stream } = { resource: served.definition.resource, stream: served.stream };
    if (resourceVersion === '') await this.freshness.latest(stream, signal);
    else await this.freshness.notOlderThan(stream, sequenceOf(resourceVersion, resource), signal);
  }

  /** A page of a list, by upstream's rules for resourceVersion, resourceVersionMatch, limit and continue. */
  async list(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    if (this.readsFrom === 'projection') return this.projection.list(served, selection, options, signal);
    if (options.continue !== '') return this.continued(served, selection, options, signal);
    const sequence = sequenceOf(options.resourceVersion, served.definition.resource);
    if (isExact(options, sequence)) {
      await this.freshness.notOlderThan(served.stream, sequence, signal);
      if (sequence === this.view.position[served.stream] && !this.horizon.lost(served.stream, sequence))
        return this.shown(served, selection, options.limit);
      if (await this.horizon.expired(served.stream, sequence)) throw expiredList();
      return this.projection.past(served, selection, { sequence, limit: options.limit }, signal);
    }
    await this.freshEnough(served, options.resourceVersion, signal);
    return this.shown(served, selection, options.limit);
  }

  /** What there is to wait for before the current objects of a selection can be shown. */
  pending(served: ServedResource, { namespace }: Selection): Promise<void> | undefined {
    if (!served.converts) return undefined;
    return served.prepare(this.view.entries(served.stored, served.definition.scope === 'Namespaced' ? namespace : undefined));
  }

  /** The current objects of a selection, once all of them can be shown. */
  private async shown(served: ServedResource, selection: Selection, limit = 0, after?: Place): Promise<Page> {
    if (served.converts) await settled(() => this.pending(served, selection));
    return this.current(served, selection, limit, after);
  }

  /** The current objects of a selection, and the position they are at. */
  current(served: ServedResource, selection: Selection, limit = 0, after?: Place): Page {
    const sequence = this.view.position[served.stream];
    const place = onlyPlace(served, selection);
    if (place !== undefined) {
      return onlyPage(served, selection, this.view.entry(served.stored, place.namespace, place.name), sequence, after);
    }
    const all = this.view.entries(served.stored, served.definition.scope === 'Namespaced' ? selection.namespace : undefined);
    const page = this.cut(served, selection, all, sequence, limit, after);
    if (page.continue !== undefined) this.keep(keptKey(served, selection, sequence), all.slice());
    return page;
  }

  private async continued(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    const { stream } = served;
    const { sequence, after } = continuationOf(served, selection, options);
    if (sequence < 0) {
      await this.freshness.latest(stream, signal);
      return this.shown(served, selection, options.limit, after);
    }
    await this.freshness.notOlderThan(stream, sequence, signal);
    if (await this.horizon.expired(stream, sequence)) throw expiredContinuation(selection, after);
    if (sequence === this.view.position[stream]) return this.shown(served, selection, options.limit, after);
    const kept = onlyPlace(served, selection) === undefined ? this.kept.get(keptKey(served, selection, sequence)) : undefined;
    if (kept !== undefined) await served.prepare(kept);
    if (kept !== undefined) return this.cut(served, selection, kept, sequence, options.limit, after);
    return this.projection.past(served, selection, { sequence, limit: options.limit, after }, signal);
  }

  /** Cuts a page out of a sorted list. */
  private cut(served: ServedResource, selection: Selection, all: readonly Row[], sequence: Sequence, limit: number, after?: Place): Page {
    const start = after === undefined ? 0 : firstAfter(all, after);
    if (limit === 0) {
      // A copy: the cache goes on changing its own list.
      const rest = all.slice(start);
      const plain = selection.matches === undefined && selection.name === undefined;
      return { rows: plain ? rest : rest.filter((row) => matchesRow(served, selection, row)), sequence };
    }
    const rows: Row[] = [];
    let index = start;
    for (; index < all.length && rows.length < limit; index += 1) {
      const row = all[index];
      if (row !== undefined && matchesRow(served, selection, row)) rows.push(row);
    }
    const last = rows.at(-1);
    if (index >= all.length || last === undefined) return { rows, sequence };
    const next = encodeContinue({ sequence, after: last }, selection.namespace ?? '');
    return { rows, sequence, continue: next, ...(selection.everything ? { remaining: all.length - index } : {}) };
  }

  private keep(key: string, rows: readonly Row[]): void {
    this.keptRows += rows.length - (this.kept.get(key)?.length ?? 0);
    this.kept.delete(key);
    this.kept.set(key, rows);
    for (const [oldest, { length }] of this.kept) {
      if (this.kept.size <= MAX_KEPT_LISTS && this.keptRows <= MAX_KEPT_ROWS) return;
      this.kept.delete(oldest);
      this.keptRows -= length;
    }
  }
}

const keptKey = ({ stored, definition }: ServedResource, { namespace }: Selection, sequence: Sequence): string =>
  `${stored.group}/${stored.resource}/${definition.scope === 'Namespaced' ? (namespace ?? '') : ''}/${sequence}`;

/** Index of the first row behind a place, by bisection. */
function firstAfter(rows: readonly Row[], place: Place): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && comparePlaces(row, place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
