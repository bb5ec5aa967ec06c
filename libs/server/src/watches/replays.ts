import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { StatusError, toStatus, tryAgainLater } from '#libs/apimachinery';
import { subjectFilter, type EventLog, type Sequence } from '#libs/log';
import type { Logger, MomentReader, World } from '#libs/runtime';
import type { Call } from '../call.js';
import type { Negotiated } from '../encoding/negotiate.js';
import type { ServerSettings } from '../options.js';
import type { Past } from '../past/past-request.js';
import { LONGEST_MS, pause } from '../pause.js';
import { tooLargeVersion } from '../reads/freshness.js';
import { sequenceOf, type ListOptions } from '../reads/list-options.js';
import { available, type ProjectionReader } from '../reads/projection-reader.js';
import type { Selection } from '../reads/selection.js';
import type { ServedResource } from '../served-resource.js';
import { ReplayClock } from './replay-clock.js';
import { ReplayedEvents } from './replayed-events.js';
import { bookmarkFrame, frameOf, rowFrame, rowsOf, SharedEvent, type WatchFormat } from './watch-frames.js';
import { formatOf, writeHead } from './watches.js';

/** Replays under way at once: each holds a reader of the log. */
const MOST_REPLAYS = 100;
/** Bytes that are put together before they are written. */
const CHUNK_BYTES = 256 * 1024;

/** What replays are served from. */
export interface ReplaySources {
  readonly cluster: string;
  readonly log: EventLog;
  readonly history: MomentReader;
  readonly projection: ProjectionReader;
  readonly world: World;
  readonly logger: Logger;
  readonly settings: ServerSettings;
}

/** One replay: what is shown first, and between which sequences events follow. */
interface Plan {
  readonly served: ServedResource;
  readonly selection: Selection;
  readonly format: WatchFormat;
  readonly listFirst: boolean;
  readonly after: Sequence;
  /** What the log held when the watch began: there it ends. */
  readonly until: Sequence;
  readonly clock: ReplayClock;
  readonly options: ListOptions;
}

/**
 * Watches of the past: each shows events in the order in which they happened, at the pace of their times multiplied by
 * its speed, up to what the log held when it began. Then it ends, with a bookmark where those are wanted. Events are read
 * as they come due and as the client reads them, so that a long history needs no memory.
 */
export class Replays {
  private underWay = 0;

  constructor(private readonly sources: ReplaySources) {}

  async serve(
    call: Call,
    past: Past,
    served: ServedResource,
    selection: Selection,
    options: ListOptions,
    negotiated: Negotiated,
  ): Promise<void> {
    if (this.underWay >= MOST_REPLAYS) throw tryAgainLater('TooManyRequests', 'too many replays of the past are under way', 1);
    this.underWay += 1;
    try {
      const plan = await this.plan(call, past, served, selection, options, negotiated);
      await this.run(call, plan);
    } finally {
      this.underWay -= 1;
    }
  }

  private async plan(
    call: Call,
    past: Past,
    served: ServedResource,
    selection: Selection,
    options: ListOptions,
    negotiated: Negotiated,
  ): Promise<Plan> {
    const { projection, history, world } = this.sources;
    const { stream, definition } = served;
    const requested = sequenceOf(options.resourceVersion, definition.resource);
    const until = await projection.latest(stream, call.signal);
    if (requested > until) throw tooLargeVersion(requested, until);
    const listFirst = options.sendInitialEvents ?? requested === 0;
    const after = listFirst ? Math.max(requested, past.position[stream]) : requested === 0 ? past.position[stream] : requested;
    // Who has seen more than the moment held goes on from there; who has seen less is told the rest at once.
    const resumed = after > past.position[stream] ? await available(() => history.timeBy(stream, after), call.signal) : undefined;
    const clock = new ReplayClock(Math.max(past.time, resumed ?? 0), past.speed, world.now);
    return { served, selection, format: formatOf(call, negotiated), listFirst, after, until, clock, options };
  }

