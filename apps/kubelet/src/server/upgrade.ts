import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.js';
import { HttpError } from './http-error.js';

/** A request to speak another protocol on its connection. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly query: URLSearchParams;
}

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

const offered = (header: string | string[] | undefined): readonly string[] =>
  (Array.isArray(header) ? header : [header ?? ''])
    .flatMap((line) => line.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Whether the client asks for a WebSocket (else it asks for SPDY). */
export const wantsWebSocket = ({ request }: UpgradeRequest): boolean => request.headers.upgrade?.toLowerCase() === 'websocket';

/** The first protocol a client offers that is also ours. Throws where there is none. */
function choose(names: readonly string[], supported: readonly string[]): string {
  const chosen = names.find((name) => supported.includes(name));
  if (chosen !== undefined) return chosen;
  throw new HttpError(403, `unable to negotiate protocol: client supports [${names.join(' ')}], server supports [${supported.join(' ')}]`);
}

/** Turns the connection into a WebSocket that speaks one of the given subprotocols. */
export async function acceptWebSocket(
  upgrade: UpgradeRequest,
  supported: readonly string[],
): Promise<{ socket: WebSocket; protocol: string }> {
  const names = offered(upgrade.request.headers['sec-websocket-protocol']);
  const protocol = names.length === 0 && supported.includes('') ? '' : choose(names, supported);
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => (protocol === '' ? false : protocol),
  });
  const socket = await new Promise<WebSocket>((resolve, reject) => {
    upgrade.socket.once('close', () => reject(new Error('the client went away')));
    server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, resolve);
  });
  socket.on('error', () => undefined);
  return { socket, protocol };
}

/** Turns the connection into SPDY/3.1; `stream` hears of each stream the client opens. */
export function acceptSpdy(
  upgrade: UpgradeRequest,
  supported: readonly string[],
  onStream: (stream: SpdyStream) => void,
): { connection: SpdyConnection; protocol: string } {
  const { request, socket, head } = upgrade;
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1')
    throw new HttpError(400, 'unable to upgrade: missing upgrade headers in request');
  const names = offered(request.headers['x-stream-protocol-version']);
  const protocol = names.length === 0 && supported.includes('') ? '' : choose(names, supported);
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    ...(protocol === '' ? [] : [`X-Stream-Protocol-Version: ${protocol}`]),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  const connection = new SpdyConnection(socket, onStream);
  return { connection, protocol };
}

/** SPDY whose bytes travel in a WebSocket's binary messages. */
export function spdyOverWebSocket(socket: WebSocket, onStream: (stream: SpdyStream) => void): SpdyConnection {
  return new SpdyConnection(createWebSocketStream(socket), onStream);
}
