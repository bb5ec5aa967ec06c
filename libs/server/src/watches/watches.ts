import { StatusError, toStatus } from '#libs/apimachinery';
import { subjectFilter, SequenceOutOfRange, type EventLog, type Sequence } from '#libs/log';
import type { CacheEvent, HistoryReader, Logger, Metrics, StateView, World } from '#libs/runtime';
import type { Call } from '../call.js';
import { settled } from '../conversion.js';
import type { CompactionHorizon } from '../reads/compaction-horizon.js';
import { sequenceOf, type ListOptions } from '../reads/list-options.js';
import { mediaTypeOfFormat, type Negotiated } from '../encoding/negotiate.js';
import type { ServerSettings } from '../options.js';
import type { Reader } from '../reads/reader.js';
import type { Selection } from '../reads/selection.js';
import type { ServedResource } from '../served-resource.js';
import { includeObjectOf } from '../encoding/table.js';
import { ReplayedEvents } from './replayed-events.js';
import { watchEvents } from '../metrics/watch-metrics.js';
import { bookmarkFrame, frameOf, rowFrame, rowsOf, SharedEvent, type WatchFormat } from './watch-frames.js';
import { WatchBacklog } from './watch-backlog.js';
import { WatchHub } from './watch-hub.js';
import { WatchSession } from './watch-session.js';

/** What watches are served from. */
export interface WatchSources {
  readonly cluster: string;
  readonly view: StateView;
  readonly log: EventLog;
  readonly history: HistoryReader;
  readonly reader: Reader;
  readonly horizon: CompactionHorizon;
  readonly world: World;
  readonly logger: Logger;
  readonly settings: ServerSettings;
  readonly metrics: Metrics;
}

/** Opens and ends watches. */
export class Watches {
  readonly hub: WatchHub;
  /** How to end each watch, and what it watches. */
  private readonly ending = new Map<() => void, ServedResource>();
  private readonly backlog: WatchBacklog;

  constructor(private readonly sources: WatchSources) {
    this.hub = new WatchHub(sources.view, sources.world.now);
    this.backlog = new WatchBacklog(sources.settings.maxWatchBacklogTotalBytes);
  }

  /** Ends all watches in good order: each gets its last bookmark. */
  close(): void {
    for (const end of [...this.ending.keys()]) end();
  }

  /** Ends the watches of a kind that is no longer served as it was: their clients come again, or find it gone. */
  endOf({ definition: { schema } }: ServedResource): void {
    for (const [end, { definition }] of [...this.ending]) if (schema !== undefined && definition.schema === schema) end();
  }

  /** Serves a watch until it times out, the client goes, or the server closes. */
  async serve(call: Call, served: ServedResource, selection: Selection, options: ListOptions, negotiated: Negotiated): Promise<void> {
    const { reader, world, view, settings, metrics } = this.sources;
    const format = formatOf(call, negotiated);
    const requested = sequenceOf(options.resourceVersion, served.definition.resource);
    const listFirst = options.sendInitialEvents ?? requested === 0;
    // Initial events show a state at least as new as was asked for; without them a watch may begin in the future.
    if (listFirst || requested === 0) await reader.freshEnough(served, options.resourceVersion, call.signal);
    const { response, signal } = call;
    writeHead(call, format);
    const tooOld = listFirst || requested === 0 ? undefined : await this.tooOld(served, requested);
    if (tooOld !== undefined) {
      response.end(frameOf('ERROR', toStatus(tooOld), format.encoding));
      return;
    }
    if (listFirst && served.converts) await settled(() => reader.pending(served, selection));
    // From here to `hub.add` nothing waits: what the watch is told first and what it is told next meet exactly.
    const page = listFirst ? reader.current(served, selection) : undefined;
    const now = view.position[served.stream];
    const after = page?.sequence ?? (requested === 0 ? now : requested);
    const session = new WatchSession(
      {
        served,
        selection,
        format,
        after,
        bookmarkEveryMs: options.allowWatchBookmarks ? settings.bookmarkEveryMs : undefined,
        maxBacklogBytes: settings.maxWatchBacklogBytes,
        events: watchEvents(metrics, served.definition.resource),
        backlog: this.backlog,
      },
      response,
      view,
      world.now(),
    );
    const remove = this.hub.add(session);
    const missed = page === undefined && after < now ? view.since(served.stored, after) : [];
    const initial = page
      ? map(page.rows, (row) => rowFrame(served, 'ADDED', row, format, world.now(), session.takeHeaders()))
      : missed
        ? served.converts
          ? this.replayConverted(session, served, missed)
          : this.replay(session, missed)
        : this.replayLog(session, served, selection, after, now, signal);
    const last = options.sendInitialEvents === true && options.allowWatchBookmarks ? bookmarkFrame(served, format, after, true) : undefined;
    await this.run(call, session, initial, last, options, remove);
  }

