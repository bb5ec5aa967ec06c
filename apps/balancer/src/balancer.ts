import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#libs/runtime';
import { Backend, type Address } from './backend.js';
import { offeringOrder } from './choice.js';

/** What a balancer stands between. */
export interface BalancerOptions {
  readonly listen: readonly Address[];
  readonly backends: readonly Address[];
  /** The authority of the servers' certificates, PEM. */
  readonly ca: string;
  readonly logger: Logger;
}

const CHECK_MS = 1_000;
/** A server that is not ready so often in a row loses its connections where another is ready. */
const UNREADY_CHECKS = 3;
/** More connections at once are refused. */
const MOST_CONNECTIONS = 10_000;

/** Passes connections on to API servers that are ready, as bytes: it knows nothing of what is said. */
export class Balancer {
  private readonly backends: readonly Backend[];
  private readonly servers: Server[] = [];
  private readonly clients = new Set<Socket>();
  private readonly stopping = new AbortController();

  constructor(private readonly options: BalancerOptions) {
    this.backends = options.backends.map((address) => new Backend(address, options.ca));
  }

  get ready(): boolean {
    return this.servers.length > 0 && this.backends.some(({ isUp }) => isUp);
  }

  /** Resolves once it listens; servers are asked for from then on. */
  async start(): Promise<void> {
    await Promise.all(this.options.listen.map((address) => this.listen(address)));
    for (const backend of this.backends) void this.watch(backend);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    const closed = this.servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const client of this.clients) client.destroy();
    for (const backend of this.backends) backend.close();
    await Promise.all(closed);
  }

  private listen({ host, port }: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer((client) => void this.take(client));
      server.maxConnections = MOST_CONNECTIONS;
      server.once('error', reject);
      server.listen({ host, port }, () => {
        this.servers.push(server);
        resolve();
      });
    });
  }

  private async watch(backend: Backend): Promise<void> {
    const { signal } = this.stopping;
    const { logger } = this.options;
    while (!signal.aborted) {
      const before = backend.isUp;
      await backend.check();
      // While the log has no leader no server is ready, which they do not find all at once: watches are better kept than begun again.
      if (backend.unready >= UNREADY_CHECKS && this.ready) backend.close();
      const { host, port } = backend.address;
      if (before !== backend.isUp) logger.info(backend.isUp ? 'an API server is ready' : 'an API server does not answer', { host, port });
      await sleep(CHECK_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Finds a server for a client; its first bytes wait in the socket until there is one. */
  private async take(client: Socket): Promise<void> {
    this.clients.add(client);
    client.once('close', () => this.clients.delete(client));
    client.on('error', () => client.destroy());
    for (const backend of offeringOrder(this.backends)) {
      const server = await backend.open();
      if (server === undefined) continue;
      if (client.destroyed) {
        server.destroy();
        return;
      }
      join(client, server);
      return;
    }
    client.destroy();
  }
}

function join(client: Socket, server: Socket): void {
  client.setNoDelay(true);
  client.pipe(server).pipe(client);
  client.once('close', () => server.destroy());
  server.once('close', () => client.destroy());
}
