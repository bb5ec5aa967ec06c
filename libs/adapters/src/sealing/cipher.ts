import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

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

/** A data key as it is kept: its nonce, then the key encrypted with the master key, bound to the uid. */
export function wrapKey(master: Uint8Array, uid: string, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE);
  return new Uint8Array(Buffer.concat([nonce, encrypt(master, nonce, Buffer.from(uid), key)]));
}

/** The data key in what `wrapKey` made. Throws where the master key or the uid is another. */
export const unwrapKey = (master: Uint8Array, uid: string, wrapped: Uint8Array): Uint8Array =>
  decrypt(master, wrapped.subarray(0, NONCE), Buffer.from(uid), wrapped.subarray(NONCE));
