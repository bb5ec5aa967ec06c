/** One file in a tar archive. */
export interface TarEntry {
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;
/** Larger than any entry that is written: a size beyond it is damage. */
const LARGEST = 32 * 1024 * 1024;
const CHECKSUM = { at: 148, length: 8 } as const;

/** The archive is not what `tarEntry` and `TAR_END` write. */
export class TarDamaged extends Error {
  override readonly name = 'TarDamaged';
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

function checksumOf(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.length ? 0x20 : (header[i] ?? 0);
  return sum;
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** The bytes of one entry: a file that its owner alone may read. Names have up to 100 bytes. */
export function tarEntry({ name, content }: TarEntry, seconds: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100);
  header.write(octal(0o600, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(seconds, 12), 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, CHECKSUM.at);
  return Buffer.concat([header, content, Buffer.alloc(padding(content.length))]);
}

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** Reads bytes that come in pieces by their number. */
class Pieces {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly source: AsyncIterator<Buffer>) {}

  /** Undefined where there is nothing more; throws TarDamaged where there is less. */
  async take(size: number): Promise<Buffer | undefined> {
    const parts = [this.rest];
    let length = this.rest.length;
    while (length < size) {
      const { done, value } = await this.source.next();
      if (done === true) break;
      parts.push(value);
      length += value.length;
    }
    const all = parts.length === 1 ? this.rest : Buffer.concat(parts);
    if (all.length === 0) return undefined;
    if (all.length < size) throw new TarDamaged('its end is missing');
    this.rest = all.subarray(size);
    return all.subarray(0, size);
  }

  /** Reads on to the end, which is where what unpacks them compares its sums. */
  async end(): Promise<void> {
    for (let left = this.rest; ;) {
      if (left.some((byte) => byte !== 0)) throw new TarDamaged('something follows its end');
      const { done, value } = await this.source.next();
      if (done === true) return;
      left = value;
    }
  }
}

/** The entries of an archive, one at a time. Throws TarDamaged. */
export async function* tarEntries(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const pieces = new Pieces(source[Symbol.asyncIterator]());
  for (;;) {
    const header = await pieces.take(BLOCK);
    if (header === undefined) throw new TarDamaged('its end is missing');
    if (header.every((byte) => byte === 0)) return pieces.end();
    const text = (at: number, length: number): string => header.toString('latin1', at, at + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    if (Number.parseInt(text(CHECKSUM.at, 7), 8) !== checksumOf(header) || !(size <= LARGEST)) {
      throw new TarDamaged('one of its headers makes no sense');
    }
    const content = size === 0 ? Buffer.alloc(0) : await pieces.take(size + padding(size));
    if (content === undefined) throw new TarDamaged('its end is missing');
    yield { name: text(0, 100), content: content.subarray(0, size) };
  }
}
