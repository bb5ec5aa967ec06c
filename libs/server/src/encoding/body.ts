import type { IncomingMessage } from 'node:http';
import { decodeProtobuf, MalformedProtobuf, parseJsonStrict } from '#libs/api';
import { StatusError, badRequest } from '#libs/apimachinery';
import { mediaTypeOfFormat, OBJECT_MEDIA_TYPES, unsupportedMediaType } from './negotiate.js';
import { parseYaml, unreadable, YamlProblem } from './yaml-body.js';

/** 413, as upstream says it. */
const tooLarge = (limit: number): StatusError => new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

/** How much of a body that is too large is still read, so that a client that is busy sending gets to read the answer. */
const DRAIN_LIMITS = 16;

/** Reads a request's body to its end. Throws 413 beyond the limit, 400 where the client goes away in the middle. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      if (length <= limit * DRAIN_LIMITS) return;
      request.removeAllListeners('data');
      request.resume();
      reject(tooLarge(limit));
    });
    request.on('end', () => {
      if (length > limit) reject(tooLarge(limit));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', reject);
    request.on('aborted', () => reject(badRequest('the request body was cut off')));
  });
}

/** A body as parsed. */
export interface ParsedBody {
  readonly value: unknown;
  /** Sentences about members that are there twice. */
  readonly duplicates: readonly string[];
}

const JSON_TYPES = new Set(['', 'application/json']);
/** The media type of a body, without parameters. */
export const mediaTypeOf = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** Parses an object in JSON, YAML or Protocol Buffers; `kind` is what was expected, for the sentence of a failure. Throws 415 and 400. */
export function parseObject(mediaType: string, bytes: Buffer, kind: string, duplicates: boolean): ParsedBody {
  if (JSON_TYPES.has(mediaType)) return parseJsonStrict(bytes.toString('utf8'), { duplicates, kind });
  if (mediaType === mediaTypeOfFormat('protobuf')) return { value: parseProtobuf(bytes, kind), duplicates: [] };
  if (mediaType !== mediaTypeOfFormat('yaml')) throw unsupportedMediaType(OBJECT_MEDIA_TYPES);
  try {
    const { value, duplicates: twice } = parseYaml(bytes.toString('utf8'), duplicates);
    return { value, duplicates: twice === undefined ? [] : [twice] };
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    throw unreadable(kind, error.message, summaryOf(bytes));
  }
}

function parseProtobuf(bytes: Buffer, kind: string): unknown {
  try {
    return decodeProtobuf(bytes);
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error;
    throw unreadable(kind, error.message, summaryOf(bytes));
  }
}

/** The first bytes of a body, as upstream shows them in its messages. */
function summaryOf(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const more = bytes.length > 30 ? ' ...' : '';
  return `${bytes.subarray(0, 30).toString('hex')}${more}`;
}

/** Parses a patch's JSON. Throws 400 in upstream's words. */
export function parsePatch(bytes: Buffer): unknown {
  try {
    return parseJsonStrict(bytes.toString('utf8'), { duplicates: false }).value;
  } catch (error) {
    const problem = error instanceof StatusError ? /json parse error: (.*) \(/s.exec(error.message)?.[1] : undefined;
    throw problem === undefined ? error : badRequest(`error decoding patch: ${problem}`);
  }
}

const OPENING_BRACE = 0x7b;

/**
 * Parses an applied configuration: YAML, of which JSON is the part that is parsed fastest. Throws 400 in upstream's
 * words, which are those of its YAML parser also for JSON.
 */
export function parseConfiguration(bytes: Buffer, duplicates: boolean): ParsedBody {
  const text = bytes.toString('utf8');
  if (bytes[0] === OPENING_BRACE) {
    try {
      const parsed = parseJsonStrict(text, { duplicates });
      if (parsed.duplicates.length === 0) return parsed;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }
  try {
    const { value, duplicates: twice } = parseYaml(text, duplicates);
    return { value, duplicates: twice === undefined ? [] : [`error converting YAML to JSON: ${twice}`] };
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
  }
}
