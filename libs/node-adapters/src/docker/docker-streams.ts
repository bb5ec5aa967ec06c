import type Docker from 'dockerode';
import { PassThrough, type Duplex, type Readable } from 'node:stream';
import type { ContainerUsage, LogOptions, StreamOptions, StreamSession } from './container-runtime.js';

const HEADER_BYTES = 8;

/**
 * Splits Docker's multiplexed stream (one byte says which, four how long) into its two. The source pauses while
 * a reader is behind, so nothing piles up.
 */
export function demultiplex(source: Readable, stdout: PassThrough, stderr: PassThrough): void {
  let pending: Buffer = Buffer.alloc(0);
  let left = 0;
  let target = stdout;
  source.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let behind: PassThrough | undefined;
    for (;;) {
      if (left === 0) {
        if (pending.length < HEADER_BYTES) break;
        target = pending[0] === 2 ? stderr : stdout;
        left = pending.readUInt32BE(4);
        pending = pending.subarray(HEADER_BYTES);
        continue;
      }
      if (pending.length === 0) break;
      const part = pending.subarray(0, left);
      pending = pending.subarray(part.length);
      left -= part.length;
      if (!target.write(part)) behind = target;
    }
    if (!behind) return;
    source.pause();
    behind.once('drain', () => source.resume());
  });
  const end = (): void => {
    stdout.end();
    stderr.end();
  };
  source.once('end', end).once('close', end).once('error', end);
}

function sessionOf(
  stream: Duplex,
  tty: boolean,
  control: Pick<StreamSession, 'resize'>,
  exitCode: () => Promise<number | undefined>,
): StreamSession {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  if (tty) {
    stream.pipe(stdout);
    stderr.end();
    stream.once('close', () => stdout.end()).once('error', () => stdout.end());
  } else {
    demultiplex(stream, stdout, stderr);
  }
  const ended = new Promise<void>((resolve) => {
    stream
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
  });
  return { stdin: stream, stdout, stderr, resize: control.resize, exit: ended.then(exitCode), close: () => stream.destroy() };
}

const EXIT_POLLS = 100;
const EXIT_POLL_MS = 20;

/** Runs a command in a container. */
export async function execIn(docker: Docker, id: string, command: readonly string[], options: StreamOptions): Promise<StreamSession> {
  const exec = await docker.getContainer(id).exec({
    Cmd: [...command],
    AttachStdin: options.stdin,
    AttachStdout: options.stdout,
    AttachStderr: options.stderr && !options.tty,
    Tty: options.tty,
  });
  const stream = await exec.start({ hijack: true, stdin: true, Tty: options.tty });
  const exitCode = async (): Promise<number | undefined> => {
    // The output may end a moment before the engine knows the exit code.
    for (let poll = 0; poll < EXIT_POLLS; poll += 1) {
      const { Running, ExitCode } = await exec.inspect();
      if (!Running && ExitCode !== null) return ExitCode;
      await new Promise((resolve) => setTimeout(resolve, EXIT_POLL_MS));
    }
    return undefined;
  };
  const resize = async (w: number, h: number): Promise<void> => {
    await exec.resize({ w, h }).catch(() => undefined);
  };
  return sessionOf(stream, options.tty, { resize }, exitCode);
}

/** Connects to the streams of a container's own process. */
export async function attachTo(docker: Docker, id: string, options: StreamOptions): Promise<StreamSession> {
  const container = docker.getContainer(id);
  const { stdin, stdout, stderr, tty } = options;
  const stream = (await container.attach({ stream: true, hijack: true, stdin, stdout, stderr })) as unknown as Duplex;
  const exitCode = async (): Promise<number | undefined> => {
    const { State } = await container.inspect().catch(() => ({ State: undefined }));
    return State?.Running === false ? State.ExitCode : undefined;
  };
  const resize = async (w: number, h: number): Promise<void> => {
    await container.resize({ w, h }).catch(() => undefined);
  };
  return sessionOf(stream, tty, { resize }, exitCode);
}

/** A container's log as it was written, both streams interleaved. Always streamed: a log may be large. */
export async function logsOf(docker: Docker, id: string, options: LogOptions): Promise<Readable> {
  const container = docker.getContainer(id);
  const { Config } = await container.inspect();
  const wanted = options.stream ?? 'All';
  const raw = await new Promise<Readable>((resolve, reject) => {
    const request = {
      path: `/containers/${id}/logs?`,
      method: 'GET',
      isStream: true,
      ...(options.signal ? { abortSignal: options.signal } : {}),
      options: {
        follow: options.follow,
        stdout: wanted !== 'Stderr',
        stderr: wanted !== 'Stdout',
        timestamps: options.timestamps,
        ...(options.tail === undefined ? {} : { tail: options.tail }),
        ...(options.since === undefined ? {} : { since: options.since }),
      },
      statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    };
    const dial = (docker.modem as { dial: (options: object, done: (error: Error | null, data: Readable) => void) => void }).dial;
    dial.call(docker.modem, request, (error, data) => (error ? reject(error) : resolve(data)));
  });
  const out = new PassThrough();
  if (Config.Tty) raw.pipe(out);
  else demultiplexInto(raw, out);
  raw.once('error', () => out.end()).once('close', () => out.end());
  out.once('close', () => raw.destroy());
  return out;
}

/** Both streams into one, in the order in which they were written. */
function demultiplexInto(source: Readable, target: PassThrough): void {
  demultiplex(source, target, target);
}

interface Stats {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

/** What a container uses now, as the engine counts it; undefined when it does not run. */
export async function usageOf(docker: Docker, id: string): Promise<ContainerUsage | undefined> {
  const stats = (await docker
    .getContainer(id)
    .stats({ stream: false, 'one-shot': true })
    .catch(() => undefined)) as Stats | undefined;
  const cpu = stats?.cpu_stats?.cpu_usage?.total_usage;
  if (!stats || cpu === undefined) return undefined;
  const memory = stats.memory_stats ?? {};
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  const networks = Object.values(stats.networks ?? {});
  return {
    cpuNanoseconds: cpu,
    memoryBytes: Math.max(0, (memory.usage ?? 0) - cache),
    rxBytes: networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    txBytes: networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}
