import { badRequest, notFound, tryAgainLater } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import type { HistoryReader, StateView } from '#libs/runtime';
import { expiredContinue, expiredList, type CompactionHorizon } from './compaction-horizon.js';
import { decodeContinue, encodeContinue } from './continue-token.js';
import { sequenceOf, type ListOptions } from './list-options.js';
import type { Freshness } from './freshness.js';
import type { Selection } from './selection.js';
import { comparePlaces, rowOf, type Row, type ServedResource } from './served-resource.js';

/** One page of a list, all of it at one position. */
export interface Page {
  readonly rows: readonly Row[];
  readonly sequence: Sequence;
  readonly continue?: string;
  readonly remaining?: number;
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Objects read from the history at once where a page is cut from a selection. */
const HISTORY_CHUNK = 1_000;
/** Lists kept for the pages to come: so many lists, of so many objects altogether. */
const MAX_KEPT_LISTS = 32;
const MAX_KEPT_ROWS = 500_000;

/** Reads of current objects from the cache, and of the recent past from the history. */
export class Reader {
  /** Lists of which a first page was served, by resource, namespace and position; the least recently used first. */
  private readonly kept = new Map<string, readonly Row[]>();
  private keptRows = 0;

  constructor(
    private readonly view: StateView,
    private readonly history: HistoryReader,
    private readonly freshness: Freshness,
    private readonly horizon: CompactionHorizon,
  ) {}

  /** One object: as of now, or not older than a resourceVersion. Throws NotFound. */
  async get(served: ServedResource, { namespace, name }: Place, resourceVersion: string, signal: AbortSignal): Promise<Row> {
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
    if (options.continue !== '') return this.continued(served, selection, options, signal);
    const sequence = sequenceOf(options.resourceVersion, served.definition.resource);
    const legacyExact = options.resourceVersionMatch === '' && options.limit > 0 && sequence > 0;
    if (options.resourceVersionMatch === 'Exact' || legacyExact) {
      await this.freshness.notOlderThan(served.stream, sequence, signal);
      if (sequence === this.view.position[served.stream]) return this.current(served, selection, options.limit);
      if (await this.horizon.expired(served.stream, sequence)) throw expiredList();
      return this.past(served, selection, sequence, options.limit, undefined, signal);
    }
    await this.freshEnough(served, options.resourceVersion, signal);
    return this.current(served, selection, options.limit);
  }

  /** The current objects of a selection, and the position they are at. */
  current(served: ServedResource, selection: Selection, limit = 0, after?: Place): Page {
    const sequence = this.view.position[served.stream];
    const namespaced = served.definition.scope === 'Namespaced';
    if (selection.name !== undefined && (!namespaced || selection.namespace !== undefined)) {
      const entry = this.view.entry(served.stored, namespaced ? (selection.namespace ?? '') : '', selection.name);
      const found = entry !== undefined && matchesRow(served, selection, entry) && (after === undefined || comparePlaces(entry, after) > 0);
      return { rows: found ? [entry] : [], sequence };
    }
    const all = this.view.entries(served.stored, namespaced ? selection.namespace : undefined);
    const page = this.cut(served, selection, all, sequence, limit, after);
    if (page.continue !== undefined) this.keep(keptKey(served, selection, sequence), all.slice());
    return page;
  }

  private async continued(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    const { definition, stream } = served;
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const namespace = selection.namespace ?? '';
    const { sequence, after } = decodeContinue(options.continue, namespace, definition.scope === 'Namespaced');
    if (sequence < 0) {
      await this.freshness.latest(stream, signal);
      return this.current(served, selection, options.limit, after);
    }
    await this.freshness.notOlderThan(stream, sequence, signal);
    if (await this.horizon.expired(stream, sequence)) throw expiredContinue(encodeContinue({ sequence: -1, after }, namespace));
    if (sequence === this.view.position[stream]) return this.current(served, selection, options.limit, after);
    const kept = this.kept.get(keptKey(served, selection, sequence));
    if (kept !== undefined) return this.cut(served, selection, kept, sequence, options.limit, after);
    return this.past(served, selection, sequence, options.limit, after, signal);
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

  /** A page at a position that the cache has left, from the history. */
  private async past(
    served: ServedResource,
    selection: Selection,
    sequence: Sequence,
    limit: number,
    after: Place | undefined,
    signal: AbortSignal,
  ): Promise<Page> {
    const namespace = served.definition.scope === 'Namespaced' ? selection.namespace : undefined;
    const chunk = limit === 0 ? HISTORY_CHUNK : Math.max(limit + 1, selection.matches === undefined ? 0 : HISTORY_CHUNK);
    const rows: Row[] = [];
    let from = after;
    try {
      await this.history.reached(served.stream, sequence, signal);
      for (;;) {
        const stored = await this.history.listAt(served.stored, namespace, sequence, {
          limit: chunk,
          ...(from === undefined ? {} : { after: from }),
        });
        for (const [index, one] of stored.entries()) {
          const row = rowOf(one);
          if (!matchesRow(served, selection, row)) continue;
          if (limit > 0 && rows.length === limit) break;
          rows.push(row);
          if (rows.length !== limit) continue;
          const more = index + 1 < stored.length || stored.length === chunk;
          return { rows, sequence, ...(more ? { continue: encodeContinue({ sequence, after: row }, selection.namespace ?? '') } : {}) };
        }
        from = stored.at(-1);
        if (stored.length < chunk) return { rows, sequence };
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw tryAgainLater('ServiceUnavailable', 'the history of the cluster is not available', 1);
    }
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

/** Whether a row of the right namespace is part of a selection. */
export const matchesRow = (served: ServedResource, { name, matches }: Selection, row: Row): boolean =>
  (name === undefined || row.name === name) && (matches === undefined || matches(served.object(row)));

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
