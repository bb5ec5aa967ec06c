import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { stringify } from 'yaml';
import { encodeProtobuf } from '#libs/api';
import { StatusError, toStatus } from '#libs/apimachinery';
import { remarksOn } from '#libs/registry';
import { formatOfFailure, mediaTypeOfFormat, type Format } from './negotiate.js';

const compress = promisify(gzip);

/** A list can't be continued where it stood: 410, with the token of an inconsistent continuation in `metadata.continue`. */
export class ExpiredList extends StatusError {
  constructor(
    message: string,
    readonly continueToken?: string,
  ) {
    super('Expired', message);
  }
}

/** How an answer is to be written. */
export interface Rendering {
  readonly format?: Format;
  /** Indented JSON, where the media type asks for it. */
  readonly pretty?: boolean;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
  /** From this many bytes on the body is compressed for clients that accept it. */
  readonly gzipFromBytes?: number;
}

/** As upstream writes YAML: members sorted, lists not indented, lines not broken, YAML 1.1's words quoted. */
const YAML = { lineWidth: 0, indentSeq: false, sortMapEntries: true, version: '1.1', aliasDuplicateObjects: false } as const;

/** Writes a JSON text or its bytes, as JSON or YAML, indented where the client asked for it. */
export async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  json: string | Uint8Array,
  rendering: Rendering = {},
): Promise<void> {
  let body: Uint8Array;
  let contentType = rendering.contentType ?? 'application/json';
  if (rendering.format === 'yaml') {
    body = Buffer.from(stringify(JSON.parse(textOf(json)), YAML));
    contentType = 'application/yaml';
  } else if (rendering.pretty === true || wantsPretty(request)) {
    body = Buffer.from(`${JSON.stringify(JSON.parse(textOf(json)), null, 2)}\n`);
  } else {
    body = typeof json === 'string' ? Buffer.from(`${json}\n`) : withNewline(json);
  }
  await sendBody(request, response, code, body, { ...rendering, contentType });
}

/** An object's bytes in a format, as they are sent. */
export function encoded(object: object, format: Format): Buffer {
  if (format === 'protobuf') return Buffer.from(encodeProtobuf(object));
  return Buffer.from(format === 'yaml' ? stringify(JSON.parse(JSON.stringify(object)), YAML) : `${JSON.stringify(object)}\n`);
}

/** Writes an object as JSON, YAML or Protocol Buffers; its kind must have the form that was negotiated. */
export const sendObject = (
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  object: object,
  rendering: Rendering = {},
): Promise<void> =>
  rendering.format === 'protobuf'
    ? sendBody(request, response, code, encoded(object, 'protobuf'), { ...rendering, contentType: mediaTypeOfFormat('protobuf') })
    : sendJson(request, response, code, JSON.stringify(object), rendering);

/** Writes bytes as they are, compressed where that is worth while. */
export async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  body: Uint8Array,
  rendering: Rendering,
): Promise<void> {
  if (response.headersSent || response.destroyed) return;
  const headers: Record<string, string | number | string[]> = { 'Content-Type': rendering.contentType ?? 'text/plain; charset=utf-8' };
  let bytes = body;
  if (rendering.gzipFromBytes !== undefined && body.length >= rendering.gzipFromBytes && acceptsGzip(request)) {
    bytes = await compress(body, { level: constants.Z_BEST_SPEED });
    headers['Content-Encoding'] = 'gzip';
    headers['Vary'] = 'Accept-Encoding';
    if (response.headersSent || response.destroyed) return;
  }
  headers['Content-Length'] = bytes.length;
  for (const text of rendering.warnings ?? []) warn(response, text);
  response.writeHead(code, { ...headers, ...rendering.headers });
  if (request.method === 'HEAD') response.end();
  else response.end(bytes);
}

/** Answers any thrown value as a Status; where the answer had begun already, the connection is cut. */
export async function sendFailure(request: IncomingMessage, response: ServerResponse, thrown: unknown): Promise<number> {
  const status = toStatus(thrown);
  if (response.headersSent) {
    response.destroy();
    return status.code;
  }
  const retry = status.details?.retryAfterSeconds;
  const remarks = thrown instanceof StatusError ? remarksOn(thrown) : undefined;
  const metadata = thrown instanceof ExpiredList && thrown.continueToken !== undefined ? { continue: thrown.continueToken } : {};
  await sendObject(
    request,
    response,
    status.code,
    { ...status, metadata },
    {
      format: formatOfFailure(request.headers.accept),
      ...(remarks === undefined ? {} : { warnings: [...new Set(remarks.warnings)] }),
      ...(retry === undefined ? {} : { headers: { 'Retry-After': String(retry) } }),
    },
  );
  return status.code;
}

/** 404 for a path that serves nothing. */
export const nothingHere = (): StatusError => new StatusError('NotFound', 'the server could not find the requested resource', {});

/** 405 for a path that serves something, but not to this method. */
export const wrongMethod = (): StatusError =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

const textOf = (json: string | Uint8Array): string =>
  typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8');

function withNewline(json: Uint8Array): Uint8Array {
  if (json.at(-1) === 0x0a) return json;
  const body = Buffer.allocUnsafe(json.length + 1);
  body.set(json);
  body[json.length] = 0x0a;
  return body;
}

const acceptsGzip = (request: IncomingMessage): boolean =>
  /(^|[\s,])gzip\s*(;\s*q=(?!0(\.0*)?(\s|,|$))|,|$)/.test(headerOf(request, 'accept-encoding'));

const headerOf = (request: IncomingMessage, name: string): string => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
};

/** Whether to indent: asked for by `pretty`, or a tool that people read (apiserver `isPrettyPrint`). */
function wantsPretty(request: IncomingMessage): boolean {
  const asked = /[?&]pretty(?:=([^&]*))?/.exec(request.url ?? '');
  if (asked?.[1]) return /^(1|t|true)$/i.test(asked[1]);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers['user-agent'] ?? '');
}

/** Adds a warning to an answer that has not begun. */
export const warn = (response: ServerResponse, text: string): unknown => response.appendHeader('Warning', warningOf(text));

/** `299 - "text"`: the form of a warning (RFC 7234 5.5) that kubectl prints. */
const warningOf = (text: string): string => `299 - "${text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, ' ')}"`;
