import { bytesOfBase64 } from '#libs/apimachinery';
/** One block of PEM (RFC 7468). */
export interface PemBlock {
  readonly type: string;
  /** Lines of the form `Name: value` before the data, which no certificate has. */
  readonly headers: boolean;
  readonly bytes: Uint8Array;
}

const BLOCK = /-----BEGIN ([^\r\n-]+)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----/g;

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
