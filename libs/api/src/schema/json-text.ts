import { badRequest } from '#libs/apimachinery';
import { JsonScanner, JsonSyntaxProblem } from './json-scanner.js';

/** JSON as parsed, and what strict field validation has against it. */
export interface ParsedJson {
  readonly value: unknown;
  /** Sentences such as `duplicate field "spec.replicas"`, in the order of the text; at most 100. */
  readonly duplicates: readonly string[];
}

/** What to look for while parsing. */
export interface ParseOptions {
  /** Find keys that an object has twice (the last one counts, as everywhere). */
  readonly duplicates: boolean;
  /** The Kind the text should be, for messages. */
  readonly kind?: string;
}

/** Deepest nesting of arrays and objects, as upstream's parser. */
export const MOST_JSON_DEPTH = 10_000;

/** How many members the text gives to objects: the strings that a colon follows. The text has been parsed before. */
function membersWritten(text: string): number {
  let members = 0;
  for (let open = text.indexOf('"'); open >= 0; open = text.indexOf('"', open)) {
    let close = text.indexOf('"', open + 1);
    for (;;) {
      let slashes = 0;
      while (text.charCodeAt(close - 1 - slashes) === 92) slashes++;
      if (slashes % 2 === 0) break;
      close = text.indexOf('"', close + 1);
    }
    open = close + 1;
    let next = text.charCodeAt(open);
    while (next === 32 || next === 10 || next === 13 || next === 9) next = text.charCodeAt(++open);
    if (next === 58) members++;
  }
  return members;
}

/** How many members the objects of a parsed value have. Iterative: the value may be nested deeper than the stack. */
function membersKept(value: unknown): number {
  const open: unknown[] = [value];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const members: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) count += members.length;
    for (const member of members) if (typeof member === 'object' && member !== null) open.push(member);
  }
  return count;
}

/** Go's summary of a body that could not be read: its beginning, or the hexadecimal of it where it is no object. */
function summary(text: string): string {
  if (text === '') return '<empty>';
  const bytes = new TextEncoder().encode(text.slice(0, 31));
  const more = text.length > 30 ? ' ...' : '';
  if (text.startsWith('{')) return text.slice(0, 30) + more;
  return Array.from(bytes.slice(0, 30), (byte) => byte.toString(16).padStart(2, '0')).join('') + more;
}

const unrecognized = (text: string, problem: string, kind: string): Error =>
  badRequest(
    `the object provided is unrecognized (must be of type ${kind}): ` +
      `couldn't get version/kind; json parse error: ${problem} (${summary(text)})`,
  );

function problemOf(text: string): string {
  try {
    new JsonScanner(text, MOST_JSON_DEPTH).scan();
  } catch (error) {
    if (error instanceof JsonSyntaxProblem) return error.message;
    throw error;
  }
  return 'invalid JSON';
}

/**
 * Parses a JSON text. JSON.parse does the work; the text is walked again only where something is wrong with it or a key
 * is there twice. Throws BadRequest with upstream's sentence for malformed text and for nesting beyond MOST_JSON_DEPTH.
 */
export function parseJsonStrict(text: string, options: ParseOptions = { duplicates: true }): ParsedJson {
  const kind = options.kind ?? 'Object';
  let value: unknown;
  try {
    if (text.length > MOST_JSON_DEPTH) JsonScanner.checkDepth(text, MOST_JSON_DEPTH);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof JsonSyntaxProblem) throw unrecognized(text, error.message, kind);
    if (error instanceof SyntaxError) throw unrecognized(text, problemOf(text), kind);
    throw error;
  }
  if (!options.duplicates || membersWritten(text) === membersKept(value)) return { value, duplicates: [] };
  return { value, duplicates: new JsonScanner(text, MOST_JSON_DEPTH).scan() };
}
