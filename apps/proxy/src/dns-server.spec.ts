import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode } from 'dns-packet';
import { DnsZone } from '#libs/node';
import { DnsServer } from './dns-server.js';

/** An answer as dns-packet decodes it; its types leave out `rcode`. */
type Reply = ReturnType<typeof decode> & { readonly rcode: string };
const read = (message: Buffer): Reply => decode(message) as Reply;

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const many = Array.from({ length: 60 }, (_, at) => ({ addresses: [`10.64.1.${at + 2}`], conditions: { ready: true } }));
const zone = new DnsZone(
  [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.0.9' } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'many', namespace: 'shop' }, spec: { clusterIP: 'None' } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'alias', namespace: 'shop' },
      spec: { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' },
    },
  ],
  [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'many-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'many' } },
      addressType: 'IPv4',
      endpoints: many,
    },
  ],
  'cluster.local',
);

describe('DnsServer', () => {
  const server = new DnsServer({ address: '127.0.0.1', port: 0, domain: 'cluster.local', resolvers: [], logger });
  beforeAll(() => server.start());
  afterAll(() => server.stop());

  const query = (name: string, udpPayloadSize?: number) =>
    encode({
      type: 'query',
      id: 7,
      flags: 0x100,
      questions: [{ type: 'A', name }],
      ...(udpPayloadSize
        ? {
            additionals: [
              { type: 'OPT', name: '.', udpPayloadSize, flags: 0, options: [], extendedRcode: 0, ednsVersion: 0, flag_do: false },
            ],
          }
        : {}),
    });
  const ask = (message: Buffer) =>
    new Promise<Reply>((resolve) => {
      const socket = createSocket('udp4');
      socket.on('message', (answer) => {
        socket.close();
        resolve(read(answer));
      });
      socket.send(message, server.port, '127.0.0.1');
    });

  it('says SERVFAIL until it knows the cluster', async () => {
    expect((await ask(query('web.shop.svc.cluster.local'))).rcode).toBe('SERVFAIL');
    server.use(zone);
  });

  it('answers for a Service', async () => {
    server.use(zone);
    const { answers, rcode } = await ask(query('web.shop.svc.cluster.local'));
    expect(rcode).toBe('NOERROR');
    expect(answers).toMatchObject([{ type: 'A', data: '10.96.0.9', name: 'web.shop.svc.cluster.local' }]);
  });

  it('says NXDOMAIN with an authority for a name that is not there', async () => {
    server.use(zone);
    const { rcode, authorities } = await ask(query('nope.shop.svc.cluster.local'));
    expect(rcode).toBe('NXDOMAIN');
    expect(authorities).toMatchObject([{ type: 'SOA', name: 'cluster.local' }]);
  });

  it('truncates what does not fit a datagram, unless the asker takes more', async () => {
    server.use(zone);
    const cut = await ask(query('many.shop.svc.cluster.local'));
    expect(cut.flag_tc).toBe(true);
    expect(cut.answers?.length).toBeGreaterThan(5);
    expect((await ask(query('many.shop.svc.cluster.local', 4096))).answers).toHaveLength(60);
  });

  it('follows an alias to the name of the cluster that it stands for', async () => {
    server.use(zone);
    expect((await ask(query('alias.shop.svc.cluster.local'))).answers).toMatchObject([
      { type: 'CNAME', data: 'web.shop.svc.cluster.local' },
      { type: 'A', data: '10.96.0.9', name: 'web.shop.svc.cluster.local' },
    ]);
  });

  it('answers over TCP as well', async () => {
    server.use(zone);
    const message = query('many.shop.svc.cluster.local');
    const answer = await new Promise<Reply>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: server.port }, () => {
        const size = Buffer.alloc(2);
        size.writeUInt16BE(message.length);
        socket.write(Buffer.concat([size, message]));
      });
      let got = Buffer.alloc(0);
      socket.on('data', (piece) => {
        got = Buffer.concat([got, piece]);
        if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
        socket.destroy();
        resolve(read(got.subarray(2)));
      });
    });
    expect(answer.answers).toHaveLength(60);
  });

  it('ignores what is no question', async () => {
    server.use(zone);
    const socket = createSocket('udp4');
    socket.send(Buffer.from('not dns'), server.port, '127.0.0.1');
    expect((await ask(query('web.shop.svc.cluster.local'))).rcode).toBe('NOERROR');
    socket.close();
  });

  it('fails a name of the outside where no resolver answers', async () => {
    server.use(zone);
    expect((await ask(query('example.org'))).rcode).toBe('SERVFAIL');
  });
});
