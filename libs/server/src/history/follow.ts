import { toStatus, type Instant } from '#libs/apimachinery';
import { encodeObject, type Sequence } from '#libs/log';
import type { PastReader, StateView, World } from '#libs/runtime';
import type { Call } from '../call.js';
import { mediaTypeOfFormat, type Negotiated } from '../encoding/negotiate.js';
import { includeObjectOf } from '../encoding/table.js';
import { pause } from '../pause.js';
import { available, type ProjectionReader } from '../reads/projection-reader.js';
import type { ServedResource } from '../served-resource.js';
import { tooOldVersion } from '../watches/watches.js';
import { frameOf, rowFrame, type WatchFormat } from '../watches/watch-frames.js';
import type { Search } from './selection.js';
import { trail, type TrailItem } from './trail.js';
import type { TrailView } from './trail-view.js';

/** What follows the trail. */
export interface FollowSources {
  readonly view: StateView;
  readonly history: PastReader;
  readonly projection: ProjectionReader;
  readonly world: Pick<World, 'now'>;
}

/** The trail is looked at so often while something happens, and so often while nothing does. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_000;
/** Entries of the audit stream are stored a little after their time. */
const LATE_MS = 5_000;
const CHUNK = 100;
/** What is older is listed, not followed: all of what is new is held for a moment. */
const OLDEST_MS = 10 * 60_000;

const nameOf = (item: TrailItem): string =>
  item.kind === 'revision' ? `${item.revision.stream}-${item.revision.sequence}` : `audit-${item.request.sequence}-${item.request.index}`;

/** What is new on the trail since a moment, oldest first, each once. */
class News {
  /** Names that were told, with their times: as far back as something may still come late. */
  private readonly told = new Map<string, Instant>();
  private newest: Instant;

  constructor(
    private readonly history: PastReader,
    private readonly search: Search,
    private readonly begin: Instant,
    private readonly after: Sequence,
  ) {
    this.newest = begin;
  }

  async take(): Promise<readonly TrailItem[]> {
    const since = Math.max(this.begin, this.newest - LATE_MS);
    const { revisions, requests } = this.search.query;
    const query = {
      ...(revisions === undefined ? {} : { revisions: { ...revisions, since } }),
      ...(requests === undefined ? {} : { requests: { ...requests, since } }),
    };
    const fresh: TrailItem[] = [];
    for await (const item of trail(this.history, query, {}, CHUNK)) {
      if (this.isNew(item) && !this.told.has(nameOf(item))) fresh.push(item);
    }
    for (const item of fresh) {
      this.told.set(nameOf(item), item.time);
      this.newest = Math.max(this.newest, item.time);
    }
    for (const [name, time] of this.told) if (time < this.newest - LATE_MS) this.told.delete(name);
    return fresh.reverse();
  }

  private isNew(item: TrailItem): boolean {
    return item.kind === 'revision' ? item.revision.sequence > this.after : item.time > this.begin;
  }
}

/** Resolves at the next event of the state, or after a while; never sooner than the shortest pause. */
async function somethingHappened(view: StateView, signal: AbortSignal): Promise<void> {
  await pause(SHORTEST_PAUSE_MS, signal);
  let stop = (): void => undefined;
  const woken = new Promise<void>((resolve) => (stop = view.subscribe(() => resolve())));
  await Promise.race([woken, pause(LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS, signal)]);
  stop();
}

/** Tells what comes on the trail as a watch does, each as an addition, until the signal aborts. */
export async function followTrail(
  sources: FollowSources,
  call: Call,
  served: ServedResource,
  { format: encoding, transform }: Negotiated,
  search: Search,
  shown: TrailView,
  signal: AbortSignal,
): Promise<void> {
  const { response, query } = call;
  const { history, projection, world, view } = sources;
  const asked = Number(query.get('resourceVersion') ?? 0);
  const after = asked > 0 ? asked : await projection.latest('state', signal);
  const begin = (await available(() => history.timeBy('state', after), signal)) ?? world.now();
  if (asked > 0 && begin < world.now() - OLDEST_MS) throw tooOldVersion(asked, view.position.state);
  const format: WatchFormat = { key: '', encoding, transform, include: includeObjectOf(query) };
  const mediaType = mediaTypeOfFormat(encoding);
  response.writeHead(200, { 'Content-Type': encoding === 'json' ? mediaType : `${mediaType};stream=watch` });
  response.flushHeaders();
  const news = new News(history, search, begin, after);
  let headers = transform?.kind === 'Table';
  try {
    for (; !signal.aborted; await somethingHappened(view, signal)) {
      await projection.latest('state', signal);
      for (const item of await available(() => news.take(), signal)) {
        const object = await shown.of(item);
        if (object === undefined) continue;
        const { name = '', namespace = '', resourceVersion } = object.metadata;
        const row = { namespace, name, sequence: Number(resourceVersion), body: encodeObject(object), object };
        const room = response.write(rowFrame(served, 'ADDED', row, format, world.now(), headers));
        headers = false;
        if (!room) await drained(call, signal);
      }
    }
  } catch (error) {
    if (!signal.aborted) response.write(frameOf('ERROR', toStatus(error), encoding));
  }
  response.end();
}

/** Whoever reads slowly is told slowly: nothing is held for him but his own place. */
function drained({ response }: Call, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    signal.addEventListener('abort', done);
  });
}
