import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { WrongSealingKey, type Master, type Masters } from './masters.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/** AES-256-GCM: the encrypted text followed by its tag. `context` is authenticated beside it. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, context: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(context);
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
}

/** The reverse of `encrypt`. Throws where key, context or text are not those it was encrypted with. */
export function decrypt(key: Uint8Array, nonce: Uint8Array, context: Uint8Array, text: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(ALGORITHM, key, nonce).setAAD(context).setAuthTag(text.subarray(-TAG));
  return new Uint8Array(Buffer.concat([decipher.update(text.subarray(0, -TAG)), decipher.final()]));
}

const ID = 4;
/** A wrapped key without the name of its master, as the first clusters kept them. */
const NAMELESS = NONCE + 32 + TAG;

/** A data key as it is kept: the name of the master, a nonce, then the key encrypted with the master, bound to the uid. */
export function wrapKey(master: Master, uid: string, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE);
  return new Uint8Array(Buffer.concat([Buffer.from(master.id, 'hex'), nonce, encrypt(master.key, nonce, Buffer.from(uid), key)]));
}

/** The name of the master that wrapped a key; undefined where it was not written down. */
export const wrappedBy = (wrapped: Uint8Array): string | undefined =>
  wrapped.length === NAMELESS ? undefined : Buffer.from(wrapped.subarray(0, ID)).toString('hex');

/** The data key in what `wrapKey` made. Throws where no master of these wrapped it, or the uid is another. */
export function unwrapKey(masters: Pick<Masters, 'named' | 'all'>, uid: string, wrapped: Uint8Array): Uint8Array {
  const id = wrappedBy(wrapped);
  if (id !== undefined) return opened(masters.named(id), uid, wrapped.subarray(ID));
  for (const master of masters.all) {
    try {
      return opened(master, uid, wrapped);
    } catch {
      // Nothing says which one it was: the next may be.
    }
  }
  throw new WrongSealingKey("the sealing key is not the one that this cluster's keys are wrapped with");
}

const opened = (master: Master, uid: string, text: Uint8Array): Uint8Array =>
  decrypt(master.key, text.subarray(0, NONCE), Buffer.from(uid), text.subarray(NONCE));
