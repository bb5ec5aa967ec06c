import type { ResourceDefinition } from '#libs/api';
import { badRequest, notFound, type KubeObject } from '#libs/apimachinery';
import { parsePlace, pastSelectionOf, type PAST_FIELDS, revisionOf } from '#libs/history';
import type { PastReader, StateView, StoredRevision, World } from '#libs/runtime';
import type { Authorizer } from '../authorization/authorizer.js';
import type { Call } from '../call.js';
import { negotiate } from '../encoding/negotiate.js';
import { sendObject } from '../encoding/respond.js';
import { includeObjectOf, partialObject, partialObjectList, tableOf, type ListMeta } from '../encoding/table.js';
import { listOptionsOf } from '../reads/list-options.js';
import { LONGEST_MS } from '../pause.js';
import { available, type ProjectionReader } from '../reads/projection-reader.js';
import { ServedResource } from '../served-resource.js';
import { causeOf, objectOf } from './causes.js';
import { followTrail } from './follow.js';
import { CAUSES, PAST_KINDS, REVISIONS } from './kinds.js';
import { Readable } from './readable.js';
import { searchOf, type Search } from './selection.js';
import { behind, decodeTrailPlace, encodeTrailPlace, trail } from './trail.js';
import { disclose, TrailView } from './trail-view.js';

/** What the kinds of the past are answered from. */
export interface HistorySources {
  readonly view: StateView;
  readonly history: PastReader;
  readonly projection: ProjectionReader;
  readonly authorizer: Authorizer;
  readonly world: Pick<World, 'now' | 'random'>;
  readonly gzipFromBytes: number;
  /** Lower end of the time that a watch without a time of its own lasts. */
  readonly minWatchMs: number;
}

/** A page of a client that asks for all: the rest is a continue token away. */
const LONGEST_PAGE = 10_000;
/** Rows looked at for one page: whoever looks for what is rare goes on by the token. */
const MOST_SCANNED = 10_000;

/** A page of a list of the past. */
interface PastPage {
  readonly items: readonly KubeObject[];
  readonly continue?: string;
}

/** Answers the kinds of the past that are read: revisions, causes and activities. */
export class HistoryApi {
  private readonly served = new Map(PAST_KINDS.map((definition) => [definition, new ServedResource(definition)]));
  /** How to end each watch of the trail. */
  private readonly following = new Set<AbortController>();

  constructor(private readonly sources: HistorySources) {}

  async answer(call: Call, definition: ResourceDefinition): Promise<void> {
    const { info, signal } = call;
    const { authorizer, view, projection } = this.sources;
    const readable = new Readable(authorizer, call.user, view.catalog.current);
    await projection.latest('state', signal);
    if (info.verb === 'watch') return this.follow(call, definition, readable);
    if (info.name !== '') return this.send(call, definition, await this.one(call, definition, readable));
    const page = await available(() => this.page(call, definition, readable), signal);
    return this.send(call, definition, page);
  }

  /** Ends what lasts: watches of the trail. */
  close(): void {
    for (const ending of this.following) ending.abort();
  }

  private async follow(call: Call, definition: ResourceDefinition, readable: Readable): Promise<void> {
    const { request, query } = call;
    const { world, minWatchMs } = this.sources;
    const served = this.servedOf(definition);
    const negotiated = negotiate(request.headers.accept, served.allows);
    const { timeoutSeconds = 0 } = listOptionsOf(query, true);
    const search = await this.searchOf(call, definition, readable);
    const view = new TrailView(call, readable, 'Activity', search.changed);
    const ending = new AbortController();
    const lastsMs = timeoutSeconds > 0 ? timeoutSeconds * 1_000 : minWatchMs * (1 + world.random());
    const timer = setTimeout(() => ending.abort(), Math.min(lastsMs, LONGEST_MS)).unref();
    this.following.add(ending);
    try {
      await followTrail(this.sources, call, served, negotiated, search, view, AbortSignal.any([call.signal, ending.signal]));
    } finally {
      clearTimeout(timer);
      this.following.delete(ending);
    }
  }

  private async one(call: Call, definition: ResourceDefinition, readable: Readable): Promise<KubeObject> {
    const { info, signal } = call;
    const place = parsePlace(info.name);
    const { history } = this.sources;
    const event = place && (await available(() => history.revision(place.stream, place.sequence, true), signal));
    // What belongs to the cluster is found from every namespace.
    const elsewhere = event !== undefined && info.namespace !== '' && event.namespace !== '' && event.namespace !== info.namespace;
    if (event === undefined || elsewhere) throw notFound(definition.resource, info.name);
    await readable.demand(objectOf(event));
    disclose(call, event);
    return this.shown(definition, event, readable, signal);
  }

