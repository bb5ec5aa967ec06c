import { spawn } from 'node:child_process';
import net from 'node:net';
import { Duplex } from 'node:stream';
import type { Pod } from '#libs/api';
import { runningSandbox } from '#libs/node';
import type { NodeContext } from '../node-context.js';

const TIMEOUT_MS = 10_000;

/** Runs inside a pod's network: one byte says it is connected, then bytes both ways. */
const RELAY = `
const socket = require('net').connect({ port: Number(process.argv[1]), host: '127.0.0.1', allowHalfOpen: true });
socket.once('connect', () => { process.stdout.write('+'); process.stdin.pipe(socket); socket.pipe(process.stdout); });
socket.once('error', (error) => { process.stderr.write(String(error.code)); process.exit(1); });
`;

/** Connects to a port of a pod: at its address, else, for what listens on loopback alone, from inside its network. */
export async function dialPod({ runtime }: NodeContext, pod: Pod, port: number): Promise<Duplex> {
  const sandbox = runningSandbox(runtime.containersOf(pod.metadata.uid ?? ''));
  if (!sandbox) throw new Error(`pod not running: ${pod.metadata.name ?? ''}`);
  const host = pod.spec?.hostNetwork === true ? '127.0.0.1' : (sandbox.ip ?? '');
  try {
    return await connect(host, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || sandbox.pid === undefined) throw error;
    return connectInside(sandbox.pid, port);
  }
}

function connect(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)), TIMEOUT_MS);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(timer));
  });
}

function connectInside(pid: number, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const child = spawn('nsenter', ['-t', String(pid), '-n', process.execPath, '-e', RELAY, String(port)], { stdio: 'pipe' });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const refused = (): void => {
      clearTimeout(timer);
      reject(
        new Error(
          `failed to connect to localhost:${port} inside the pod's network, IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused`,
        ),
      );
    };
    child.once('error', refused);
    child.once('exit', refused);
    child.stdin.on('error', () => undefined);
    child.stdout.once('readable', () => {
      const first = child.stdout.read(1) as Buffer | null;
      if (first === null) return;
      clearTimeout(timer);
      child.off('exit', refused);
      const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin });
      duplex.once('close', () => child.kill());
      resolve(duplex);
    });
  });
}
