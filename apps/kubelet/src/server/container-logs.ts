import type { ServerResponse } from 'node:http';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogOptions } from '#libs/node-adapters';
import type { Pod } from '#libs/api';
import { allContainers, attemptsOf, type ObservedContainer } from '#libs/node';
import type { NodeContext } from '../node-context.js';
import type { PodManager } from '../pod-manager.js';
import { HttpError } from './http-error.js';

const isTrue = (value: string | null): boolean => value === 'true' || value === '1';

/** Streams a container's log: `/containerLogs/<namespace>/<pod>/<container>`. */
export async function serveLogs(
  { runtime }: NodeContext,
  pods: PodManager,
  [namespace = '', name = '', container = '']: readonly string[],
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const pod = pods.pod(namespace, name);
  if (!pod) throw new HttpError(404, `pod "${name}" not found`);
  const found = containerFor(pod, container, runtime.containersOf(pod.metadata.uid ?? ''), isTrue(query.get('previous')));
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const options = logOptions(query, found.state === 'running', abort.signal);
  let log: Readable;
  try {
    log = await runtime.logs(found.id, options);
  } catch (error) {
    throw new HttpError(500, error instanceof Error ? error.message : String(error));
  }
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  const limit = query.get('limitBytes');
  try {
    if (limit === null) await pipeline(log, response);
    else await pipeline(log, firstBytes(Number(limit)), response);
  } catch {
    // The reader went away, or has all it wanted.
  } finally {
    log.destroy();
    response.end();
  }
}

function logOptions(query: URLSearchParams, running: boolean, signal: AbortSignal): LogOptions {
  const tail = query.get('tailLines');
  const seconds = query.get('sinceSeconds');
  const time = query.get('sinceTime');
  const since = seconds !== null ? Date.now() / 1000 - Number(seconds) : time !== null ? Date.parse(time) / 1000 : undefined;
  return {
    follow: isTrue(query.get('follow')) && running,
    timestamps: isTrue(query.get('timestamps')),
    ...(tail === null ? {} : { tail: Number(tail) }),
    ...(since === undefined || Number.isNaN(since) ? {} : { since }),
    stream: streamOf(query.get('stream')),
    signal,
  };
}

const streamOf = (name: string | null): NonNullable<LogOptions['stream']> => (name === 'Stdout' || name === 'Stderr' ? name : 'All');

/** The container whose log is meant. Throws in upstream's words where there is none. */
function containerFor(pod: Pod, name: string, containers: readonly ObservedContainer[], previous: boolean): ObservedContainer {
  const known = allContainers(pod).some((container) => container.name === name);
  const podName = pod.metadata.name ?? '';
  if (!known) throw new HttpError(404, `container "${name}" not found in pod "${podName}"`);
  const attempts = attemptsOf(containers, name).filter(({ state }) => state !== 'created');
  if (previous) {
    const [, before] = attempts[0]?.state === 'exited' && isWaiting(pod, name) ? [undefined, attempts[0]] : attempts;
    if (!before) throw new HttpError(400, `previous terminated container "${name}" in pod "${podName}" not found`);
    return before;
  }
  const [last] = attempts;
  if (last) return last;
  const reason = waitingReason(pod, name) ?? 'ContainerCreating';
  const sentence = /Err|BackOff|Invalid/.test(reason) ? `trying and failing to pull image` : `waiting to start: ${reason}`;
  throw new HttpError(400, `container "${name}" in pod "${podName}" is ${sentence}`);
}

function waitingReason(pod: Pod, name: string): string | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return statuses.find((status) => status.name === name)?.state?.waiting?.reason;
}

const isWaiting = (pod: Pod, name: string): boolean => waitingReason(pod, name) !== undefined;

/** Lets so many bytes through, then ends. */
function firstBytes(limit: number): Transform {
  let left = limit;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (left <= 0) return done();
      const part = chunk.subarray(0, left);
      left -= part.length;
      this.push(part);
      if (left <= 0) this.push(null);
      done();
    },
  });
}
