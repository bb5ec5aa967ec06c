/** One block of PEM (RFC 7468). */
export interface PemBlock {
  readonly type: string;
  /** Lines of the form `Name: value` before the data, which no certificate has. */
  readonly headers: boolean;
  readonly bytes: Uint8Array;
}

const BLOCK = /-----BEGIN ([^\r\n-]+)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----/g;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes of a base64 text; undefined where it is none. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text) || text.length % 4 !== 0) return undefined;
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Every block in a text, in order; what lies between them counts for nothing. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, type = '', body = ''] of text.matchAll(BLOCK)) {
    const lines = body.split(/\r?\n/);
    const headers = lines.some((line) => line.includes(':'));
    const bytes = bytesOfBase64(
      lines
        .filter((line) => !line.includes(':'))
        .join('')
        .replace(/\s/g, ''),
    );
    if (bytes) blocks.push({ type, headers, bytes });
  }
  return blocks;
}

/** The text that base64 stands for, a character per byte; empty where it is no base64. */
export const textOfBase64 = (base64: string): string => {
  const bytes = bytesOfBase64(base64);
  return bytes === undefined ? '' : [...bytes].map((byte) => String.fromCharCode(byte)).join('');
};
