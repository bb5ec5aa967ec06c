import { badRequest, notFound, StatusError, tryAgainLater } from '#libs/apimachinery';
import type { EventLog, Sequence, StreamName } from '#libs/log';
import type { HistoryReader } from '#libs/runtime';
import { expiredContinue, expiredList, type CompactionHorizon } from './compaction-horizon.js';
import { decodeContinue, encodeContinue } from './continue-token.js';
import { Freshness } from './freshness.js';
import { sequenceOf, type ListOptions } from './list-options.js';
import { matchesRow, onlyPage, onlyPlace, type Page, type Place } from './page.js';
import type { Selection } from './selection.js';
import { rowOf, type Row, type ServedResource } from '../served-resource.js';

/** Objects read at once where a page is cut from a selection. */
const CHUNK = 1_000;
/** Later than every event: whatever the projection holds now. */
const NOW = Number.MAX_SAFE_INTEGER;

/** Which page of a list, and at which position. */
export interface PageAt {
  readonly sequence: Sequence;
  /** 0: all that is left. */
  readonly limit: number;
  /** The last object of the page before. */
  readonly after?: Place | undefined;
}

/**
 * Reads from the projection alone: of the past for every server, and of all there is for one that leaves its cache
 * out of its answers. The same request gets the same bytes as from a cache at the same position.
 */
export class ProjectionReader {
  private readonly freshness: Freshness;

  constructor(
    private readonly history: HistoryReader,
    private readonly horizon: CompactionHorizon,
    log: EventLog,
    times: { readonly readTimeoutMs: number; readonly futureVersionWaitMs: number },
  ) {
    const progress = {
      name: 'projection',
      known: () => 0,
      reached: (stream: StreamName, sequence: Sequence, signal?: AbortSignal) =>
        available(() => history.reached(stream, sequence, signal), signal),
      position: (stream: StreamName) => available(() => history.position(stream)),
    };
    this.freshness = new Freshness(log, progress, times.readTimeoutMs, times.futureVersionWaitMs);
  }

  /** One object: as of now, or not older than a resourceVersion. Throws NotFound. */
  async get(served: ServedResource, { namespace, name }: Place, resourceVersion: string, signal: AbortSignal): Promise<Row> {
    const { resource } = served.definition;
    if (resourceVersion === '') await this.freshness.latest(served.stream, signal);
    else await this.freshness.notOlderThan(served.stream, sequenceOf(resourceVersion, resource), signal);
    const stored = await available(() => this.history.getAt(served.stored, namespace, name, NOW), signal);
    if (stored === undefined) throw notFound(resource, name);
    return rowOf(stored);
  }

  /** Resolves with the log's last sequence of the stream once the projection holds what was acknowledged before the call. */
  latest(stream: StreamName, signal: AbortSignal): Promise<Sequence> {
    return this.freshness.latest(stream, signal);
  }

  /** One object as it stood at a position, once the projection has reached it. Throws NotFound. */
  async getAt(served: ServedResource, { namespace, name }: Place, at: Sequence, signal: AbortSignal): Promise<Row> {
    const stored = await available(async () => {
      await this.history.reached(served.stream, at, signal);
      return this.history.getAt(served.stored, namespace, name, at);
    }, signal);
    if (stored === undefined) throw notFound(served.definition.resource, name);
    return rowOf(stored);
  }

  /** A page of a list, by upstream's rules for resourceVersion, resourceVersionMatch, limit and continue. */
  async list(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    const { stream, definition } = served;
    const { limit } = options;
    if (options.continue !== '') return this.continued(served, selection, options, signal);
    const wanted = sequenceOf(options.resourceVersion, definition.resource);
    if (options.resourceVersion === '') {
      return this.at(served, selection, { sequence: await this.freshness.latest(stream, signal), limit }, signal);
    }
    await this.freshness.notOlderThan(stream, wanted, signal);
    if (isExact(options, wanted)) {
      if (await this.horizon.expired(stream, wanted)) throw expiredList();
      return this.at(served, selection, { sequence: wanted, limit }, signal);
    }
    const sequence = await available(() => this.history.position(stream), signal);
    return this.at(served, selection, { sequence, limit }, signal);
  }

