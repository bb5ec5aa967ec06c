import type { StoredMessage } from '#libs/log';

/** First line of what a file holds: whose it is. */
export const headingOf = (cluster: string): string => `decklog archive 1 ${cluster} state\n`;

/** Lengths and numbers before a record's bytes: the record's length behind itself, sequence, nanoseconds, length of subject and headers. */
const FIXED = 4 + 8 + 8 + 2 + 4;
/** Longer than any message can be: a length beyond it is damage. */
const LONGEST = 16 * 1024 * 1024;

/** A message as a record of an archive: subject, headers and body as they are stored, each length before it. */
export function encodeRecord({ sequence, subject, nanoseconds, headers, body }: StoredMessage): Uint8Array {
  const name = Buffer.from(subject, 'utf8');
  const record = Buffer.allocUnsafe(FIXED + name.length + headers.length + body.length);
  record.writeUInt32BE(record.length - 4, 0);
  record.writeBigUInt64BE(BigInt(sequence), 4);
  record.writeBigUInt64BE(BigInt(nanoseconds), 12);
  record.writeUInt16BE(name.length, 20);
  record.writeUInt32BE(headers.length, 22);
  record.set(name, FIXED);
  record.set(headers, FIXED + name.length);
  record.set(body, FIXED + name.length + headers.length);
  return record;
}

function decodeRecord(record: Buffer): StoredMessage {
  const subject = FIXED + record.readUInt16BE(20);
  const headers = subject + record.readUInt32BE(22);
  if (headers > record.length) throw new SyntaxError('a record is shorter than it says');
  return {
    sequence: Number(record.readBigUInt64BE(4)),
    nanoseconds: String(record.readBigUInt64BE(12)),
    subject: record.toString('utf8', FIXED, subject),
    headers: new Uint8Array(record.subarray(subject, headers)),
    body: new Uint8Array(record.subarray(headers)),
  };
}

/** The messages in the content of a file, which comes in pieces. Throws SyntaxError where it is not what `encodeRecord` writes. */
export async function* decodeRecords(pieces: AsyncIterable<Buffer>, heading: string): AsyncGenerator<StoredMessage> {
  let rest: Buffer = Buffer.alloc(0);
  let isHeaded = false;
  for await (const piece of pieces) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    if (!isHeaded) {
      if (rest.length < heading.length) continue;
      if (rest.toString('utf8', 0, heading.length) !== heading) throw new SyntaxError('it belongs to another cluster, or is no archive');
      rest = rest.subarray(heading.length);
      isHeaded = true;
    }
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readUInt32BE(at) + 4;
      if (length < FIXED || length > LONGEST) throw new SyntaxError('a record has an impossible length');
      if (rest.length - at < length) break;
      yield decodeRecord(rest.subarray(at, at + length));
      at += length;
    }
    rest = rest.subarray(at);
  }
  if (!isHeaded || rest.length > 0) throw new SyntaxError('its end is missing');
}
