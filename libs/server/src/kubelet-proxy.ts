import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NODES, type Node } from '#libs/api';
import { StatusError, badRequest, notFound } from '#libs/apimachinery';
import type { StateView } from '#libs/runtime';
import type { Call } from './call.js';
import type { KubeletTls } from './options.js';
import { nothingHere } from './respond.js';

/** A client's connection that asked to speak something else than HTTP, and what it has already said. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Where a kubelet answers. */
export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 10250;
const CONNECT_TIMEOUT_MS = 30_000;
/** Headers that speak of one connection only (RFC 9110 7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** Headers by which the client proved who it is: not the kubelet's business. */
const CREDENTIALS = /^(authorization|cookie|host|impersonate-.*|x-remote-.*|content-length)$/;
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** Passes requests on to kubelets with the server's own credentials, and what follows an upgrade byte for byte. */
export class KubeletProxy {
  private readonly agent: Agent;
  private readonly open = new Set<Duplex>();

  constructor(
    private readonly tls: KubeletTls,
    private readonly view: StateView,
  ) {
    this.agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 0 });
  }

  /** Cuts all connections to kubelets, and those they serve. */
  close(): void {
    this.agent.destroy();
    for (const socket of this.open) socket.destroy();
  }

  /** Where the kubelet of a node answers. Throws NotFound, or InternalError where the node names no address. */
  addressOf(nodeName: string): KubeletAddress {
    const node = this.view.entry(NODES, '', nodeName)?.object as Node | undefined;
    if (node === undefined) throw notFound(NODES, nodeName);
    const addresses = node.status?.addresses ?? [];
    const host = addresses.find(({ type }) => type === 'InternalIP')?.address;
    if (host === undefined) {
      const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(' ');
      throw new StatusError('InternalError', `no preferred addresses found; known addresses: [${known}]`);
    }
    return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? DEFAULT_PORT };
  }

  /** Asks a kubelet for `path` and hands over its answer as it begins. Throws InternalError where it can't be reached. */
  async fetch(address: KubeletAddress, path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const asked = httpsRequest({ ...this.optionsFor(address, 'GET', path), agent: this.agent, signal });
    boundConnecting(asked);
    asked.end();
    try {
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      throw unreachable(`Get "https://${hostOf(address)}${path}": `, error);
    }
  }

  /** Passes the whole request on and its answer back; where the client asked for an upgrade, the connection too. */
  async forward(call: Call, upgrade: Upgrade | undefined, address: KubeletAddress, path: string): Promise<void> {
    const { request, response, signal } = call;
    const headers = forwardedHeaders(request, upgrade !== undefined);
    const options = { ...this.optionsFor(address, request.method ?? 'GET', path), headers, signal };
    const asked = httpsRequest(upgrade === undefined ? { ...options, agent: this.agent } : { ...options, agent: false });
    boundConnecting(asked);
    const answered = new Promise<'done'>((resolve, reject) => {
      asked.once('error', (error) => reject(signal.aborted ? error : unreachable('error dialing backend: ', error)));
      asked.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers, upgrade !== undefined));
        pipeline(answer, response).then(() => resolve('done'), reject);
      });
      asked.once('upgrade', (answer, backend, head) => {
        if (upgrade === undefined) {
          backend.destroy();
          reject(new StatusError('InternalError', 'the kubelet changed protocols unasked'));
          return;
        }
        response.detachSocket(request.socket);
        this.splice(upgrade, backend, answer, head).then(() => resolve('done'), reject);
      });
    });
    if (upgrade === undefined) request.pipe(asked);
    else asked.end();
    await answered;
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
        // What the kubelet said last still has to reach the client.
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

  private optionsFor({ host, port }: KubeletAddress, method: string, path: string): RequestOptions {
    const { cert, key, ca } = this.tls;
    return { host, port, method, path, cert, key, ca };
  }
}

/** A node that does not answer at all must not hold a client for ever; one that is silent once connected may. */
function boundConnecting(asked: ClientRequest): void {
  const timer = setTimeout(() => asked.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })), CONNECT_TIMEOUT_MS);
  const connected = (): void => clearTimeout(timer);
  asked.once('close', connected);
  asked.once('socket', (socket) => (socket.connecting ? socket.once('secureConnect', connected) : connected()));
}

const hostOf = ({ host, port }: KubeletAddress): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** A failed connection in Go's words, as far as they are known. */
function unreachable(what: string, error: unknown): StatusError {
  const { code, address, port, message } = error as NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };
  const refused: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  };
  const why = code === undefined ? undefined : refused[code];
  const sentence = why === undefined ? message : `dial tcp ${address ?? ''}:${port ?? ''}: ${why}`;
  return new StatusError('InternalError', `${what}${sentence}`, undefined, { cause: error });
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
  // What follows on this connection must not reach the kubelet as somebody else's request.
  if (close) kept['connection'] = 'close';
  return kept;
}

/** Serves `nodes/<name>/proxy/...`. */
export async function proxyNode(proxy: KubeletProxy, call: Call, upgrade: Upgrade | undefined): Promise<void> {
  const { info, target } = call;
  if (info.name === '') throw nothingHere();
  if (info.rest.some((part) => part === '..')) throw badRequest('invalid path');
  const query = target.indexOf('?');
  const path = `/${info.rest.map(encodeURIComponent).join('/')}${query < 0 ? '' : target.slice(query)}`;
  await proxy.forward(call, upgrade, proxy.addressOf(info.name), path);
}
