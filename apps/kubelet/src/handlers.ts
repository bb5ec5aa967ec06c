import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { ContainerRuntime } from '#libs/node-adapters';
import type { Container, ExecAction, HTTPGetAction, TCPSocketAction } from '#libs/api';
import { portNumber, type ObservedContainer, type ProbeOutcome } from '#libs/node';

/** Where a handler's requests go: the pod's address, or the host's for pods on its network. */
export interface HandlerTarget {
  readonly container: Container;
  readonly observed: ObservedContainer;
  readonly podIP: string;
}

/** What a probe or a hook does. */
export interface Handler {
  readonly exec?: ExecAction;
  readonly httpGet?: HTTPGetAction;
  readonly tcpSocket?: TCPSocketAction;
  readonly grpc?: object;
}

const MAX_OUTPUT = 10 * 1024;
const failure = (output: string): ProbeOutcome => ({ result: 'failure', output });
const success = (output: string): ProbeOutcome => ({ result: 'success', output });
const problem = (output: string): ProbeOutcome => ({ result: 'error', output });

/** Does what a handler says, within its time. Never throws. */
export async function runHandler(
  runtime: ContainerRuntime,
  handler: Handler,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  // Where nothing runs, nothing can be asked: what only pretends to run is well.
  if (runtime.name === 'simulated') return success('');
  try {
    if (handler.exec) return await execOutcome(runtime, handler.exec.command ?? [], target, timeoutMs);
    if (handler.httpGet) return await httpOutcome(handler.httpGet, target, timeoutMs);
    if (handler.tcpSocket) return await tcpOutcome(handler.tcpSocket, target, timeoutMs);
    return problem(handler.grpc ? 'gRPC probes are not supported by this node' : 'missing probe handler');
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
}

async function execOutcome(
  runtime: ContainerRuntime,
  command: readonly string[],
  { observed }: HandlerTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const session = await runtime.exec(observed.id, command, { stdin: false, stdout: true, stderr: true, tty: false });
  let output = '';
  const take = (chunk: Buffer): void => {
    if (output.length < MAX_OUTPUT) output += chunk.toString('utf8');
  };
  session.stdout.on('data', take);
  session.stderr.on('data', take);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  const code = await Promise.race([session.exit, late]).finally(() => clearTimeout(timer));
  session.close();
  if (code === 'late') return failure(`command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`);
  return code === 0 ? success(output) : failure(output.slice(0, MAX_OUTPUT));
}

async function httpOutcome(action: HTTPGetAction, { container, podIP }: HandlerTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const port = portNumber(container, action.port);
  if (port === undefined) return problem(`invalid port: ${action.port}`);
  const host = action.host || podIP;
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`;
  const url = `${scheme}://${host}:${port}${path}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const options = {
    host,
    port,
    path,
    headers,
    timeout: timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
    rejectUnauthorized: false,
    agent: false as const,
  };
  return new Promise((resolve) => {
    const request = (scheme === 'https' ? https : http).get(options, (response) => {
      const code = response.statusCode ?? 0;
      let body = '';
      response.on('data', (chunk: Buffer) => {
        if (body.length < MAX_OUTPUT) body += chunk.toString('utf8');
      });
      const done = (): void => resolve(code >= 200 && code < 400 ? success(body) : failure(`HTTP probe failed with statuscode: ${code}`));
      response.on('end', done).on('error', done);
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(failure(`Get "${url}": ${goNetError(error, host, port)}`)));
    request.on('timeout', () => request.destroy());
  });
}

async function tcpOutcome(action: TCPSocketAction, { container, podIP }: HandlerTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const port = portNumber(container, action.port);
  if (port === undefined) return problem(`invalid port: ${action.port}`);
  const host = action.host || podIP;
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: timeoutMs });
    const end = (outcome: ProbeOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end(success('')));
    socket.once('timeout', () => end(failure(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once('error', (error: NodeJS.ErrnoException) => end(failure(goNetError(error, host, port))));
  });
}

/** A connection's failure in the words clients know from Go. */
function goNetError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const dial = `dial tcp ${host}:${port}: `;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${dial}connect: connection refused`;
    case 'EHOSTUNREACH':
      return `${dial}connect: no route to host`;
    case 'ENETUNREACH':
      return `${dial}connect: network is unreachable`;
    case 'ECONNRESET':
      return `read tcp ${host}:${port}: read: connection reset by peer`;
    case 'ABORT_ERR':
    case 'ETIMEDOUT':
      return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
    default:
      return error.message === 'socket hang up' ? 'EOF' : error.message;
  }
}
