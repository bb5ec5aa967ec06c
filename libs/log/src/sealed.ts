import type { KubeObject } from '#libs/apimachinery';
import { encodeObject } from './body.js';

/** A sealed body taken apart: the uid names the key it was sealed with. */
export interface Sealed {
  readonly uid: string;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** The encrypted body, followed by the 16 bytes of its tag. */
  readonly text: Uint8Array;
}

const VERSION = 1;
const NONCE = 12;
const TAG = 16;

/** A sealed body's bytes: version 1, the uid's length (one byte) and the uid, the nonce, the encrypted text with its tag. */
export function joinSealed({ uid, nonce, text }: Sealed): Uint8Array {
  const name = new TextEncoder().encode(uid);
  if (name.length > 255 || nonce.length !== NONCE) throw new RangeError(`can't seal for uid ${JSON.stringify(uid)}`);
  const body = new Uint8Array(2 + name.length + NONCE + text.length);
  body.set([VERSION, name.length]);
  body.set(name, 2);
  body.set(nonce, 2 + name.length);
  body.set(text, 2 + name.length + NONCE);
  return body;
}

/** The parts of a sealed body. Throws SyntaxError on anything else. */
export function splitSealed(body: Uint8Array): Sealed {
  const [version, length = 0] = body;
  if (version !== VERSION || body.length < 2 + length + NONCE + TAG) throw new SyntaxError('not a sealed body');
  const nonce = 2 + length;
  return {
    uid: new TextDecoder().decode(body.subarray(2, nonce)),
    nonce: body.subarray(nonce, nonce + NONCE),
    text: body.subarray(nonce + NONCE),
  };
}

/** What a sealed body is bound to: the same wherever the object's events are kept, so that a fork of the log can be read. */
export const sealedContext = (group: string, resource: string, namespace: string, name: string): Uint8Array =>
  new TextEncoder().encode([group, resource, namespace, name].join('/'));

/** Annotation of a Secret that can't be shown whole: says why. */
export const SEALED_ANNOTATION = 'decklog.dev/sealed';
/** The key of the Secret was destroyed: nobody will read this again. */
export const DESTROYED = "the key of this Secret was destroyed after it had been deleted; what it held can't be read again";
/** Whoever reads has no keys. */
export const UNOPENED = 'what this Secret holds was not opened: the reader has no keys';

/** What is left of a Secret that can't be opened: an object without data, which says why. */
export function withoutData(namespace: string, name: string, uid: string, why: string): Uint8Array {
  const metadata = { name, namespace, uid, annotations: { [SEALED_ANNOTATION]: why } };
  const secret: KubeObject = { kind: 'Secret', apiVersion: 'v1', metadata };
  return encodeObject(secret);
}
