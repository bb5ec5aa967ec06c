import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Relay, startRelay } from './relay.js';
import { freePort, natsRecipe, running, type TestServer, TRIES, TRY_MS } from './servers.js';

/** One of several nats-servers that keep a log between them. */
export interface TestNatsServer extends TestServer {
  readonly name: string;
  /** Cuts it off from the other servers, or ends that. Its clients still reach it. */
  readonly isolate: (on: boolean) => void;
}

/** Several nats-servers that keep one log between them. */
export interface TestNatsCluster {
  /** Of all of them, as a client takes it. */
  readonly url: string;
  readonly servers: readonly TestNatsServer[];
  /** Ends all of them and removes their data. */
  readonly stop: () => Promise<void>;
}

const SIZE = 3;

interface Link {
  readonly ends: readonly [number, number];
  readonly relay: Relay;
}

/** Three nats-servers with JetStream that copy to each other, set up as the launcher does with `--ha`; every pair has a link of its own. */
export async function startNatsCluster(): Promise<TestNatsCluster> {
  const ports: { readonly client: number; readonly route: number; readonly monitor: number }[] = [];
  for (let i = 0; i < SIZE; i++) ports.push({ client: await freePort(), route: await freePort(), monitor: await freePort() });
  const links: Link[] = [];
  // In a ring, so that each has one to seek: it does not start without.
  for (const [to, { route }] of ports.entries()) links.push({ ends: [(to + 1) % SIZE, to], relay: await startRelay(route) });
  const launching = ports.map(async ({ client, route, monitor }, i): Promise<TestNatsServer> => {
    const name = `server-${i + 1}`;
    const routes = links.filter(({ ends: [from] }) => from === i).map(({ relay }) => `nats://127.0.0.1:${relay.port}`);
    const cluster = `cluster { name: "test", listen: "127.0.0.1:${route}", no_advertise: true, routes: ${JSON.stringify(routes)} }`;
    const more = `server_name: "${name}"\nhttp: "127.0.0.1:${monitor}"\nping_interval: "2s"\nping_max: 2\n${cluster}`;
    const recipe = natsRecipe(mkdtempSync(join(tmpdir(), 'decklog-nats-')), client, 'sync_interval: always', more);
    const isolate = (on: boolean): void => {
      for (const { ends, relay } of links) if (ends.includes(i)) relay.part(on);
    };
    return { ...(await running({ ...recipe, ready: () => healthy(monitor) })), name, isolate };
  });
  const started = await Promise.allSettled(launching);
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all([...servers.map((server) => server.stop()), ...links.map(({ relay }) => relay.close())]);
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (!failed) return { url: servers.map(({ url }) => url).join(','), servers, stop };
  await stop();
  throw failed.reason;
}

/** Waits until a nats-server has read its store and has caught up with the others. */
async function healthy(monitor: number): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const answer = await fetch(`http://127.0.0.1:${monitor}/healthz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
  throw new Error('the server is not healthy');
}
