import type { Msg } from 'nats';
import type { EventMeta, Recorded, Sequence, StoredMessage, StreamName } from '#libs/log';
import { decodeMeta, encodeMeta, EventUnreadable, parseSubject, upcast } from '#libs/log';
import { digestOf } from '../digest.js';

/** What a message demands of the log before it is stored. */
export interface Expectation {
  readonly expected: Sequence;
  /** The subject it speaks of; absent: the message's own. */
  readonly subject?: string;
}

/** A message's place in an atomic batch; `index` from 0. */
export interface BatchPlace {
  readonly id: string;
  readonly size: number;
  readonly index: number;
}

/** The header block of a message: an event's metadata (absent: a guard's marker), an expectation, a place in a batch. */
export function headerBlock(meta: EventMeta | undefined, expectation: Expectation | undefined, batch: BatchPlace | undefined): Uint8Array {
  let text = 'NATS/1.0\r\n';
  if (meta) {
    const { batch: _, ...own } = meta;
    for (const [name, value] of encodeMeta(batch ? { ...own, batch: { id: batch.id, size: batch.size } } : own))
      text += `${name}: ${value}\r\n`;
  }
  if (expectation) text += `Nats-Expected-Last-Subject-Sequence: ${expectation.expected}\r\n`;
  const subject = expectation?.subject;
  if (subject !== undefined) text += `Nats-Expected-Last-Subject-Sequence-Subject: ${subject}\r\n`;
  if (batch) {
    text += `Nats-Batch-Id: ${batch.id}\r\nNats-Batch-Sequence: ${batch.index + 1}\r\n`;
    if (batch.index === batch.size - 1) text += 'Nats-Batch-Commit: 1\r\n';
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/** Header names and values of a message, whichever way it was fetched. */
export type Headers = ReadonlyMap<string, string>;

/** The headers of a message that was delivered. The client's own are parsed for a case that no header here has, at four times the cost. */
export const headersOf = (message: Msg): Headers => headersOfBlock(blockOf(message));

/** The client keeps the header block and the body in one piece, and shows the block only parsed. */
function blockOf(message: Msg): Uint8Array {
  const { _rdata: whole } = message as unknown as { readonly _rdata?: Uint8Array };
  return whole === undefined ? NOTHING : whole.subarray(0, whole.length - message.data.length);
}

/** The headers of a block as it is stored: the first line says the version, each other one is a name and a value. */
export function headersOfBlock(block: Uint8Array): Headers {
  const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString('latin1');
  const headers = new Map<string, string>();
  let start = text.indexOf('\r\n') + 2;
  while (start > 1) {
    const end = text.indexOf('\r\n', start);
    const line = text.slice(start, end < 0 ? undefined : end);
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
    start = end < 0 ? 0 : end + 2;
  }
  return headers;
}

const NOTHING = new Uint8Array();
const [OPENING, CLOSING] = [0x7b, 0x7d];

/** An event from a stored message; undefined for a marker, which is no event. Throws EventUnreadable for all else. */
export function recordedOf(
  stream: StreamName,
  sequence: Sequence,
  subject: string,
  time: number,
  headers: Headers,
  body: Uint8Array,
): Recorded | undefined {
  if (!headers.has('Dl-Type') && body.length === 0 && parseSubject(subject) === undefined) return undefined;
  try {
    const meta = decodeMeta((name) => headers.get(name), stream, sequence);
    // Whole objects are parsed where they are asked for. What is no JSON at all is seen at its ends.
    if (meta.encoding === 'json' && (body[0] !== OPENING || body.at(-1) !== CLOSING)) throw new SyntaxError('its body is no object');
    return upcast({ stream, sequence, subject, time, meta, body });
  } catch (error) {
    throw new EventUnreadable(stream, sequence, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Where a delivered message stands, from its reply subject. `consumed` counts what this consumer was given, `pending` what is left. */
export interface Delivery {
  readonly sequence: Sequence;
  readonly consumed: number;
  readonly time: number;
  /** The same, whole: decimal digits. */
  readonly nanoseconds: string;
  readonly pending: number;
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumed>.<nanoseconds>.<pending>`, or with domain and account before the stream. */
export function deliveryOf(reply: string): Delivery {
  const tokens = reply.split('.');
  const at = tokens.length > 9 ? 7 : 5;
  return {
    sequence: Number(tokens[at]),
    consumed: Number(tokens[at + 1]),
    time: Number((tokens[at + 2] ?? '').slice(0, -6)),
    nanoseconds: tokens[at + 2] ?? '',
    pending: Number(tokens[at + 3]),
  };
}

/** A delivered message as it is stored. Its bytes are copies: what the client hands on it uses again. */
export function storedOf(message: Msg, { sequence, nanoseconds }: Delivery): StoredMessage {
  const headers = blockOf(message).slice();
  return { sequence, subject: message.subject, nanoseconds, headers, body: new Uint8Array(message.data) };
}

/** A delivered message as an event, with its digest where that is wanted; undefined for what is no event. */
export function eventOf(stream: StreamName, message: Msg, delivery: Delivery, digests: boolean): Recorded | undefined {
  const { sequence, time } = delivery;
  const event = recordedOf(stream, sequence, message.subject, time, headersOf(message), new Uint8Array(message.data));
  return event && digests ? { ...event, digest: digestOf(storedOf(message, delivery)) } : event;
}
