import type { IncomingMessage } from 'node:http';
import { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { StatusError, badRequest, tryAgainLater, type FieldRequirement } from '#libs/apimachinery';
import { NO_METRICS } from '#libs/runtime';
import type { AuditedRequest } from './audit/auditable.js';
import { AuditRecorder } from './audit/recorder.js';
import { authentication } from './authentication/authentication.js';
import type { Authenticator } from './authentication/authenticator.js';
import { readFields } from './authorization/access-review.js';
import { allowAuthenticated, refusal, type Authorizer, type AuthorizerAttributes, type User } from './authorization/authorizer.js';
import { impersonated } from './authorization/impersonation.js';
import { annotatedBy, type Call } from './call.js';
import { sendFailure, warn } from './encoding/respond.js';
import { Fairness } from './fairness/fairness.js';
import { refuseMalformed } from './malformed.js';
import { DEFAULT_SETTINGS, type ListenAddress, type ServerOptions, type ServerSettings } from './options.js';
import type { Upgrade } from './proxy/forwarder.js';
import { requestInfoOf, type RequestInfo } from './request-info.js';
import { addressOf } from './requester.js';
import { AuthenticationMetrics } from './metrics/authentication-metrics.js';
import { requestTraceOf } from './metrics/request-trace.js';
import { RequestMetrics } from './metrics/request-metrics.js';
import { splitPast, type PastRequest } from './past/past-request.js';
import { Router } from './router.js';

const HEADERS_TIMEOUT_MS = 32_000;
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 180_000;
const MAX_HEADER_BYTES = 64 * 1024;
/** Before any role is there, so that whoever starts a cluster sees it come up; `system:public-info-viewer` says the same. */
const ANYBODY = new Set(['/livez', '/readyz', '/healthz', '/version', '/version/']);
const SHUTTING_DOWN = tryAgainLater('ServiceUnavailable', 'the server is shutting down', 1);
const SELECTING = new Set(['list', 'watch', 'deletecollection']);
const LONG_SUBRESOURCES = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** A running API server. `port` is that of the first address. */
export interface RunningServer {
  readonly port: number;
  /** Stops accepting, ends watches, lets requests finish for a while, then cuts what is left. */
  close(): Promise<void>;
}

/** Builds an API server and listens on all its addresses. Rejects where one can't be bound. */
export async function startApiServer(options: ServerOptions): Promise<RunningServer> {
  const server = new ApiServer(options);
  await server.listen();
  return server;
}

/** Kubernetes' API over HTTPS. Each request is authenticated, authorized, routed, and logged with its id. */
export class ApiServer implements RunningServer {
  private readonly settings: ServerSettings;
  private readonly router: Router;
  private readonly authenticator: Authenticator;
  private readonly authorizer: Authorizer;
  private readonly fairness: Fairness;
  private readonly recorder: AuditRecorder | undefined;
  private readonly metrics: RequestMetrics;
  private readonly authentication: AuthenticationMetrics;
  private readonly servers: Server[] = [];
  /** Of the requests under way: aborted when their client goes, or when the server has waited long enough for them. */
  private readonly underWay = new Set<AbortController>();
  /** Those among them that last as long as their client likes. */
  private readonly streams = new Set<AbortController>();
  private closing = false;
  private readonly sockets = new Set<Duplex>();

  constructor(private readonly options: ServerOptions) {
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.authorizer = options.authorizer ?? allowAuthenticated;
    const { tokens, view, world, tls } = options;
    const sources = { tokens, settings: options.authentication ?? {}, clientCa: tls.clientCa, view, now: world.now };
    const who = authentication(sources);
    this.authenticator = who.authenticator;
    this.router = new Router(options, this.settings, who, this.authorizer);
    const { metrics = NO_METRICS } = options;
    this.authentication = new AuthenticationMetrics(metrics);
    this.metrics = new RequestMetrics(metrics, (info) => this.router.serves(info));
    this.recorder = options.audit && new AuditRecorder(options.audit, world, options.logger);
    const { maxReadsInFlight, maxWritesInFlight, maxQueueWaitMs } = this.settings;
    const serverLimit = maxReadsInFlight + maxWritesInFlight;
    this.fairness = new Fairness({ view, serverLimit, mostWaitMs: maxQueueWaitMs, metrics });
  }

  get port(): number {
    const address = this.servers[0]?.address() as AddressInfo | null | undefined;
    return address?.port ?? 0;
  }

  async listen(): Promise<void> {
    this.router.start();
    this.recorder?.start();
    this.fairness.start();
    try {
      for (const address of this.options.listen) await this.bind(address);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.closing = true;
    for (const stream of this.streams) stream.abort(SHUTTING_DOWN);
    this.router.endStreams();
    for (const server of this.servers) server.closeIdleConnections();
    const deadline = Date.now() + this.settings.shutdownGraceMs;
    while (this.underWay.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const request of this.underWay) request.abort(SHUTTING_DOWN);
    this.router.stop();
    this.fairness.stop();
    for (const server of this.servers) server.closeAllConnections();
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(closed);
    await this.recorder?.close();
  }

  private bind({ host, port }: ListenAddress): Promise<void> {
    const { cert, key, clientCa } = this.options.tls;
    const proxies = this.options.authentication?.requestHeader?.clientCa;
    const server = createServer({
      cert,
      key,
      ca: [clientCa, ...(proxies === undefined ? [] : [proxies])],
      requestCert: true,
      // Whether a certificate is believed is for the authenticator to say: others may come with a token.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
    });
    // A connection that says nothing is closed by the times above; one that streams may be silent for long.
    server.timeout = 0;
    server.on('secureConnection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => void this.serve(request, response, undefined));
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    server.on('clientError', refuseMalformed);
    server.on('tlsClientError', (error) => this.options.logger.debug('a TLS handshake failed', { error: error.message }));
    this.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        server.on('error', (error) => this.options.logger.error('the listener failed', error));
        resolve();
      });
    });
  }

  /** A request to change protocols: answered like any other unless its endpoint takes the connection over. */
  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    socket.on('error', () => socket.destroy());
    response.assignSocket(request.socket);
    response.once('finish', () => socket.end());
    void this.serve(request, response, { socket, head });
  }

  private async serve(request: IncomingMessage, response: ServerResponse, upgrade: Upgrade | undefined): Promise<void> {
    const { world } = this.options;
    const time = world.now();
    const begin = performance.now();
    const auditId = headerOf(request, 'audit-id')?.slice(0, 64) ?? world.uuid();
    const gone = new AbortController();
    const leave = (): void => gone.abort(new Error('the client is gone'));
    response.once('close', leave);
    this.underWay.add(gone);
    let user: User | undefined;
    let info: RequestInfo | undefined;
    let call: Call | undefined;
    let code: number;
    let failure: unknown;
    let at: PastRequest | undefined;
    const known = (): AuditedRequest => ({
      time,
      id: auditId,
      user,
      info: readOf(call) ?? info,
      at: at?.moment,
      source: addressOf(request),
      agent: request.headers['user-agent'],
    });
    try {
      response.setHeader('Audit-Id', auditId);
      response.setHeader('Cache-Control', 'no-cache, private');
      const target = request.url ?? '/';
      const asked = askedFor(target);
      const { path, query } = asked;
      at = asked.at;
      info = requestInfoOf(request.method ?? 'GET', path, query);
      if (LONG_SUBRESOURCES.has(info.subresource) || (at !== undefined && info.verb === 'watch')) this.streams.add(gone);
      const found = await this.authenticator.authenticate(request, path);
      this.authentication.ended('success', performance.now() - begin);
      if (found.warning !== undefined) warn(response, found.warning);
      user = found.user;
      user = await impersonated(user, request, this.authorizer);
      const begun = (): void => this.recorder?.record(known(), undefined);
      call = { request, response, info, query, target, user, auditId, signal: gone.signal, ...(at === undefined ? {} : { at }) };
      await this.dispatch(call, upgrade, begun);
      code = response.statusCode;
    } catch (error) {
      failure = error;
      if (user === undefined && isUnauthorized(error)) this.authentication.ended('failure', performance.now() - begin);
      code = await this.fail(request, response, error, gone.signal, auditId);
    } finally {
      this.underWay.delete(gone);
      this.streams.delete(gone);
      response.off('close', leave);
    }
    if (info !== undefined) {
      const ms = performance.now() - begin;
      this.metrics.answered(info, request, response, code, ms / 1_000);
      this.options.tracing?.requested(requestTraceOf(auditId, info, request, user, code, ms));
    }
    this.finished(known(), code, failure, request.url, call);
  }

  /** Says what became of a request: in the log, and in the audit stream where it belongs there. */
  private finished(
    request: AuditedRequest,
    code: number,
    failure: unknown,
    target: string | undefined,
    call: Pick<Call, 'annotated' | 'parts'> | undefined,
  ): void {
    const { world, logger } = this.options;
    const { id: auditId, info, user, agent } = request;
    const latencyMs = world.now() - request.time;
    const reason = failure instanceof StatusError ? failure.reason : undefined;
    const said = call?.annotated ?? annotatedBy(failure);
    this.recorder?.record(request, { code, reason, latencyMs, ...(said === undefined ? {} : { annotated: said }) });
    for (const { info: about, ...end } of call?.parts ?? []) {
      this.recorder?.record({ ...request, info: about }, { ...end, reason: end.reason, latencyMs });
    }
    logger.debug('request', { requestId: auditId, verb: info?.verb, target, user: user?.name, agent, code, ms: latencyMs });
  }

  /** Carries a request out when it is its turn. What lasts long by nature takes no place (upstream's longRunningRequestCheck). */
  private async dispatch(call: Call, upgrade: Upgrade | undefined, begun: () => void): Promise<void> {
    const { info, response, signal } = call;
    if (LONG_SUBRESOURCES.has(info.subresource) || info.verb === 'watch') {
      if (info.verb === 'watch') this.fairness.mark(call, response);
      const ended = this.metrics.lasts(info, call.request);
      return this.carryOut(call, upgrade, begun).finally(ended);
    }
    const place = this.fairness.enter(call, response, signal);
    const leave = place instanceof Promise ? await place : place;
    const done = this.metrics.works(info);
    try {
      await this.carryOut(call, upgrade);
    } finally {
      done();
      leave();
    }
  }

  /** Authorizes a request and has it answered; `begun` is told of one that lasts when it has been let in. */
  private async carryOut(call: Call, upgrade: Upgrade | undefined, begun?: () => void): Promise<void> {
    const { user, info, query } = call;
    await this.authorize(user, info, query, upgrade);
    begun?.();
    const known = LONG_SUBRESOURCES.has(info.subresource) || (call.at === undefined && this.router.passedOn(info) !== undefined);
    if (upgrade !== undefined && !known) throw badRequest('this endpoint does not change protocols');
    await this.router.route(call, upgrade);
  }

  private async authorize(user: User, info: RequestInfo, query: URLSearchParams, upgrade: Upgrade | undefined): Promise<void> {
    if (!info.resourceRequest && info.verb === 'get' && ANYBODY.has(info.path)) return;
    const { verb, path, group, version, resource, subresource, namespace } = info;
    const selected = SELECTING.has(verb) ? query.get('fieldSelector') : null;
    const fields = selected === null ? undefined : readFields(selected);
    const name = info.name === '' && fields !== undefined && verb !== 'deletecollection' ? selectedName(fields) : info.name;
    const attributes: AuthorizerAttributes = info.resourceRequest
      ? { kind: 'resource', user, verb, group, version, resource, subresource, namespace, name, ...(fields ? { fields } : {}) }
      : { kind: 'path', user, verb, path };
    await this.allow(attributes);
    // A WebSocket begins with a GET, but what it opens changes things.
    if (upgrade !== undefined && resource === 'pods' && verb === 'get') await this.allow({ ...attributes, verb: 'create' });
  }

  private async allow(attributes: AuthorizerAttributes): Promise<void> {
    const { allowed, reason } = await this.authorizer(attributes);
    if (!allowed) throw refusal(attributes, reason);
  }

  /** Answers a failure; what was not expected is logged here, once. */
  private async fail(
    request: IncomingMessage,
    response: ServerResponse,
    error: unknown,
    gone: AbortSignal,
    requestId: string,
  ): Promise<number> {
    const expected = error instanceof StatusError;
    if (!expected && !gone.aborted) {
      this.options.logger.error('a request failed', error, { requestId, method: request.method, target: request.url });
    }
    if (response.destroyed || (gone.aborted && !this.closing)) return 499;
    if (!request.complete) response.setHeader('Connection', 'close');
    try {
      return await sendFailure(request, response, error);
    } catch (failure) {
      this.options.logger.error('a failure could not be answered', failure, { requestId });
      response.destroy();
      return 500;
    }
  }
}

const isUnauthorized = (error: unknown): boolean => error instanceof StatusError && error.reason === 'Unauthorized';

/** A request's target taken apart: the moment it asks for, where that is not now, and what it asks of it. */
function askedFor(target: string): { readonly at?: PastRequest; readonly path: string; readonly query: URLSearchParams } {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  return { path, ...splitPast(path), query };
}

/** A read of what a Secret once held, as the read of the Secret that it is. */
const readOf = (call: Call | undefined): RequestInfo | undefined =>
  call?.disclosed && { ...call.info, group: '', version: 'v1', resource: 'secrets', subresource: '', ...call.disclosed };

/** Whoever lists or watches one object by its name asks for that object (apiserver `requestinfo.go`). */
const selectedName = (fields: readonly FieldRequirement[]): string =>
  fields.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value ?? '';

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === '' ? undefined : first;
};
