import type { Sequence, StreamName } from './event.js';

/** A message of a stream exactly as it is stored: an event, or the marker of a guard. */
export interface StoredMessage {
  readonly sequence: Sequence;
  readonly subject: string;
  /** When it was stored: nanoseconds since 1970, in decimal digits. */
  readonly nanoseconds: string;
  /** The header block, byte for byte. */
  readonly headers: Uint8Array;
  readonly body: Uint8Array;
}

/** Some messages of a stream, in order. Every message up to and including `through` has now been yielded. */
export interface StoredBatch {
  readonly messages: readonly StoredMessage[];
  readonly through: Sequence;
}

/** Who holds a stream's messages as they are stored: the log itself, and whatever holds what was taken out of it. */
export interface MessageSource {
  /** Every message after `after` up to `until` that is held here, in order, events and markers alike. */
  messages(stream: StreamName, after: Sequence, until: Sequence, signal?: AbortSignal): AsyncIterable<StoredBatch>;
}

const encoder = new TextEncoder();

/**
 * What the digest of a message covers: the SHA-256 of these parts, one after the other. The first says where the message stands and
 * how long its header block is, so that no two messages have the same parts.
 */
export function digestParts({ sequence, subject, nanoseconds, headers, body }: StoredMessage): readonly Uint8Array[] {
  return [encoder.encode(`decklog message 1\n${sequence}\n${subject}\n${nanoseconds}\n${headers.length}\n`), headers, body];
}

/** The chain before a stream's first event: 32 zero bytes. The chain at an event is the SHA-256 of the chain before it and its digest. */
export const CHAIN_START: Uint8Array = new Uint8Array(32);
