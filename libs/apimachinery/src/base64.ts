const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** As many arguments as a call takes on any engine. */
const MOST_ARGUMENTS = 8_192;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Padded base64 with the bits of its last character that mean nothing cleared, as Go writes it; undefined for what is no base64. */
export function canonicalBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (padding === 0) return text;
  const at = text.length - padding - 1;
  const value = ALPHABET.indexOf(text.charAt(at));
  const kept = padding === 2 ? value & 0b110000 : value & 0b111100;
  return kept === value ? text : text.slice(0, at) + ALPHABET.charAt(kept) + '='.repeat(padding);
}

/** The bytes that padded base64 stands for; undefined for what is no base64. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The UTF-8 text that padded base64 stands for; undefined for what is no base64. */
export function textOfBase64(text: string): string | undefined {
  const bytes = bytesOfBase64(text);
  return bytes && decoder.decode(bytes);
}

/** Bytes in padded base64. */
export function base64OfBytes(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += MOST_ARGUMENTS) binary += String.fromCharCode(...bytes.subarray(at, at + MOST_ARGUMENTS));
  return btoa(binary);
}

/** A text's UTF-8 bytes in padded base64, as a Secret's data is written. */
export const base64OfText = (text: string): string => base64OfBytes(encoder.encode(text));
