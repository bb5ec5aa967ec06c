import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import type { ProxyPort } from '#libs/node';
import { UserspaceBackend } from './userspace-backend.js';

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const serve = (text: string): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.end(text));
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const readFrom = (port: number): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('data', (piece) => (text += piece.toString()));
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve(text));
  });

describe('UserspaceBackend', () => {
  let a: Server;
  let b: Server;
  let free: number;
  const backend = new UserspaceBackend({ nodeIp: '127.0.0.1', device: 'lo', logger });
  const plan = (...servers: Server[]): ProxyPort[] => [
    {
      id: 'default/web:http',
      protocol: 'tcp',
      addresses: [],
      port: 80,
      nodePort: free,
      clientAffinity: false,
      internal: [],
      external: servers.map((server) => ({ address: '127.0.0.1', port: portOf(server) })),
    },
  ];

  beforeAll(async () => {
    [a, b] = [await serve('a'), await serve('b')];
    const probe = await serve('');
    free = portOf(probe);
    await new Promise((resolve) => probe.close(resolve));
  });
  afterAll(async () => {
    await backend.close();
    a.close();
    b.close();
  });

  it('sends connections to the endpoints in turn', async () => {
    await backend.apply(plan(a, b));
    expect([await readFrom(free), await readFrom(free), await readFrom(free)].sort().join('')).toMatch(/^(aab|abb)$/);
  });

  it('follows a change of endpoints without closing the port', async () => {
    await backend.apply(plan(b));
    expect(await readFrom(free)).toBe('b');
  });

  it('breaks connections off where there is no endpoint, and refuses them where there is no Service', async () => {
    await backend.apply(plan());
    expect(await readFrom(free)).toMatch(/^(refused)?$/);
    await backend.apply([]);
    expect(await readFrom(free)).toBe('refused');
  });
});
