import { APISERVICES, type APIService } from '#libs/api';
import { StatusError } from '#libs/apimachinery';
import { decodeObject, formatPosition } from '#libs/log';
import type { MomentReader } from '#libs/runtime';
import type { Call } from '../call.js';
import { nothingHere } from '../encoding/respond.js';
import { available } from '../reads/projection-reader.js';
import type { RequestInfo } from '../request-info.js';
import type { ServedResource } from '../served-resource.js';
import type { Moments } from './moments.js';
import type { PastCatalogs } from './past-catalogs.js';
import type { Past, PastRequest } from './past-request.js';

const READS = new Set(['get', 'list', 'watch']);
const CONNECTIONS = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

const refused = (why: string): StatusError => new StatusError('MethodNotAllowed', why, {});

/** What the past is answered from. */
export interface PastSources {
  readonly moments: Moments;
  readonly catalogs: PastCatalogs;
  readonly history: MomentReader;
  /** Whether a kind is served without being stored. */
  readonly isUnstored: (info: RequestInfo) => boolean;
  /** Answers a request for a resource as for one of now. */
  readonly resource: (call: Call, served: ServedResource) => Promise<void>;
}

/** Answers what is asked of a moment of the past: all that is read of what was stored then, and nothing else. */
export class PastRouter {
  constructor(private readonly sources: PastSources) {}

  /** Answers a request that has been admitted. Throws StatusError. */
  async route(call: Call, at: PastRequest): Promise<void> {
    const { info } = call;
    refuseWrites(call);
    const past = await this.sources.moments.resolve(at, call.query, call.signal);
    const then = { ...call, past };
    call.response.setHeader('Decklog-At', new Date(past.time).toISOString());
    call.response.setHeader('Decklog-Position', formatPosition(past.position));
    const catalog = await this.sources.catalogs.at(past.position.state, call.signal);
    if (!info.resourceRequest) {
      if (/^\/(livez|readyz|healthz)(\/|$)/.test(info.path)) throw nothingHere();
      return catalog.documents.answer(then);
    }
    const served = catalog.resourceOf(info);
    if (served !== undefined) return this.sources.resource(then, served);
    if (this.sources.isUnstored(info)) throw refused(`nothing of ${info.resource} is stored: there are none of the past`);
    throw await this.missing(info, past, call.signal);
  }

  /** 404 for what was not served then; says so where another server had it. */
  private async missing({ group, version }: RequestInfo, past: Past, signal: AbortSignal): Promise<StatusError> {
    const row = await available(() => this.sources.history.getAt(APISERVICES, '', `${version}.${group}`, past.position.state), signal);
    const service = row && decodeObject<APIService>(row.body, row.sequence).spec?.service;
    if (service === undefined || service === null) return nothingHere();
    return new StatusError('NotFound', `${group}/${version} was served by another API server: nothing of it is in the log`, {});
  }
}

/** 405 for everything that is no read of what is stored. */
function refuseWrites({ info, request }: Call): void {
  if (info.resourceRequest && CONNECTIONS.has(info.subresource)) {
    throw refused('the past has no running containers: log, exec, attach, port-forward and proxy are of now alone');
  }
  const { method = 'GET' } = request;
  if (method !== 'GET' && (method !== 'HEAD' || info.resourceRequest)) {
    throw refused('the past is read-only: only get, list and watch are answered under /at/');
  }
  if (info.resourceRequest && !READS.has(info.verb))
    throw refused('the past is read-only: only get, list and watch are answered under /at/');
}
