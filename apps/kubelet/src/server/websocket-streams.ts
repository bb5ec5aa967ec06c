import { PassThrough, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { StreamOptions } from '#libs/node-adapters';
import type { RemoteStatus, RemoteStreams } from './remote-streams.js';
import { acceptWebSocket, type UpgradeRequest } from './upgrade.js';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;
const CLOSE_TIMEOUT_MS = 5_000;

const PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  '',
];

/** A message of a WebSocket as bytes. */
export function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** A writer of one channel: each message begins with the channel's number. Waits while the client is behind. */
export function channelWriter(socket: WebSocket, channel: number, base64 = false): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) return done(new Error('the client went away'));
      if (base64) socket.send(`${channel}${chunk.toString('base64')}`, (error) => done(error ?? null));
      else socket.send(Buffer.concat([Buffer.from([channel]), chunk]), { binary: true }, (error) => done(error ?? null));
    },
  });
}

/** The streams of exec and attach as channels of one WebSocket (v5 adds a way to end standard input). */
export async function openWebSocketStreams(upgrade: UpgradeRequest, options: StreamOptions): Promise<RemoteStreams> {
  const { socket, protocol } = await acceptWebSocket(upgrade, PROTOCOLS);
  const base64 = protocol.includes('base64');
  const withStatus = protocol.startsWith('v4') || protocol.startsWith('v5');
  const stdin = new PassThrough();
  let resized: (columns: number, rows: number) => void = () => undefined;
  socket.on('message', (data) => {
    const message = bytesOf(data);
    const channel = base64 ? (message[0] ?? 0) - 48 : (message[0] ?? 0);
    const body = base64 ? Buffer.from(message.toString('latin1', 1), 'base64') : message.subarray(1);
    if (channel === STDIN && options.stdin) {
      if (!stdin.write(body)) {
        socket.pause();
        stdin.once('drain', () => socket.resume());
      }
    } else if (channel === RESIZE) {
      const size = sizeOf(body);
      if (size) resized(size.Width, size.Height);
    } else if (channel === CLOSE && body[0] === STDIN && protocol.startsWith('v5')) {
      stdin.end();
    }
  });
  socket.once('close', () => stdin.end());
  const error = channelWriter(socket, ERROR, base64);
  error.on('error', () => undefined);
  // An empty message on the first channel that is written tells the client that all is in place.
  channelWriter(socket, options.stdout ? STDOUT : options.stderr ? STDERR : ERROR, base64).write(Buffer.alloc(0));
  return {
    ...(options.stdin ? { stdin } : {}),
    ...(options.stdout ? { stdout: channelWriter(socket, STDOUT, base64) } : {}),
    ...(options.stderr ? { stderr: channelWriter(socket, STDERR, base64) } : {}),
    onResize: (listener) => {
      resized = listener;
    },
    onClose: (listener) => void socket.once('close', listener),
    finish: async (status) => {
      const text = withStatus ? JSON.stringify(status) : plain(status);
      if (text !== '') await new Promise<void>((resolve) => error.write(Buffer.from(text), () => resolve()));
      await closed(socket);
    },
  };
}

const plain = (status: RemoteStatus): string => (status.status === 'Success' ? '' : (status.message ?? ''));

function sizeOf(body: Buffer): { Width: number; Height: number } | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as { Width: number; Height: number };
  } catch {
    return undefined;
  }
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.close(1000);
    if (socket.readyState === socket.CLOSED) {
      clearTimeout(timer);
      resolve();
    }
  });
}
