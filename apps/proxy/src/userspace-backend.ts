import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { setLocalAddress } from '#libs/node-adapters';
import type { ProxyEndpoint, ProxyPort } from '#libs/node';
import type { Logger } from '#libs/runtime';
import type { ProxyBackend, ProxyOutcome } from './backend.js';

const CONNECT_TIMEOUT_MS = 5_000;
const UDP_IDLE_MS = 60_000;
const MAX_UDP_CLIENTS = 4_096;
const MAX_TCP_CLIENTS = 4_096;

/** One address and port that this process listens on, and where it sends what arrives. */
interface Listener {
  endpoints: readonly ProxyEndpoint[];
  close(): Promise<void>;
}

/**
 * Services without help of the kernel's tables: this process listens on each ClusterIP (an address of the cluster's
 * own interface) and on each node port of its own node, and forwards to the endpoints in turn. Clients' addresses are
 * not kept.
 */
export class UserspaceBackend implements ProxyBackend {
  private readonly listeners = new Map<string, Listener>();
  private readonly addresses = new Set<string>();
  /** What another node of this machine listens on; a ClusterIP is one address for all of them. */
  private readonly elsewhere = new Set<string>();
  private plan: readonly ProxyPort[] = [];

  constructor(private readonly options: { readonly nodeIp: string; readonly device: string; readonly logger: Logger }) {}

  async apply(plan: readonly ProxyPort[]): Promise<ProxyOutcome> {
    this.plan = plan;
    const wanted = new Map<
      string,
      { readonly port: ProxyPort; readonly address: string; readonly number: number; readonly endpoints: readonly ProxyEndpoint[] }
    >();
    for (const port of plan) {
      for (const address of port.addresses)
        wanted.set(`${port.protocol} ${address}:${port.port}`, { port, address, number: port.port, endpoints: port.internal });
      if (port.nodePort !== undefined)
        wanted.set(`${port.protocol} ${this.options.nodeIp}:${port.nodePort}`, {
          port,
          address: this.options.nodeIp,
          number: port.nodePort,
          endpoints: port.external,
        });
    }
    for (const [key, listener] of [...this.listeners]) {
      if (wanted.has(key)) continue;
      this.listeners.delete(key);
      await listener.close();
    }
    for (const key of this.elsewhere) if (!wanted.has(key)) this.elsewhere.delete(key);
    await this.setAddresses(
      new Set([...wanted.values()].map(({ address }) => address).filter((address) => address !== this.options.nodeIp)),
    );
    for (const [key, { port, address, number, endpoints }] of wanted) {
      const open = this.listeners.get(key);
      if (open) open.endpoints = endpoints;
      else await this.open(key, port, address, number, endpoints);
    }
    return { refused: new Map() };
  }

  /** Takes over what a node that has ended listened on. */
  async repair(): Promise<void> {
    if (this.elsewhere.size > 0) await this.apply(this.plan);
  }

  async close(): Promise<void> {
    for (const listener of this.listeners.values()) await listener.close();
    this.listeners.clear();
  }

  private async setAddresses(wanted: ReadonlySet<string>): Promise<void> {
    for (const address of this.addresses)
      if (!wanted.has(address)) await setLocalAddress('del', address, this.options.device).catch(() => undefined);
    for (const address of wanted) if (!this.addresses.has(address)) await setLocalAddress('replace', address, this.options.device);
    this.addresses.clear();
    for (const address of wanted) this.addresses.add(address);
  }

  private async open(key: string, port: ProxyPort, address: string, number: number, endpoints: readonly ProxyEndpoint[]): Promise<void> {
    try {
      const listener =
        port.protocol === 'udp'
          ? await listenUdp(address, number, endpoints)
          : await listenTcp(address, number, endpoints, port.clientAffinity);
      this.listeners.set(key, listener);
      this.elsewhere.delete(key);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' && address !== this.options.nodeIp) {
        if (!this.elsewhere.has(key))
          this.options.logger.info('served by another process of this machine', { port: port.id, address, number });
        this.elsewhere.add(key);
        return;
      }
      this.options.logger.error(`can't serve ${port.id} on ${address}:${number}`, error);
    }
  }
}

/** The endpoint for a connection: in turn, or by the client's address where it should stay the same. */
function choose(endpoints: readonly ProxyEndpoint[], turn: number, client: string, affinity: boolean): ProxyEndpoint | undefined {
  if (endpoints.length === 0) return undefined;
  const at = affinity ? [...client].reduce((hash, character) => (hash * 31 + character.charCodeAt(0)) >>> 0, 7) : turn;
  return endpoints[at % endpoints.length];
}

async function listenTcp(address: string, number: number, endpoints: readonly ProxyEndpoint[], affinity: boolean): Promise<Listener> {
  const open = new Set<Socket>();
  let turn = 0;
  const listener: Listener = {
    endpoints,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const endpoint = choose(listener.endpoints, turn++, client.remoteAddress ?? '', affinity);
    if (!endpoint || open.size >= 2 * MAX_TCP_CLIENTS) {
      client.resetAndDestroy();
      return;
    }
    const backend = connect({ host: endpoint.address, port: endpoint.port, allowHalfOpen: true });
    backend.setTimeout(CONNECT_TIMEOUT_MS, () => backend.destroy());
    backend.once('connect', () => backend.setTimeout(0));
    for (const [from, to] of [
      [client, backend],
      [backend, client],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port: number }, resolve);
  });
  return listener;
}

async function listenUdp(address: string, number: number, endpoints: readonly ProxyEndpoint[]): Promise<Listener> {
  const clients = new Map<string, { readonly socket: UdpSocket; readonly endpoint: ProxyEndpoint; timer: NodeJS.Timeout }>();
  const server = createSocket('udp4');
  let turn = 0;
  const forget = (key: string): void => {
    const client = clients.get(key);
    if (!client) return;
    clearTimeout(client.timer);
    client.socket.close();
    clients.delete(key);
  };
  const listener: Listener = {
    endpoints,
    close: async () => {
      for (const key of [...clients.keys()]) forget(key);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('message', (message: Buffer, from: RemoteInfo) => {
    const key = `${from.address}:${from.port}`;
    let client = clients.get(key);
    if (!client) {
      const endpoint = choose(listener.endpoints, turn++, key, false);
      if (!endpoint || clients.size >= MAX_UDP_CLIENTS) return;
      const socket = createSocket('udp4');
      socket.on('message', (answer) => server.send(answer, from.port, from.address));
      socket.on('error', () => forget(key));
      client = { socket, endpoint, timer: setTimeout(() => forget(key), UDP_IDLE_MS) };
      clients.set(key, client);
    }
    client.timer.refresh();
    client.socket.send(message, client.endpoint.port, client.endpoint.address);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.bind({ address, port: number }, resolve);
  });
  return listener;
}
