import { once } from 'node:events';
import { Agent as PlainAgent, request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StatusError } from '#libs/apimachinery';
import type { Call } from '../call.js';
import { sendRewritten } from './rewritten-answer.js';
import { rewrittenUrl, type Rewriting } from './rewriting.js';

/** A client's connection that asked to speak something else than HTTP, and what it has already said. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Where a request is passed on to. */
export interface Backend {
  readonly secure: boolean;
  /** Host, port, path, and for TLS whom to believe and what to show. */
  readonly options: RequestOptions;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Present where the backend does not know that it is proxied, so that its links must be led through the proxy. */
  readonly rewriting?: Rewriting;
  /** What a client is told where the backend can't be reached. */
  readonly unreachable: (why: string, cause: unknown) => StatusError;
}

const CONNECT_TIMEOUT_MS = 30_000;
/** Headers that speak of one connection only (RFC 9110 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** Headers by which the client proved who it is: not the backend's business. */
const CREDENTIALS = /^(authorization|cookie|host|impersonate-.*|x-remote-.*|content-length)$/;
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** Passes requests on, and what follows an upgrade byte for byte. */
export class Forwarder {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 0 });
  private readonly plainAgent = new PlainAgent({ keepAlive: true, maxFreeSockets: 8, timeout: 0 });
  private readonly open = new Set<Duplex>();

  /** Cuts all connections to backends, and those they serve. */
  close(): void {
    this.agent.destroy();
    this.plainAgent.destroy();
    for (const socket of this.open) socket.destroy();
  }

  /** Asks a backend with a GET of the server's own and hands over its answer as it begins. */
  async fetch(backend: Backend, signal: AbortSignal): Promise<IncomingMessage> {
    const asked = this.ask(backend, { ...backend.options, method: 'GET', signal });
    asked.end();
    try {
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      throw backend.unreachable(whyNot(error), error);
    }
  }

  /** Passes the whole request on and its answer back; where the client asked for an upgrade, the connection too. */
  async forward(call: Call, upgrade: Upgrade | undefined, backend: Backend): Promise<void> {
    const { request, response, signal } = call;
    const { rewriting } = backend;
    const headers = { ...forwardedHeaders(request, upgrade !== undefined), ...backend.headers };
    const options = { ...backend.options, method: request.method ?? 'GET', headers, signal };
    const asked = this.ask(backend, upgrade === undefined ? options : { ...options, agent: false });
    const answered = new Promise<'done'>((resolve, reject) => {
      asked.once('error', (error) => reject(signal.aborted ? error : backend.unreachable(whyNot(error), error)));
      asked.once('response', (answer) => {
        const kept = endToEnd(answer.headers, upgrade !== undefined);
        if (rewriting && typeof kept['location'] === 'string') kept['location'] = rewrittenUrl(kept['location'], rewriting);
        const code = answer.statusCode ?? 502;
        const passed = rewriting ? sendRewritten(answer, response, code, kept, rewriting) : undefined;
        if (passed === undefined) response.writeHead(code, kept);
        (passed ?? pipeline(answer, response)).then(() => resolve('done'), reject);
      });
      asked.once('upgrade', (answer, backendSocket, head) => {
        if (upgrade === undefined) {
          backendSocket.destroy();
          reject(new StatusError('InternalError', 'the backend changed protocols unasked'));
          return;
        }
        response.detachSocket(request.socket);
        this.splice(upgrade, backendSocket, answer, head).then(() => resolve('done'), reject);
      });
    });
    if (upgrade === undefined) request.pipe(asked);
    else asked.end();
    await answered;
  }

  private ask({ secure }: Backend, options: RequestOptions): ClientRequest {
    const agent = secure ? this.agent : this.plainAgent;
    const asked = secure ? httpsRequest({ agent, ...options }) : httpRequest({ agent, ...options });
    boundConnecting(asked, secure);
    return asked;
  }

  private async splice(client: Upgrade, backend: Duplex, answer: IncomingMessage, head: Buffer): Promise<void> {
    const { socket } = client;
    const lines = [`HTTP/1.1 101 ${answer.statusMessage ?? 'Switching Protocols'}`];
    for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2)
      lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}`);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) socket.write(head);
    if (client.head.length > 0) backend.write(client.head);
    this.open.add(socket).add(backend);
    await new Promise<void>((resolve) => {
      const fail = (): void => void socket.destroy();
      socket.on('error', fail).once('close', () => {
        backend.destroy();
        resolve();
      });
      backend.on('error', fail).once('close', () => {
        // What the backend said last still has to reach the client.
        if (socket.writableFinished) socket.destroy();
        else socket.once('finish', fail).end();
      });
      socket.pipe(backend);
      backend.pipe(socket);
      if (socket.destroyed) backend.destroy();
    });
    this.open.delete(socket);
    this.open.delete(backend);
  }
}

/** A backend that does not answer at all must not hold a client for ever; one that is silent once connected may. */
function boundConnecting(asked: ClientRequest, secure: boolean): void {
  const timer = setTimeout(() => asked.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })), CONNECT_TIMEOUT_MS);
  const connected = (): void => clearTimeout(timer);
  asked.once('close', connected);
  asked.once('socket', (socket) => (socket.connecting ? socket.once(secure ? 'secureConnect' : 'connect', connected) : connected()));
}

/** A failed connection in Go's words, as far as they are known. */
function whyNot(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };
  const refused: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  };
  const why = code === undefined ? undefined : refused[code];
  return why === undefined ? message : `dial tcp ${address ?? ''}:${port ?? ''}: ${why}`;
}

function forwardedHeaders(request: IncomingMessage, upgrade: boolean): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || CREDENTIALS.test(name)) continue;
    headers[name] = value;
  }
  const protocols = request.headers['sec-websocket-protocol'];
  if (protocols !== undefined) {
    const left = protocols
      .split(',')
      .map((text) => text.trim())
      .filter((text) => !text.startsWith(BEARER_PROTOCOL));
    if (left.length > 0) headers['sec-websocket-protocol'] = left.join(', ');
    else delete headers['sec-websocket-protocol'];
  }
  const length = request.headers['content-length'];
  if (!upgrade && length !== undefined) headers['content-length'] = length;
  if (upgrade) {
    headers['connection'] = 'Upgrade';
    headers['upgrade'] = request.headers.upgrade ?? '';
  }
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? '';
  return headers;
}

function endToEnd(headers: IncomingHttpHeaders, close: boolean): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value;
  // What follows on this connection must not reach the backend as somebody else's request.
  if (close) kept['connection'] = 'close';
  return kept;
}