  private async run(
    call: Call,
    session: WatchSession,
    initial: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    last: Uint8Array | undefined,
    options: ListOptions,
    remove: () => void,
  ): Promise<void> {
    const { response, signal } = call;
    const { world, settings, logger } = this.sources;
    const timeoutMs =
      options.timeoutSeconds !== undefined && options.timeoutSeconds > 0
        ? options.timeoutSeconds * 1000
        : settings.minWatchMs * (1 + world.random());
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.ending.delete(end);
        remove();
        if (options.allowWatchBookmarks && !response.destroyed) session.bookmark(false);
        session.flush();
        session.ended();
        response.end();
        resolve();
      };
      const timer = setTimeout(end, Math.min(timeoutMs, 2 ** 31 - 1));
      timer.unref();
      signal.addEventListener('abort', end, { once: true });
      this.ending.set(end, session.served);
      if (signal.aborted) end();
      session.onFailure = (error) => {
        response.write(frameOf('ERROR', toStatus(error), session.encoding));
        end();
      };
      session.begin(initial, last, signal).catch((error: unknown) => {
        if (!signal.aborted) {
          const expired = error instanceof SequenceOutOfRange ? tooOldVersion(0, this.sources.view.position.state) : error;
          if (!(expired instanceof StatusError)) logger.warn('a watch could not be begun', { error: String(error) });
          response.write(frameOf('ERROR', toStatus(expired), session.encoding));
        }
        end();
      });
    });
  }

  /** The failure of a watch that asks for what the standard API no longer shows. */
  private async tooOld(served: ServedResource, after: Sequence): Promise<StatusError | undefined> {
    const { view, horizon } = this.sources;
    const position = view.position[served.stream];
    if (horizon.lost(served.stream, after)) return tooOldVersion(after, position);
    if (after >= position || view.since(served.stored, after) !== undefined) return undefined;
    return (await horizon.expired(served.stream, after)) ? tooOldVersion(after, position) : undefined;
  }

  private *replay(session: WatchSession, events: readonly CacheEvent[]): Generator<Uint8Array> {
    for (const event of events) {
      const frame = session.frameOf(new SharedEvent(event, this.sources.world.now));
      if (frame !== undefined) yield frame;
    }
  }

  /** The same where a webhook converts the objects first. */
  private async *replayConverted(session: WatchSession, served: ServedResource, events: readonly CacheEvent[]): AsyncGenerator<Uint8Array> {
    await served.prepare(events.flatMap(rowsOf));
    yield* this.replay(session, events);
  }

  /** The events of a resource between two positions, from the log itself: the cache no longer holds them. */
  private async *replayLog(
    session: WatchSession,
    served: ServedResource,
    selection: Selection,
    after: Sequence,
    until: Sequence,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { log, cluster } = this.sources;
    const subjects = [subjectFilter(cluster, served.stream, served.stored, selection.namespace, selection.name)];
    const replayed = new ReplayedEvents(this.sources.history, served, selection);
    for await (const { events } of log.read(served.stream, after, { subjects, until, signal })) {
      for (const recorded of events) {
        const event = await replayed.eventOf(recorded);
        if (event && served.converts) await served.prepare(rowsOf(event));
        const frame = event && session.frameOf(new SharedEvent(event, this.sources.world.now));
        if (frame) yield frame;
      }
    }
  }
}

function* map<T>(items: readonly T[], turn: (item: T) => Uint8Array): Generator<Uint8Array> {
  for (const item of items) yield turn(item);
}

/** How a watch wants its objects, by what was negotiated and what its query says. */
export function formatOf(call: Call, { transform, format: encoding }: Negotiated): WatchFormat {
  if (transform === undefined) return { key: encoding, encoding, transform, include: 'Metadata' };
  if (transform.kind !== 'Table') return { key: `${encoding} partial ${transform.version}`, encoding, transform, include: 'Metadata' };
  const include = includeObjectOf(call.query);
  return { key: `${encoding} table ${transform.version} ${include}`, encoding, transform, include };
}

/** JSON is named as it is; other encodings say that they are streamed (apiserver `watch.go`). */
export function writeHead({ response }: Call, { encoding }: WatchFormat): void {
  const mediaType = mediaTypeOfFormat(encoding);
  response.writeHead(200, { 'Content-Type': encoding === 'json' ? mediaType : `${mediaType};stream=watch` });
  response.flushHeaders();
}

/** 410 for a watch from beyond the horizon (apiserver `cacher.watchCache`). */
export const tooOldVersion = (requested: Sequence, oldest: Sequence): StatusError =>
  new StatusError('Expired', `too old resource version: ${requested} (${oldest})`);
