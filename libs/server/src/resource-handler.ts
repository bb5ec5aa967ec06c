import { StatusError, type Instant, type KubeObject } from '#libs/apimachinery';
import type { PrinterColumn, SubresourceDefinition } from '#libs/api';
import { bodyWithVersion, VERSION_ROOM } from '#libs/log';
import { deletionWarnings, scaleOf, type WriteRequest } from '#libs/registry';
import { deleteCollection, type WritePath, type WriteResult, type World } from '#libs/runtime';
import { refusal, type Authorizer } from './authorization/authorizer.js';
import { annotate, type Call } from './call.js';
import { settled } from './conversion.js';
import { mediaTypeOf, parseObject, readBody } from './encoding/body.js';
import { negotiate, negotiateStream, unsupportedMediaType, type Negotiated } from './encoding/negotiate.js';
import { configurationOf, patchOf } from './encoding/patch-body.js';
import { sendJson, sendObject, warn, wrongMethod, type Rendering } from './encoding/respond.js';
import { includeObjectOf, partialObject, partialObjectList, tableOf, type ListMeta } from './encoding/table.js';
import type { ServerSettings } from './options.js';
import { listOptionsOf } from './reads/list-options.js';
import type { Page } from './reads/page.js';
import { PastReads } from './past/past-reads.js';
import type { ProjectionReader } from './reads/projection-reader.js';
import type { Reader, Reads } from './reads/reader.js';
import { selectionOf } from './reads/selection.js';
import { requesterOf } from './requester.js';
import type { Row, ServedResource } from './served-resource.js';
import type { Replays } from './watches/replays.js';
import type { Watches } from './watches/watches.js';
import { deleteOptionsOf, selectionOptions, writeOptionsOf, type OptionsKind } from './write-options.js';

const APPLY = 'application/apply-patch+yaml';
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', APPLY];

/** Custom resources have no strategic merge: nothing says how their lists are merged by clients. */
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes('strategic'));

/** What resources are served from. */
export interface ResourceSources {
  readonly reader: Reader;
  /** Of the past. */
  readonly projection: ProjectionReader;
  readonly watches: Watches;
  readonly replays: Replays;
  readonly writePath: WritePath;
  readonly world: World;
  readonly settings: ServerSettings;
  readonly authorizer: Authorizer;
}

/** Carries out the verbs of resources, and of the subresources that are parts of their objects. */
export class ResourceHandler {
  constructor(private readonly sources: ResourceSources) {}

  /** Answers a request for a resource or for its `status`, `scale`, `finalize`, `binding` or `eviction`. */
  async handle(call: Call, served: ServedResource, subresource: SubresourceDefinition | undefined): Promise<void> {
    const { deprecation } = served.definition;
    if (deprecation !== undefined) warn(call.response, deprecation);
    switch (call.info.verb) {
      case 'get':
        return this.get(call, served, subresource);
      case 'list':
        return this.list(call, served);
      case 'watch':
        return this.watch(call, served);
      case 'create':
      case 'update':
      case 'patch':
        return this.write(call, served, subresource, call.info.verb);
      case 'delete':
        return this.delete(call, served);
      case 'deletecollection':
        return this.deleteCollection(call, served);
    }
    throw wrongMethod();
  }

  private async get(call: Call, served: ServedResource, subresource: SubresourceDefinition | undefined): Promise<void> {
    const negotiated = negotiate(call.request.headers.accept, served.allows);
    const { namespace, name } = placeOf(call, served);
    const row = await this.reads(call).get(served, { namespace, name }, call.query.get('resourceVersion') ?? '', call.signal);
    if (served.converts) await served.prepare([row]);
    if (subresource?.kind === 'Scale') return this.sendOne(call, served, 200, scaleOf(served.object(row), subresource.scale), negotiated);
    if (negotiated.transform === undefined && negotiated.format !== 'protobuf') {
      return sendJson(call.request, call.response, 200, served.json(row), this.rendering(negotiated));
    }
    return this.sendOne(call, served, 200, served.object(row), negotiated);
  }

  private async list(call: Call, served: ServedResource): Promise<void> {
    const negotiated = negotiate(call.request.headers.accept, served.allows);
    const options = listOptionsOf(call.query, false);
    const { namespace } = placeOf(call, served);
    const selection = selectionOf(served.definition, { namespace, name: '' }, options);
    const page = await this.reads(call).list(served, selection, options, call.signal);
    await this.sendList(call, served, page, negotiated);
  }

  private async watch(call: Call, served: ServedResource): Promise<void> {
    const negotiated = negotiateStream(call.request.headers.accept, served.allows);
    const options = listOptionsOf(call.query, true);
    const { namespace } = placeOf(call, served);
    const selection = selectionOf(served.definition, { namespace, name: call.info.name }, options);
    const { watches, replays } = this.sources;
    if (call.past !== undefined) return replays.serve(call, call.past, served, selection, options, negotiated);
    await watches.serve(call, served, selection, options, negotiated);
  }

