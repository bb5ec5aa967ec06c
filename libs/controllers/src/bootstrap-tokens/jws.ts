import { sha256, base64OfBytes } from '#libs/apimachinery';

const BLOCK = 64;
const encoder = new TextEncoder();

/** HMAC with SHA-256 (RFC 2104). */
export function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  const padded = new Uint8Array(BLOCK);
  padded.set(key.length > BLOCK ? sha256(key) : key);
  const inner = sha256(
    joined(
      padded.map((byte) => byte ^ 0x36),
      text,
    ),
  );
  return sha256(
    joined(
      padded.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Base64 for URLs, without padding. */
const base64Url = (bytes: Uint8Array): string => base64OfBytes(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The signature of a text without the text (RFC 7515 appendix F), by a key with an id: cluster-bootstrap `token/jws`. */
export function detachedSignature(content: string, keyId: string, key: string): string {
  const header = base64Url(encoder.encode(JSON.stringify({ alg: 'HS256', kid: keyId })));
  const signed = `${header}.${base64Url(encoder.encode(content))}`;
  return `${header}..${base64Url(hmacSha256(encoder.encode(key), encoder.encode(signed)))}`;
}
