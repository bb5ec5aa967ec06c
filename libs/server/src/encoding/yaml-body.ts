import { Composer, isMap, isScalar, Lexer, LineCounter, Parser, type CreateNodeOptions, type Document, type Tags } from 'yaml';
import { badRequest, StatusError } from '#libs/apimachinery';

/** Tags of YAML 1.1 that upstream's parser leaves as they are written. */
const LEFT_ALONE = new Set(['timestamp', 'intTime', 'floatTime', 'binary', 'omap', 'pairs', 'set']);
/** Uses of anchors in one document: a small text must not grow without bound. */
const MAX_ALIASES = 100;
/** Deepest nesting: what is composed recursively must not come near the end of the stack, where V8 itself gives up. */
const MAX_DEPTH = 250;
/** Most tokens of one document: they are worked through without a pause. */
const MAX_TOKENS = 500_000;
/** Keys told that are there twice. */
const MOST_DUPLICATES = 100;

/** A YAML text that can't be read; the message is in the words of upstream's parser, as far as it has them. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
}

/** A document as parsed. */
export interface ParsedYaml {
  readonly value: unknown;
  /** What upstream's strict parser says of keys that are there twice; undefined: nothing. */
  readonly duplicates: string | undefined;
}

/** Reads the first document of a text, as upstream does. Throws YamlProblem, and 413 for a text of too many tokens. */
export function parseYaml(text: string, findDuplicates: boolean): ParsedYaml {
  const lines = new LineCounter();
  const document = firstDocument(text, lines);
  if (document === undefined) return { value: null, duplicates: undefined };
  const [problem] = document.errors;
  if (problem !== undefined) {
    const sentence = problem.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
    throw new YamlProblem(`yaml: line ${lines.linePos(problem.pos[0]).line}: ${sentence}`);
  }
  const duplicates = findDuplicates ? duplicatesOf(document, lines) : undefined;
  return { value: valueOf(document), duplicates };
}

function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (error instanceof ReferenceError) throw new YamlProblem('yaml: document contains excessive aliasing');
    throw new YamlProblem(`yaml: ${error instanceof Error ? error.message : 'the document can not be read'}`);
  }
}

/** Lexing and parsing take no stack, composing does: how deep and how long a document is, is known before it is composed. */
function firstDocument(text: string, lines: LineCounter): Document | undefined {
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({
    uniqueKeys: false,
    version: '1.1',
    merge: true,
    logLevel: 'silent',
    customTags: (tags): Tags => tags.filter((tag) => typeof tag === 'string' || !LEFT_ALONE.has(nameOf(tag.tag, tag))),
  });
  const composed = [];
  lines.addNewLine(0);
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_TOKENS) {
      throw new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${MAX_TOKENS} tokens of YAML`);
    }
    for (const token of parser.next(lexeme)) composed.push(...composer.next(token));
    if (parser.stack.length > MAX_DEPTH) throw new YamlProblem(`yaml: exceeded max depth of ${MAX_DEPTH}`);
    if (composed.length > 0) return composed[0];
  }
  for (const token of parser.end()) composed.push(...composer.next(token));
  composed.push(...composer.end(true, text.length));
  return composed[0];
}

/** A tag's short name; the numbers in base 60 share theirs with other numbers and are told apart by their format. */
const nameOf = (tag: string, { format }: CreateNodeOptions & { readonly format?: string }): string =>
  format === 'TIME' ? 'intTime' : (tag.split(':').at(-1) ?? '');

function duplicatesOf(document: Document, lines: LineCounter): string | undefined {
  const found: string[] = [];
  const open: unknown[] = [document.contents];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) continue;
    const items = node.items as readonly unknown[];
    if (!isMap(node)) {
      open.push(...items.filter((item) => item !== undefined).toReversed());
      continue;
    }
    const seen = new Set<string>();
    for (const { key } of node.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (seen.has(name) && found.length < MOST_DUPLICATES) {
        found.push(`  line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(name)} already set in map`);
      }
      seen.add(name);
    }
    for (const { value } of node.items.toReversed()) if (value !== null && value !== undefined) open.push(value);
  }
  return found.length === 0 ? undefined : `yaml: unmarshal errors:\n${found.join('\n')}`;
}

/** 400 for a body in YAML that can't be read. */
export const unreadable = (kind: string, why: string, summary: string): StatusError =>
  badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary})`);
