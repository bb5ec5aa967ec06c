import zlib from 'node:zlib';
import { HEADER_DICTIONARY } from './dictionary.js';

/** Headers of a stream, names in lower case. */
export type Headers = ReadonlyMap<string, string>;

const MAX_HEADERS = 256;
const MAX_INFLATED = 64 * 1024;

/**
 * Compresses and decompresses the header blocks of one connection. Both are one continuous zlib stream, so blocks
 * must be handed over one after the other.
 */
export class HeaderCodec {
  private readonly inflater = zlib.createInflate({ dictionary: HEADER_DICTIONARY });
  private readonly deflater = zlib.createDeflate({ dictionary: HEADER_DICTIONARY });
  private sending: Promise<unknown> = Promise.resolve();

  async decode(block: Buffer): Promise<Headers> {
    return parse(await through(this.inflater, block));
  }

  encode(headers: Headers): Promise<Buffer> {
    const encoded = this.sending.then(() => through(this.deflater, format(headers)));
    this.sending = encoded.catch(() => undefined);
    return encoded;
  }

  close(): void {
    this.inflater.destroy();
    this.deflater.destroy();
  }
}

function through(codec: zlib.Inflate | zlib.Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const settle = (error?: Error | null): void => {
      codec.off('data', take).off('error', settle).off('close', closed);
      if (error) reject(error);
      else resolve(Buffer.concat(parts));
    };
    const closed = (): void => settle(new Error('the connection was closed'));
    const take = (part: Buffer): void => {
      size += part.length;
      if (size > MAX_INFLATED) settle(new Error('the headers of a stream are too long'));
      else parts.push(part);
    };
    codec.on('data', take).once('error', settle).once('close', closed);
    codec.write(block, (error) => {
      if (error) settle(error);
      else codec.flush(zlib.constants.Z_SYNC_FLUSH, () => settle());
    });
  });
}

function parse(block: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > MAX_HEADERS) throw new Error(`a stream has ${count} headers`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

function format(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  number(headers.size);
  for (const [name, value] of headers) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text, 'utf8');
      number(bytes.length);
      parts.push(bytes);
    }
  }
  return Buffer.concat(parts);
}