  private shown(definition: ResourceDefinition, event: StoredRevision, readable: Readable, signal: AbortSignal): Promise<KubeObject> {
    if (definition === (CAUSES as never)) return available(() => causeOf(this.sources.history, event, readable), signal);
    return Promise.resolve(revisionOf(event));
  }

  private async page(call: Call, definition: ResourceDefinition, readable: Readable): Promise<PastPage> {
    const options = listOptionsOf(call.query, false);
    const search = await this.searchOf(call, definition, readable);
    if (definition === (CAUSES as never)) return this.causes(call, search, readable);
    const limit = Math.min(options.limit === 0 ? LONGEST_PAGE : options.limit, LONGEST_PAGE);
    return this.scan(call, definition, search, readable, limit, options.continue);
  }

  private async searchOf({ info, query }: Call, definition: ResourceDefinition, readable: Readable): Promise<Search> {
    const { view, history, world } = this.sources;
    if ((query.get('labelSelector') ?? '') !== '') throw badRequest('the past has no labels: it is selected by fields');
    const selection = pastSelectionOf(query.get('fieldSelector') ?? '', definition.kind as keyof typeof PAST_FIELDS);
    const search = await searchOf(selection, info.namespace, { catalog: view.catalog.current, history, now: world.now() });
    if (search.object !== undefined) await readable.demand(search.object);
    return search;
  }

  /** The causes of one object: that of its newest event. */
  private async causes(call: Call, { object, query }: Search, readable: Readable): Promise<PastPage> {
    if (object === undefined) throw badRequest('causes are listed of one object: select it by object.kind and object.name, in a namespace');
    const { history } = this.sources;
    const [event] = await history.revisions({ ...query.revisions, limit: 1 });
    if (event === undefined) return { items: [] };
    disclose(call, event);
    return { items: [await causeOf(history, event, readable)] };
  }

  private async scan(
    call: Call,
    definition: ResourceDefinition,
    search: Search,
    readable: Readable,
    limit: number,
    token: string,
  ): Promise<PastPage> {
    const { history } = this.sources;
    const items: KubeObject[] = [];
    let place = decodeTrailPlace(token);
    let scanned = 0;
    const isRevisions = definition === (REVISIONS as never);
    const query = isRevisions ? { revisions: search.query.revisions ?? {} } : search.query;
    const view = new TrailView(call, readable, isRevisions ? 'Revision' : 'Activity', search.changed);
    for await (const item of trail(history, query, place, limit)) {
      call.signal.throwIfAborted();
      place = behind(place, item);
      const shown = await view.of(item);
      if (shown !== undefined) items.push(shown);
      if (items.length === limit || (scanned += 1) >= MOST_SCANNED) return { items, continue: encodeTrailPlace(place) };
    }
    return { items };
  }

  private async send(call: Call, definition: ResourceDefinition, found: KubeObject | PastPage): Promise<void> {
    const { request, response, query } = call;
    const served = this.servedOf(definition);
    const { format, transform, pretty = false } = negotiate(request.headers.accept, served.allows);
    const { sources } = this;
    const rendering = { format, pretty, gzipFromBytes: sources.gzipFromBytes };
    const single = 'kind' in found;
    const objects = single ? [found] : found.items;
    const metadata: ListMeta = single ? {} : this.listMeta(found);
    let answer: object = single ? found : { kind: definition.listKind, apiVersion: served.apiVersion, metadata, items: objects };
    if (transform?.kind === 'Table') {
      const options = { version: transform.version, include: includeObjectOf(query), headers: true } as const;
      answer = tableOf(definition.columns, objects, metadata, sources.world.now(), options);
    } else if (transform?.kind === 'PartialObjectMetadata' && single) answer = partialObject(found, transform.version);
    else if (transform?.kind === 'PartialObjectMetadataList') answer = partialObjectList(objects, metadata, transform.version);
    await sendObject(request, response, 200, answer, rendering);
  }

  private servedOf(definition: ResourceDefinition): ServedResource {
    const served = this.served.get(definition);
    if (served === undefined) throw new Error(`${definition.kind} is no kind of the past`);
    return served;
  }

  private listMeta(page: PastPage): ListMeta {
    const resourceVersion = String(this.sources.view.position.state);
    return page.continue === undefined ? { resourceVersion } : { resourceVersion, continue: page.continue };
  }
}
