import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, request as ask } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SILENT_LOGGER } from '#libs/runtime';
import { freePort, testAuthority, type TestAuthority } from '#libs/testing';
import { Balancer } from './balancer.js';

/** An API server as far as a balancer is concerned: it says its name, and whether it is ready. */
async function startServer(authority: TestAuthority, name: string) {
  const { cert, key } = await authority.issue(name, { addresses: ['127.0.0.1'] });
  const is = { ready: true, stuck: false, asked: 0 };
  const server = createServer({ cert, key }, (request, response) => {
    if (is.stuck) return;
    if (request.url === '/held') return void response.write(name);
    is.asked++;
    if (request.url === '/readyz' && !is.ready) response.statusCode = 503;
    response.end(name);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, is, stop };
}

describe('the balancer', () => {
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await testAuthority();
  });

  async function setUp() {
    const servers = await Promise.all(['one', 'two'].map((name) => startServer(authority, name)));
    const port = await freePort();
    const backends = servers.map(({ address }) => address);
    const balancer = new Balancer({ listen: [{ host: '127.0.0.1', port }], backends, ca: authority.cert, logger: SILENT_LOGGER });
    await balancer.start();
    /** Who answers on a new connection; undefined where it ends without an answer. */
    const answers = (): Promise<string | undefined> =>
      new Promise((resolve) => {
        const request = ask({ host: '127.0.0.1', port, ca: authority.cert, agent: false }, (response) => {
          response.setEncoding('utf8');
          response.once('data', (text: string) => resolve(text));
        });
        request.on('error', () => resolve(undefined));
        request.end();
      });
    /** A request whose answer does not end by itself, as a watch. */
    const hold = async (): Promise<{ readonly name: string; readonly isOpen: () => boolean }> => {
      const request = ask({ host: '127.0.0.1', port, path: '/held', ca: authority.cert, agent: false }).end();
      let isOpen = true;
      request.on('error', () => (isOpen = false)).on('close', () => (isOpen = false));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.on('error', () => undefined);
      const [name] = (await once(response.setEncoding('utf8'), 'data')) as [string];
      return { name, isOpen: () => isOpen };
    };
    const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
      while (!(await holds())) await new Promise((next) => setTimeout(next, 20));
    };
    const stop = async (): Promise<void> => {
      await balancer.stop();
      await Promise.all(servers.map((server) => server.stop()));
    };
    await until(() => balancer.ready);
    return { servers, balancer, answers, hold, until, stop };
  }

  it('passes connections on, and around a server that is gone', async () => {
    const { servers, answers, until, stop } = await setUp();
    expect(['one', 'two']).toContain(await answers());
    await servers[0]?.stop();
    await until(async () => (await answers()) === 'two');
    await Promise.all(Array.from({ length: 5 }, async () => expect(await answers()).toBe('two')));
    await stop();
  });

  it('sends nobody to a server that is not ready', async () => {
    const { servers, answers, until, stop } = await setUp();
    const [one] = servers;
    if (one) one.is.ready = false;
    await until(async () => (await answers()) === 'two' && (await answers()) === 'two');
    if (one) one.is.ready = true;
    await until(async () => (await Promise.all([answers(), answers(), answers()])).includes('one'));
    await stop();
  });

  it('ends the connections of a server that does not answer any more', async () => {
    const { servers, answers, stop } = await setUp();
    for (const { is } of servers) is.stuck = true;
    expect(await answers()).toBeUndefined();
    await stop();
  });

  it('keeps the connections of servers that are not ready while no other is', async () => {
    const { servers, balancer, hold, until, stop } = await setUp();
    const held = await hold();
    for (const { is } of servers) is.ready = false;
    await until(() => !balancer.ready);
    const before = servers.map(({ is }) => is.asked);
    await until(() => servers.every(({ is }, i) => is.asked > (before[i] ?? 0) + 1));
    expect(held.isOpen()).toBe(true);
    const other = servers[held.name === 'one' ? 1 : 0];
    if (other) other.is.ready = true;
    await until(() => !held.isOpen());
    await stop();
  }, 30_000);

  it('is not ready while no server is', async () => {
    const { servers, balancer, until, stop } = await setUp();
    for (const { is } of servers) is.ready = false;
    await until(() => !balancer.ready);
    await stop();
  });
});