  /** A page of a list at a position, once the projection has reached it. */
  async past(served: ServedResource, selection: Selection, page: PageAt, signal: AbortSignal): Promise<Page> {
    await available(() => this.history.reached(served.stream, page.sequence, signal), signal);
    return this.at(served, selection, page, signal);
  }

  private async continued(served: ServedResource, selection: Selection, options: ListOptions, signal: AbortSignal): Promise<Page> {
    const { stream } = served;
    const { limit } = options;
    const { sequence, after } = continuationOf(served, selection, options);
    if (sequence < 0) {
      return this.at(served, selection, { sequence: await this.freshness.latest(stream, signal), limit, after }, signal);
    }
    await this.freshness.notOlderThan(stream, sequence, signal);
    if (await this.horizon.expired(stream, sequence)) throw expiredContinuation(selection, after);
    return this.at(served, selection, { sequence, limit, after }, signal);
  }

  /** A page at a position that the projection has reached. */
  private at(served: ServedResource, selection: Selection, page: PageAt, signal: AbortSignal): Promise<Page> {
    return available(async () => {
      const { sequence, after } = page;
      const place = onlyPlace(served, selection);
      if (place === undefined) return this.scan(served, selection, page);
      const stored = await this.history.getAt(served.stored, place.namespace, place.name, sequence);
      return onlyPage(served, selection, stored && rowOf(stored), sequence, after);
    }, signal);
  }

  /** Reads on until the page is full, or nothing is left. */
  private async scan(served: ServedResource, selection: Selection, { sequence, limit, after }: PageAt): Promise<Page> {
    const { history } = this;
    const namespace = served.definition.scope === 'Namespaced' ? selection.namespace : undefined;
    const plain = selection.matches === undefined && selection.name === undefined;
    const chunk = limit === 0 ? CHUNK : Math.max(limit + 1, plain ? 0 : CHUNK);
    const readOn = (from: Place | undefined, most: number): ReturnType<HistoryReader['listAt']> =>
      history.listAt(served.stored, namespace, sequence, { limit: most, ...(from === undefined ? {} : { after: from }) });
    const rows: Row[] = [];
    for (let from = after; ;) {
      const stored = await readOn(from, chunk);
      const found = stored.map(rowOf);
      if (served.converts) await served.prepare(found);
      for (const [index, row] of found.entries()) {
        if (!matchesRow(served, selection, row)) continue;
        rows.push(row);
        if (rows.length !== limit) continue;
        // What is left counts, whether or not it matches: nobody has looked yet.
        const more = index + 1 < stored.length || (stored.length === chunk && (await readOn(row, 1)).length > 0);
        if (!more) return { rows, sequence };
        const next = encodeContinue({ sequence, after: row }, selection.namespace ?? '');
        if (!selection.everything) return { rows, sequence, continue: next };
        return { rows, sequence, continue: next, remaining: await history.countAt(served.stored, namespace, sequence, row) };
      }
      from = stored.at(-1);
      if (stored.length < chunk) return { rows, sequence };
    }
  }
}

/** Whether a list is to show exactly its resourceVersion: said so, or by the older rule for a page of one. */
export const isExact = ({ resourceVersionMatch, limit }: ListOptions, sequence: Sequence): boolean =>
  resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0 && sequence > 0);

/** Where a continued list goes on. Throws 400 in upstream's words. */
export function continuationOf(
  { definition }: ServedResource,
  { namespace = '' }: Selection,
  options: ListOptions,
): ReturnType<typeof decodeContinue> {
  if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return decodeContinue(options.continue, namespace, definition.scope === 'Namespaced');
}

/** 410 for a continuation beyond the horizon, with the token of an inconsistent one. */
export const expiredContinuation = ({ namespace = '' }: Selection, after: Place): Error =>
  expiredContinue(encodeContinue({ sequence: -1, after }, namespace));

/** Carries out a read of the projection. Whatever fails but the client's patience is 503. */
export async function available<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (signal?.aborted || error instanceof StatusError) throw error;
    throw tryAgainLater('ServiceUnavailable', 'the history of the cluster is not available', 1);
  }
}
