import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import zlib from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.js';
import { HeaderCodec } from './header-block.js';
import { SpdyConnection, type SpdyStream } from './spdy-connection.js';

/** Two ends of one connection. */
function pair(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const ends: [Duplex, Duplex] = [Duplex.from({ readable: there, writable: back }), Duplex.from({ readable: back, writable: there })];
  for (const end of ends) end.on('error', () => undefined);
  return ends;
}

function control(type: number, body: Buffer, flags = 0): Buffer {
  const header = Buffer.from([0x80, 3, 0, type, flags, 0, 0, 0]);
  header.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([header, body]);
}

async function synStream(codec: HeaderCodec, id: number, headers: Record<string, string>): Promise<Buffer> {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(id);
  return control(1, Buffer.concat([fixed, await codec.encode(new Map(Object.entries(headers)))]));
}

function data(id: number, text: string, fin: boolean): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(text.length, 4);
  header[4] = fin ? 1 : 0;
  return Buffer.concat([header, Buffer.from(text)]);
}

describe('SPDY/3.1', () => {
  it('has the dictionary that everybody has', () => {
    const stream = zlib.deflateSync(Buffer.from('x'), { dictionary: HEADER_DICTIONARY });
    expect(stream.readUInt32BE(2).toString(16)).toBe('e3c6a7c2');
  });

  it('compresses the headers of a connection as one stream', async () => {
    const [sender, receiver] = [new HeaderCodec(), new HeaderCodec()];
    for (let round = 0; round < 3; round += 1) {
      const headers = new Map([
        ['streamtype', 'stdin'],
        ['round', String(round)],
      ]);
      expect(await receiver.decode(await sender.encode(headers))).toEqual(headers);
    }
  });

  it('opens streams, carries bytes split anywhere, and half-closes', async () => {
    const [client, server] = pair();
    const streams: SpdyStream[] = [];
    const opened = new PassThrough({ objectMode: true });
    const connection = new SpdyConnection(server, (stream) => {
      streams.push(stream);
      opened.write(stream);
    });
    const served = connection.serve();
    const codec = new HeaderCodec();
    const frames = Buffer.concat([
      await synStream(codec, 1, { streamType: 'stdin' }),
      await synStream(codec, 3, { streamType: 'stdout' }),
      data(1, 'hello', false),
      data(1, ' world', true),
    ]);
    for (let at = 0; at < frames.length; at += 7) client.write(frames.subarray(at, at + 7));
    const [stdin] = (await once(opened, 'data')) as [SpdyStream];
    let text = '';
    for await (const chunk of stdin) text += String(chunk);
    expect(text).toBe('hello world');
    expect(streams.map(({ headers }) => headers.get('streamtype'))).toEqual(['stdin', 'stdout']);
    let answer = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    await new Promise<void>((resolve) => streams[1]?.end('bye', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer.subarray(-19)).toEqual(Buffer.concat([data(3, 'bye', false), data(3, '', true)]));
    client.end();
    connection.close();
    await served;
  });

  it('sends a ping back', async () => {
    const [client, server] = pair();
    const connection = new SpdyConnection(server, () => undefined);
    const served = connection.serve();
    const ping = control(6, Buffer.from([0, 0, 0, 1]));
    client.write(ping);
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer).toEqual(ping);
    connection.close();
    await served;
  });

  it('gives up on what is no SPDY', async () => {
    const [client, server] = pair();
    const connection = new SpdyConnection(server, () => undefined);
    client.write(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]));
    await connection.serve();
    expect(server.destroyed).toBe(true);
  });
});