  private reads({ past }: Call): Reads {
    return past === undefined ? this.sources.reader : new PastReads(this.sources.projection, past);
  }

  /** What ages are told from. */
  private now({ past }: Call): Instant {
    return past === undefined ? this.sources.world.now() : past.time;
  }

  private async write(
    call: Call,
    served: ServedResource,
    subresource: SubresourceDefinition | undefined,
    verb: 'create' | 'update' | 'patch',
  ): Promise<void> {
    const { definition } = served;
    const negotiated = negotiate(call.request.headers.accept, served.allows);
    const mediaType = mediaTypeOf(call.request);
    const patchTypes = definition.schema ? CUSTOM_PATCH_TYPES : PATCH_TYPES;
    if (verb === 'patch' && !patchTypes.includes(mediaType)) throw unsupportedMediaType(patchTypes);
    const options = writeOptionsOf(call.query, optionsKindOf(verb, mediaType));
    const bytes = await readBody(call.request, this.sources.settings.maxBodyBytes);
    const { namespace, name } = placeOf(call, served);
    const mayCreate = subresource === undefined && (mediaType === APPLY || (verb === 'update' && definition.createOnUpdate === true));
    const createRefused = mayCreate ? await this.createRefused(call) : undefined;
    const request: WriteRequest = {
      verb,
      definition,
      ...(subresource === undefined ? {} : { subresource: subresource.name }),
      ...(definition.scope === 'Namespaced' ? { namespace } : {}),
      ...(name === '' ? {} : { name }),
      ...(createRefused === undefined ? {} : { createRefused }),
      options,
      requester: requesterOf(call),
    };
    if (verb === 'patch') {
      const sent =
        mediaType === APPLY ? configurationOf(bytes, options.fieldValidation !== 'Ignore') : { patch: patchOf(mediaType, bytes) };
      const result = await this.sources.writePath.execute({ ...request, ...sent });
      return this.sendWritten(call, served, result, negotiated);
    }
    const kind = subresource?.kind ?? definition.kind;
    const { value, duplicates } = parseObject(mediaType, bytes, kind, options.fieldValidation !== 'Ignore');
    const result = await this.sources.writePath.execute({ ...request, object: value, ...(duplicates.length > 0 ? { duplicates } : {}) });
    await this.sendWritten(call, served, result, negotiated);
  }

  /** Whoever may update what is there need not be allowed to create what is not. */
  private async createRefused({ user, info }: Call): Promise<StatusError | undefined> {
    const { group, version, resource, namespace, name } = info;
    const attributes = { kind: 'resource' as const, user, verb: 'create', group, version, resource, subresource: '', namespace, name };
    const { allowed, reason } = await this.sources.authorizer(attributes);
    return allowed ? undefined : refusal(attributes, reason);
  }

  private async delete(call: Call, served: ServedResource): Promise<void> {
    const negotiated = negotiate(call.request.headers.accept, served.allows);
    const options = deleteOptionsOf(call.query, await this.deleteBody(call));
    const { namespace, name } = placeOf(call, served);
    const result = await this.sources.writePath.execute({
      verb: 'delete',
      definition: served.definition,
      ...(served.definition.scope === 'Namespaced' ? { namespace } : {}),
      name,
      options,
      requester: requesterOf(call),
    });
    await this.sendWritten(call, served, result, negotiated);
  }

  /** Deletes what matches now, several at a time; what goes meanwhile by itself is no failure. Answers the list. */
  private async deleteCollection(call: Call, served: ServedResource): Promise<void> {
    const negotiated = negotiate(call.request.headers.accept, served.allows);
    const options = deleteOptionsOf(call.query, await this.deleteBody(call));
    const { definition } = served;
    const { namespace } = placeOf(call, served);
    const selection = selectionOf(definition, { namespace, name: '' }, selectionOptions(call.query));
    const { reader, writePath } = this.sources;
    await reader.freshEnough(served, '', call.signal);
    if (served.converts) await settled(() => reader.pending(served, selection));
    const page = reader.current(served, selection);
    const objects = page.rows.map(({ object }) => object);
    await deleteCollection(writePath, { request: { definition, options, requester: requesterOf(call) }, objects });
    await this.sendList(call, served, page, negotiated, deletionWarnings(definition, options));
  }

  /** The body of a deletion; undefined where there is none. */
  private async deleteBody({ request }: Call): Promise<unknown> {
    const bytes = await readBody(request, this.sources.settings.maxBodyBytes);
    return bytes.length === 0 ? undefined : parseObject(mediaTypeOf(request), bytes, 'DeleteOptions', false).value;
  }

  private async sendWritten(call: Call, served: ServedResource, result: WriteResult, negotiated: Negotiated): Promise<void> {
    annotate(call, served.definition, result);
    const { body, sequence, warnings } = result;
    const isPlain = negotiated.transform === undefined && negotiated.format !== 'protobuf';
    if (isPlain && body !== undefined && sequence !== undefined) {
      return sendJson(call.request, call.response, result.code, bodyWithVersion(body, sequence), this.rendering(negotiated, warnings));
    }
    await this.sendOne(call, served, result.code, result.object, negotiated, warnings);
  }

