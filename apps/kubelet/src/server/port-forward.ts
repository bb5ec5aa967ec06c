import { PassThrough, type Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Pod } from '#libs/api';
import type { NodeContext } from '../node-context.js';
import type { SpdyStream } from '../spdy/spdy-connection.js';
import { HttpError } from './http-error.js';
import { dialPod } from './pod-dialer.js';
import { acceptSpdy, acceptWebSocket, spdyOverWebSocket, wantsWebSocket, type UpgradeRequest } from './upgrade.js';
import { bytesOf, channelWriter } from './websocket-streams.js';

const SPDY_PROTOCOLS = ['portforward.k8s.io'];
const TUNNELS = ['SPDY/3.1+portforward.k8s.io'];
const CHANNELS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'];
const PAIRING_TIMEOUT_MS = 30_000;

/** Serves `/portForward` over SPDY, over SPDY inside a WebSocket, and over a WebSocket's channels. */
export async function servePortForward(context: NodeContext, pod: Pod, upgrade: UpgradeRequest): Promise<void> {
  const pairs = new StreamPairs((data, error, port) => void forward(context, pod, port, data, error));
  if (!wantsWebSocket(upgrade)) {
    const { connection } = acceptSpdy(upgrade, SPDY_PROTOCOLS, (stream) => pairs.add(stream));
    await connection.serve();
    return;
  }
  const { socket, protocol } = await acceptWebSocket(upgrade, [...TUNNELS, ...CHANNELS]);
  if (TUNNELS.includes(protocol)) await spdyOverWebSocket(socket, (stream) => pairs.add(stream)).serve();
  else forwardChannels(context, pod, socket, protocol, portsOf(upgrade.query));
}

/** A connection is two SPDY streams of one requestID: data, and one for errors. */
class StreamPairs {
  private readonly waiting = new Map<string, { readonly streams: Map<string, SpdyStream>; readonly timer: NodeJS.Timeout }>();

  constructor(private readonly onPair: (data: SpdyStream, error: SpdyStream, port: number) => void) {}

  add(stream: SpdyStream): void {
    const id = stream.headers.get('requestid') ?? String(stream.id - (stream.headers.get('streamtype') === 'data' ? 2 : 0));
    const entry = this.waiting.get(id) ?? {
      streams: new Map<string, SpdyStream>(),
      timer: setTimeout(() => this.giveUp(id), PAIRING_TIMEOUT_MS),
    };
    this.waiting.set(id, entry);
    entry.streams.set(stream.headers.get('streamtype') ?? '', stream);
    const [data, error] = [entry.streams.get('data'), entry.streams.get('error')];
    if (!data || !error) return;
    clearTimeout(entry.timer);
    this.waiting.delete(id);
    this.onPair(data, error, Number(data.headers.get('port')));
  }

  private giveUp(id: string): void {
    const entry = this.waiting.get(id);
    this.waiting.delete(id);
    for (const stream of entry?.streams.values() ?? []) stream.destroy();
  }
}

async function forward(context: NodeContext, pod: Pod, port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
  error.resume();
  try {
    const target = await dialPod(context, pod, port);
    await splice(data, target);
    error.end();
  } catch (problem) {
    error.end(errorText(pod, port, problem));
    data.end();
  }
}

const errorText = (pod: Pod, port: number, problem: unknown): string =>
  `error forwarding port ${port} to pod ${pod.metadata.name ?? ''}, uid ${pod.metadata.uid ?? ''}: ${problem instanceof Error ? problem.message : String(problem)}`;

/** Both ways until both sides have ended; half-closed connections stay open. */
function splice(client: Duplex, target: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = 2;
    const over = (): void => {
      open -= 1;
      if (open === 0) resolve();
    };
    target.once('error', (error) => {
      client.destroy();
      reject(error);
    });
    client.once('close', () => {
      target.destroy();
      resolve();
    });
    client.once('end', over);
    target.once('end', over);
    client.pipe(target);
    target.pipe(client);
  });
}

function portsOf(query: URLSearchParams): readonly number[] {
  const ports = [...query.getAll('port'), ...query.getAll('ports')].flatMap((text) => text.split(',')).map(Number);
  if (ports.length === 0) throw new HttpError(400, 'query parameter "port" is required');
  if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) throw new HttpError(400, 'invalid port');
  return ports;
}

/** Of each port two channels: 2i carries data, 2i+1 errors; each begins with the port in two bytes, the low one first. */
function forwardChannels(context: NodeContext, pod: Pod, socket: WebSocket, protocol: string, ports: readonly number[]): void {
  const base64 = protocol.includes('base64');
  const inputs = new Map<number, PassThrough>();
  ports.forEach((port, index) => {
    const input = new PassThrough();
    inputs.set(index * 2, input);
    const [data, error] = [channelWriter(socket, index * 2, base64), channelWriter(socket, index * 2 + 1, base64)];
    for (const writer of [data, error]) {
      writer.on('error', () => undefined);
      writer.write(Buffer.from([port & 0xff, port >> 8]));
    }
    dialPod(context, pod, port).then(
      (target) => {
        input.pipe(target);
        target.pipe(data, { end: false });
        target.on('error', (problem) => error.write(errorText(pod, port, problem)));
        target.once('end', () => {
          if (ports.length === 1) data.end(() => socket.close(1000));
        });
        socket.once('close', () => target.destroy());
      },
      (problem: unknown) => error.write(errorText(pod, port, problem)),
    );
  });
  socket.on('message', (message) => {
    const bytes = bytesOf(message);
    const channel = base64 ? (bytes[0] ?? 0) - 48 : (bytes[0] ?? 0);
    const input = inputs.get(channel);
    if (!input) return;
    if (input.write(base64 ? Buffer.from(bytes.toString('latin1', 1), 'base64') : bytes.subarray(1))) return;
    socket.pause();
    input.once('drain', () => socket.resume());
  });
  socket.once('close', () => {
    for (const input of inputs.values()) input.end();
  });
}
