import type { Readable, Writable } from 'node:stream';
import type { StreamOptions, StreamSession } from '#libs/node-adapters';
import type { Pod } from '#libs/api';
import { attemptsOf, type ObservedContainer } from '#libs/node';
import type { NodeContext } from '../node-context.js';
import { HttpError } from './http-error.js';
import type { RemoteStatus, RemoteStreams } from './remote-streams.js';
import { openSpdyStreams } from './spdy-streams.js';
import { wantsWebSocket, type UpgradeRequest } from './upgrade.js';
import { openWebSocketStreams } from './websocket-streams.js';

const SUCCESS: RemoteStatus = { metadata: {}, status: 'Success' };

const flag = (query: URLSearchParams, name: string): boolean => query.get(name) === '1' || query.get(name) === 'true';

/** Serves `/exec` and `/attach`. */
export async function serveRemoteCommand(
  context: NodeContext,
  pod: Pod,
  container: string,
  kind: 'exec' | 'attach',
  upgrade: UpgradeRequest,
): Promise<void> {
  const { query } = upgrade;
  const observed = runningContainer(context, pod, container);
  const tty = flag(query, 'tty');
  const options: StreamOptions = { stdin: flag(query, 'input'), stdout: flag(query, 'output'), stderr: flag(query, 'error') && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  const streams = wantsWebSocket(upgrade) ? await openWebSocketStreams(upgrade, options) : await openSpdyStreams(upgrade, options);
  let session: StreamSession;
  try {
    session =
      kind === 'exec'
        ? await context.runtime.exec(observed.id, query.getAll('command'), options)
        : await context.runtime.attach(observed.id, { ...options, tty: observed.tty === true });
  } catch (error) {
    await streams.finish(internalError(error));
    return;
  }
  await relay(session, streams, kind);
}

/** Carries bytes both ways until the process ends or the client goes. */
async function relay(session: StreamSession, streams: RemoteStreams, kind: 'exec' | 'attach'): Promise<void> {
  streams.onResize((columns, rows) => void session.resize(columns, rows));
  streams.onClose(() => session.close());
  if (streams.stdin) streams.stdin.on('error', () => undefined).pipe(session.stdin);
  session.stdin.on('error', () => undefined);
  const outputs = [carry(session.stdout, streams.stdout), carry(session.stderr, streams.stderr)];
  try {
    const code = await session.exit;
    await Promise.all(outputs);
    await streams.finish(kind === 'attach' || code === undefined || code === 0 ? SUCCESS : exitStatus(code));
  } catch (error) {
    await streams.finish(internalError(error));
  } finally {
    session.close();
  }
}

function carry(from: Readable, to: Writable | undefined): Promise<void> {
  if (!to) {
    from.resume();
    return Promise.resolve();
  }
  to.on('error', () => from.destroy());
  return new Promise((resolve) => {
    from
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
    from.pipe(to, { end: false });
  });
}

/** A process that failed, as clients expect to be told. */
export const exitStatus = (code: number): RemoteStatus => ({
  metadata: {},
  status: 'Failure',
  reason: 'NonZeroExitCode',
  message: `command terminated with non-zero exit code: exit status ${code}`,
  details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
});

function internalError(error: unknown): RemoteStatus {
  const message = error instanceof Error ? error.message : String(error);
  return {
    metadata: {},
    status: 'Failure',
    reason: 'InternalError',
    message: `Internal error occurred: error executing command in container: ${message}`,
    details: { causes: [{ reason: '', message: `error executing command in container: ${message}` }] },
    code: 500,
  };
}

function runningContainer({ runtime }: NodeContext, pod: Pod, name: string): ObservedContainer {
  const [last] = attemptsOf(runtime.containersOf(pod.metadata.uid ?? ''), name);
  if (last?.state === 'running') return last;
  throw new HttpError(500, `container not found ("${name}")`);
}