  /** Carries a replay out until it has shown everything, its time is over, or the client or the server goes. */
  private async run(call: Call, plan: Plan): Promise<void> {
    const { response } = call;
    const { world, settings, logger } = this.sources;
    const { timeoutSeconds = 0 } = plan.options;
    const over = new AbortController();
    const end = (): void => over.abort(call.signal.reason);
    const patienceMs = timeoutSeconds > 0 ? timeoutSeconds * 1_000 : settings.minWatchMs * (1 + world.random());
    const timer = setTimeout(end, Math.min(patienceMs, LONGEST_MS));
    call.signal.addEventListener('abort', end, { once: true });
    writeHead(call, plan.format);
    try {
      if (!call.signal.aborted) await this.replay(plan, new FrameWriter(response, over.signal), over.signal);
    } catch (error) {
      if (!over.signal.aborted) {
        if (!(error instanceof StatusError)) logger.warn('a replay failed', { error: String(error) });
        response.write(frameOf('ERROR', toStatus(error), plan.format.encoding));
      }
    } finally {
      clearTimeout(timer);
      call.signal.removeEventListener('abort', end);
    }
    response.end();
  }

  private async replay(plan: Plan, out: FrameWriter, signal: AbortSignal): Promise<void> {
    const { served, format, after, options } = plan;
    const headers = { due: format.transform?.kind === 'Table' };
    if (plan.listFirst) await this.initial(plan, out, headers, signal);
    if (options.sendInitialEvents === true && options.allowWatchBookmarks) await out.write(bookmarkFrame(served, format, after, true));
    await out.flush();
    const shown = await this.events(plan, out, headers, signal);
    if (options.allowWatchBookmarks) await out.write(bookmarkFrame(served, format, shown, false));
    await out.flush();
  }

  /** What was there when the replay begins. */
  private async initial(plan: Plan, out: FrameWriter, headers: { due: boolean }, signal: AbortSignal): Promise<void> {
    const { served, selection, format, after, clock } = plan;
    const page = await this.sources.projection.past(served, selection, { sequence: after, limit: 0 }, signal);
    for (const row of page.rows) {
      await out.write(rowFrame(served, 'ADDED', row, format, clock.from, headers.due));
      headers.due = false;
    }
  }

  /** The events that follow, each when it is due; resolves with how far they were shown. */
  private async events(plan: Plan, out: FrameWriter, headers: { due: boolean }, signal: AbortSignal): Promise<Sequence> {
    const { served, selection, format, after, until, clock } = plan;
    const { log, history, cluster } = this.sources;
    const subjects = [subjectFilter(cluster, served.stream, served.stored, selection.namespace, selection.name)];
    const replayed = new ReplayedEvents(history, served, selection);
    let shown = after;
    if (after >= until) return shown;
    for await (const { events, through } of log.read(served.stream, after, { subjects, until, signal })) {
      for (const recorded of events) {
        const event = await replayed.eventOf(recorded);
        if (event && served.converts) await served.prepare(rowsOf(event));
        const shared = event && new SharedEvent(event, () => recorded.time);
        const transition = shared?.transition(served, selection);
        if (shared && transition) {
          const ms = clock.msUntil(recorded.time);
          if (ms > 0) await out.flush();
          if (ms > 0) await pause(ms, signal);
          if (signal.aborted) return shown;
          await out.write(shared.frame(served, transition, format, headers.due));
          headers.due = false;
        }
        shown = recorded.sequence;
      }
      await out.flush();
      if (signal.aborted) return shown;
      shown = through;
    }
    return shown;
  }
}

/** Writes frames in pieces of some size, no faster than they are read. */
class FrameWriter {
  private frames: Uint8Array[] = [];
  private bytes = 0;

  constructor(
    private readonly response: ServerResponse,
    private readonly signal: AbortSignal,
  ) {}

  async write(frame: Uint8Array): Promise<void> {
    this.frames.push(frame);
    this.bytes += frame.length;
    if (this.bytes >= CHUNK_BYTES) await this.flush();
  }

  /** Resolves once the client has taken most of what was written. Rejects where the replay is over before that. */
  async flush(): Promise<void> {
    if (this.frames.length === 0 || this.response.destroyed) return;
    const room = this.response.write(Buffer.concat(this.frames));
    this.frames = [];
    this.bytes = 0;
    if (!room && !this.signal.aborted) await once(this.response, 'drain', { signal: this.signal });
  }
}
