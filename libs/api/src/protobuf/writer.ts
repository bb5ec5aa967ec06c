const utf8 = new TextEncoder();
const FIRST_BYTES = 1024;

/**
 * Protobuf written from its end to its beginning: a message's length is known when its tag is written, so nothing is
 * measured first and nothing is copied (as the code that gogo generates for upstream does).
 */
export class ProtobufWriter {
  private buffer = new Uint8Array(FIRST_BYTES);
  private at = FIRST_BYTES;

  /** How many bytes are written so far: the difference of two is a length. */
  get length(): number {
    return this.buffer.length - this.at;
  }

  /** What is written, as bytes of its own. */
  finish(): Uint8Array {
    return this.buffer.slice(this.at);
  }

  bytes(value: Uint8Array): void {
    this.room(value.length);
    this.at -= value.length;
    this.buffer.set(value, this.at);
  }

  string(value: string): void {
    this.room(value.length);
    const from = this.at - value.length;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return this.bytes(utf8.encode(value));
      this.buffer[from + i] = code;
    }
    this.at = from;
  }

  /** An integer as protobuf writes it: a negative one in ten bytes, as if it were of 64 bits. */
  varint(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value > 0x7fffffff) return this.big(BigInt.asUintN(64, BigInt(value)));
    let length = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
    this.room(length);
    this.at -= length;
    let rest = value;
    for (let i = 0; i < length - 1; i++, rest >>>= 7) this.buffer[this.at + i] = (rest & 0x7f) | 0x80;
    this.buffer[this.at + length - 1] = rest;
  }

  double(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.bytes(bytes);
  }

  tag(number: number, wire: 0 | 1 | 2): void {
    this.varint((number << 3) | wire);
  }

  /** Ends a field of bytes that began when `before` bytes were written: its length and its tag. */
  delimit(number: number, before: number): void {
    this.varint(this.length - before);
    this.tag(number, 2);
  }

  private big(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.bytes(Uint8Array.from(bytes));
  }

  private room(length: number): void {
    if (this.at >= length) return;
    const used = this.length;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, used + length));
    grown.set(this.buffer.subarray(this.at), grown.length - used);
    this.buffer = grown;
    this.at = grown.length - used;
  }
}