  private async sendOne(
    call: Call,
    served: ServedResource,
    code: number,
    object: KubeObject,
    negotiated: Negotiated,
    warnings: readonly string[] = [],
  ): Promise<void> {
    const { transform } = negotiated;
    const rendering = this.rendering(negotiated, warnings);
    const plain = transform === undefined || object.kind === 'Status';
    let answer: object = object;
    if (!plain && transform.kind === 'PartialObjectMetadataList') {
      throw new StatusError(
        'NotAcceptable',
        `you requested PartialObjectMetadataList, but the requested object is not a list (${object.kind})`,
      );
    }
    if (!plain && transform.kind === 'PartialObjectMetadata') answer = partialObject(object, transform.version);
    if (!plain && transform.kind === 'Table') {
      const { resourceVersion } = object.metadata;
      const metadata = resourceVersion === undefined ? {} : { resourceVersion };
      answer = tableOf(columnsOf(served, object), [object], metadata, this.now(call), {
        version: transform.version,
        include: includeObjectOf(call.query),
        headers: true,
      });
    }
    await sendObject(call.request, call.response, code, answer, rendering);
  }

  private async sendList(
    call: Call,
    served: ServedResource,
    page: Page,
    negotiated: Negotiated,
    warnings: readonly string[] = [],
  ): Promise<void> {
    const metadata = listMetaOf(page);
    const { transform } = negotiated;
    const rendering = this.rendering(negotiated, warnings);
    if (transform === undefined && negotiated.format !== 'protobuf') {
      return sendJson(call.request, call.response, 200, listBytes(served, page.rows, metadata), rendering);
    }
    const objects = page.rows.map((row) => served.object(row));
    if (transform === undefined) {
      const list = { kind: served.definition.listKind, apiVersion: served.apiVersion, metadata, items: objects };
      return sendObject(call.request, call.response, 200, list, rendering);
    }
    if (transform.kind === 'PartialObjectMetadata') {
      throw new StatusError(
        'NotAcceptable',
        `you requested PartialObjectMetadata, but the requested object is a list (${served.definition.listKind})`,
      );
    }
    const list =
      transform.kind === 'Table'
        ? tableOf(served.definition.columns, objects, metadata, this.now(call), {
            version: transform.version,
            include: includeObjectOf(call.query),
            headers: true,
          })
        : partialObjectList(objects, metadata, transform.version);
    await sendObject(call.request, call.response, 200, list, rendering);
  }

  private rendering({ format, pretty = false }: Negotiated, warnings: readonly string[] = []): Rendering {
    return { format, pretty, warnings: [...new Set(warnings)], gzipFromBytes: this.sources.settings.gzipFromBytes };
  }
}

/** The object's place as the path says it: a cluster-scoped object has no namespace. */
function placeOf({ info }: Call, { definition }: ServedResource): { readonly namespace: string; readonly name: string } {
  return { namespace: definition.scope === 'Namespaced' ? info.namespace : '', name: info.name };
}

/** The columns of an object's kind: the resource's, or those of the subresource that the object is. */
const columnsOf = ({ definition }: ServedResource, { kind }: KubeObject): readonly PrinterColumn[] =>
  definition.subresources.find((subresource) => subresource.kind === kind)?.columns ?? definition.columns;

const listMetaOf = ({ sequence, continue: token, remaining }: Page): ListMeta => ({
  resourceVersion: String(sequence),
  ...(token === undefined ? {} : { continue: token }),
  ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
});

const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

/** A list's JSON, put together from its items' bytes. It ends in a newline, as it is sent. */
function listBytes(served: ServedResource, rows: readonly Row[], metadata: ListMeta): Buffer {
  const { listKind } = served.definition;
  const head = JSON.stringify({ kind: listKind, apiVersion: served.apiVersion, metadata });
  const begin = Buffer.from(`${head.slice(0, -1)},"items":[`);
  if (served.isStoredAsServed) return storedList(served, rows, begin);
  const parts: Uint8Array[] = [begin];
  for (const [index, row] of rows.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(served.item(row));
  }
  parts.push(END);
  return Buffer.concat(parts);
}

/** The same of objects that are answered as they are stored: each is copied once, into its place. */
function storedList(served: ServedResource, rows: readonly Row[], begin: Buffer): Buffer {
  const room = rows.reduce((sum, { body }) => sum + body.length + VERSION_ROOM + 1, begin.length + END.length);
  const list = Buffer.allocUnsafe(room);
  let at = begin.copy(list);
  for (const [index, row] of rows.entries()) {
    if (index > 0) list[at++] = 0x2c;
    at = served.putItem(row, list, at);
  }
  return list.subarray(0, at + END.copy(list, at));
}

const optionsKindOf = (verb: 'create' | 'update' | 'patch', mediaType: string): OptionsKind => {
  if (verb !== 'patch') return verb === 'create' ? 'CreateOptions' : 'UpdateOptions';
  return mediaType === APPLY ? 'ApplyOptions' : 'PatchOptions';
};
