import { Duplex } from 'node:stream';
import { HeaderCodec, type Headers } from './header-block.js';

const VERSION = 3;
const FRAME = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
const FIN = 1;
const HEADER_BYTES = 8;
const MAX_CONTROL_BYTES = 64 * 1024;
const MAX_STREAMS = 1_000;
const STREAM_BUFFER_BYTES = 256 * 1024;
const CANCEL = 5;
const REFUSED_STREAM = 3;

/** One stream of a SPDY connection. Ending it half-closes our side; destroying it resets it. */
export class SpdyStream extends Duplex {
  private wanted: (() => void) | undefined;
  private finReceived = false;
  private finSent = false;

  constructor(
    private readonly connection: SpdyConnection,
    readonly id: number,
    readonly headers: Headers,
  ) {
    super({ readableHighWaterMark: STREAM_BUFFER_BYTES, allowHalfOpen: true });
  }

  /** Bytes or (undefined) the end from the other side. Resolves when there is room for more. */
  deliver(bytes: Buffer | undefined): Promise<void> {
    if (this.finReceived || this.destroyed) return Promise.resolve();
    if (!bytes) {
      this.finReceived = true;
      this.push(null);
      return Promise.resolve();
    }
    if (this.push(bytes)) return Promise.resolve();
    return new Promise((resolve) => {
      this.wanted = resolve;
    });
  }

  override _read(): void {
    const wanted = this.wanted;
    this.wanted = undefined;
    wanted?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.connection.sendData(this.id, chunk, false, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.finSent = true;
    this.connection.sendData(this.id, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    this.connection.closed(this.id, this.finSent && this.finReceived);
    done(error);
  }
}

/**
 * The server's side of SPDY/3.1 over any duplex: a TLS socket, or a WebSocket that carries its bytes. Like the Go
 * library that clients use, it sends no window updates: a reader that is behind holds the whole connection up.
 */
export class SpdyConnection {
  private readonly codec = new HeaderCodec();
  private readonly streams = new Map<number, SpdyStream>();
  private sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly transport: Duplex,
    private readonly onStream: (stream: SpdyStream) => void,
  ) {
    transport.on('error', () => undefined);
  }

  /** Serves until the connection ends; then all its streams have ended too. */
  async serve(): Promise<void> {
    let pending: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of this.transport) {
        pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
        for (let size = frameSize(pending); size > 0 && pending.length >= size; size = frameSize(pending)) {
          await this.receive(pending.subarray(0, size));
          pending = pending.subarray(size);
        }
      }
    } catch {
      // The other side broke off, or spoke something else: either way this connection is over.
    } finally {
      this.close();
    }
  }

  close(): void {
    for (const stream of [...this.streams.values()]) stream.destroy();
    this.codec.close();
    this.transport.destroy();
  }

  /** Ends the connection when all that was written has been sent. */
  async end(): Promise<void> {
    await this.sending;
    await new Promise<void>((resolve) => this.transport.end(resolve));
  }

  sendData(id: number, bytes: Buffer, fin: boolean, done: (error?: Error | null) => void): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(id, 0);
    header.writeUInt32BE(bytes.length, 4);
    header[4] = fin ? FIN : 0;
    this.send(bytes.length === 0 ? header : Buffer.concat([header, bytes])).then(() => done(), done);
  }

  closed(id: number, properly: boolean): void {
    if (!this.streams.delete(id) || properly || this.transport.destroyed) return;
    void this.send(rstStream(id, CANCEL)).catch(() => undefined);
  }

  private send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.transport.destroyed || this.transport.writableEnded) reject(new Error('the connection is closed'));
      else this.transport.write(frame, (error) => (error ? reject(error) : resolve()));
    });
  }

  private async receive(frame: Buffer): Promise<void> {
    const flags = frame[4] ?? 0;
    const body = frame.subarray(HEADER_BYTES);
    if ((frame[0] ?? 0) < 0x80) {
      const stream = this.streams.get(frame.readUInt32BE(0));
      if (body.length > 0) await stream?.deliver(body);
      if (flags & FIN) await stream?.deliver(undefined);
      return;
    }
    if ((frame.readUInt16BE(0) & 0x7fff) !== VERSION) throw new Error('not SPDY/3');
    switch (frame.readUInt16BE(2)) {
      case FRAME.synStream:
        return this.openStream(body, (flags & FIN) !== 0);
      case FRAME.headers:
        await this.codec.decode(body.subarray(4));
        return;
      case FRAME.rstStream:
        this.streams.get(body.readUInt32BE(0) & 0x7fffffff)?.destroy();
        return;
      case FRAME.ping:
        // Odd ids are the client's: they come back as they are.
        if (body.readUInt32BE(0) % 2 === 1) await this.send(Buffer.from(frame));
        return;
    }
  }

  private async openStream(body: Buffer, fin: boolean): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.codec.decode(body.subarray(10));
    if (this.streams.size >= MAX_STREAMS || this.streams.has(id)) return this.send(rstStream(id, REFUSED_STREAM));
    const stream = new SpdyStream(this, id, headers);
    stream.on('error', () => undefined);
    this.streams.set(id, stream);
    const block = await this.codec.encode(new Map());
    const streamId = Buffer.alloc(4);
    streamId.writeUInt32BE(id);
    this.sending = this.send(controlFrame(FRAME.synReply, 0, Buffer.concat([streamId, block])));
    await this.sending;
    this.onStream(stream);
    if (fin) await stream.deliver(undefined);
  }
}

/** How long the frame at the start of the bytes is; 0 when that can't be told yet. */
function frameSize(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES) return 0;
  const length = bytes.readUInt32BE(4) & 0xffffff;
  if ((bytes[0] ?? 0) >= 0x80 && length > MAX_CONTROL_BYTES) throw new Error('a control frame is too long');
  return HEADER_BYTES + length;
}

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(0x8000 | VERSION, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt32BE(body.length, 4);
  header[4] = flags;
  return Buffer.concat([header, body]);
}

function rstStream(id: number, status: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(id, 0);
  body.writeUInt32BE(status, 4);
  return controlFrame(FRAME.rstStream, 0, body);
}
