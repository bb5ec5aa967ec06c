import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { rewrittenHtml, type Rewriting } from './rewriting.js';

const decompress = promisify(gunzip);
const compress = promisify(gzip);

/** Largest page whose links are rewritten; a larger one passes as it is. */
const MOST_BYTES = 2 * 1024 * 1024;

const isPage = (headers: Readonly<Record<string, string | string[]>>): boolean =>
  String(headers['content-type'] ?? '')
    .split(';')[0]
    ?.trim() === 'text/html';

/** Passes a page on with its links rewritten; undefined where the answer is none that can be read, and nothing has been sent. */
export function sendRewritten(
  answer: IncomingMessage,
  response: ServerResponse,
  code: number,
  headers: Readonly<Record<string, string | string[]>>,
  rewriting: Rewriting,
): Promise<void> | undefined {
  const encoding = headers['content-encoding'] ?? '';
  if (!isPage(headers) || (encoding !== '' && encoding !== 'gzip') || answer.headers['content-length'] === '0') return undefined;
  if (response.req.method === 'HEAD') return undefined;
  return sendPage(answer, response, code, headers, { rewriting, compressed: encoding === 'gzip' });
}

async function sendPage(
  answer: IncomingMessage,
  response: ServerResponse,
  code: number,
  headers: Readonly<Record<string, string | string[]>>,
  { rewriting, compressed }: { readonly rewriting: Rewriting; readonly compressed: boolean },
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  const parts = answer.iterator({ destroyOnReturn: false });
  for await (const chunk of parts) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size <= MOST_BYTES) continue;
    response.writeHead(code, headers);
    for (const each of chunks) response.write(each);
    return pipeline(answer, response);
  }
  const body = Buffer.concat(chunks);
  const page = await rewrittenBody(body, rewriting, compressed);
  const { 'content-length': _was, ...rest } = headers;
  response.writeHead(code, { ...rest, 'content-length': String(page.length) });
  response.end(page);
}

async function rewrittenBody(body: Buffer, rewriting: Rewriting, compressed: boolean): Promise<Buffer> {
  if (!compressed) return Buffer.from(rewrittenHtml(body.toString('utf8'), rewriting));
  try {
    const page = await decompress(body, { maxOutputLength: MOST_BYTES });
    return await compress(rewrittenHtml(page.toString('utf8'), rewriting));
  } catch {
    // No page of ours to understand: as it came.
    return body;
  }
}
