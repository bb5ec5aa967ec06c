import { createHash } from 'node:crypto';
import type { StoredMessage } from '#libs/log';
import { digestParts } from '#libs/log';

/** The digest of a message as it is stored. */
export function digestOf(message: StoredMessage): Uint8Array {
  const hash = createHash('sha256');
  for (const part of digestParts(message)) hash.update(part);
  return hash.digest();
}

/** The chain at an event, from the chain before it and the event's digest. */
export const chainOf = (before: Uint8Array, digest: Uint8Array): Uint8Array => createHash('sha256').update(before).update(digest).digest();
