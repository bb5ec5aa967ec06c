import type { StreamOptions } from '#libs/node-adapters';
import type { SpdyStream } from '../spdy/spdy-connection.js';
import { HttpError } from './http-error.js';
import type { RemoteStreams } from './remote-streams.js';
import { acceptSpdy, type UpgradeRequest } from './upgrade.js';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', ''];
const CREATION_TIMEOUT_MS = 30_000;

/** The streams of exec and attach as SPDY streams that the client opens, told apart by their `streamType`. */
export async function openSpdyStreams(upgrade: UpgradeRequest, options: StreamOptions): Promise<RemoteStreams> {
  const streams = new Map<string, SpdyStream>();
  let arrived = (): void => undefined;
  const { connection, protocol } = acceptSpdy(upgrade, PROTOCOLS, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    arrived();
  });
  const served = connection.serve();
  const withResize = options.tty && /^v[345]/.test(protocol);
  const withStatus = /^v[45]/.test(protocol);
  const wanted = [
    'error',
    ...(options.stdin ? ['stdin'] : []),
    ...(options.stdout ? ['stdout'] : []),
    ...(options.stderr ? ['stderr'] : []),
    ...(withResize ? ['resize'] : []),
  ];
  const complete = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new HttpError(500, 'timed out waiting for client to create streams')), CREATION_TIMEOUT_MS);
    arrived = () => {
      if (!wanted.every((type) => streams.has(type))) return;
      clearTimeout(timer);
      resolve();
    };
    void served.then(() => {
      clearTimeout(timer);
      reject(new Error('the client went away'));
    });
  });
  try {
    await complete;
  } catch (error) {
    connection.close();
    throw error;
  }
  const [error, stdin, stdout, stderr, resize] = ['error', 'stdin', 'stdout', 'stderr', 'resize'].map((type) => streams.get(type));
  return {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    onResize: (resized) => {
      resize?.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString('utf8').split('\n')) {
          const size = /"Width":(\d+),"Height":(\d+)/.exec(line);
          if (size) resized(Number(size[1]), Number(size[2]));
        }
      });
    },
    onClose: (closed) => void served.then(closed),
    finish: async (status) => {
      const text = withStatus ? JSON.stringify(status) : status.status === 'Success' ? '' : (status.message ?? '');
      const ends = [stdout, stderr, stdin].flatMap((stream) => (stream ? [ended(stream)] : []));
      if (error) ends.push(ended(error, text));
      await Promise.all(ends);
      await connection.end();
      connection.close();
    },
  };
}

/** Writes the last bytes of a stream and ends our side. */
const ended = (stream: SpdyStream, text = ''): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) return resolve();
    stream.once('close', resolve);
    if (text === '') stream.end(() => resolve());
    else stream.end(Buffer.from(text), () => resolve());
  });
