import { SyntaxProblem } from './source.js';

export interface Token {
  readonly kind: 'ident' | 'quoted' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'sign' | 'end';
  readonly at: number;
  readonly end: number;
  /** The sign, the name, the digits, or the string's meaning. */
  readonly text: string;
}

const SPACE = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+)[uU]?/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const QUOTED = /`[A-Za-z0-9_.\-/ ]+`/y;
const SIGN = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,(){}[\]]/y;
const OPENING = /([bB]?[rR]?|[rR][bB])("""|'''|"|')/y;
const ESCAPE = /^(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/;
const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

function unescape(raw: string, at: number, bytes: boolean): string {
  let out = '';
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== '\\') {
      out += raw[i];
      continue;
    }
    const found = ESCAPE.exec(raw.slice(i + 1, i + 10));
    if (!found) throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${raw.slice(i, i + 2)}'`);
    const [whole, simple, hex, short, long, octal] = found;
    if (simple !== undefined) out += SIMPLE[simple] ?? simple;
    else {
      const code = octal === undefined ? parseInt(hex ?? short ?? long ?? '', 16) : parseInt(octal, 8);
      if (bytes && (short !== undefined || long !== undefined)) throw new SyntaxProblem(at, 'unable to unescape string');
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new SyntaxProblem(at, 'unable to unescape string');
      out += String.fromCodePoint(code);
    }
    i += whole.length;
  }
  return out;
}

function stringAt(source: string, at: number): Token | undefined {
  const opening = matchAt(OPENING, source, at);
  if (!opening) return undefined;
  const [whole, prefix = '', quote = ''] = opening;
  const raw = /r/i.test(prefix);
  const bytes = /b/i.test(prefix);
  let i = at + whole.length;
  for (; i < source.length; i++) {
    if (source.startsWith(quote, i)) {
      const inner = source.slice(at + whole.length, i);
      return { kind: bytes ? 'bytes' : 'string', at, end: i + quote.length, text: raw ? inner : unescape(inner, at, bytes) };
    }
    if (quote.length === 1 && (source[i] === '\n' || source[i] === '\r')) break;
    if (source[i] === '\\' && !raw) i++;
  }
  throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${source.slice(at, i)}'`);
}

function numberAt(source: string, at: number): Token | undefined {
  const text = matchAt(NUMBER, source, at)?.[0];
  if (text === undefined) return undefined;
  const end = at + text.length;
  if (/[uU]$/.test(text)) return { kind: 'uint', at, end, text: text.slice(0, -1) };
  return { kind: /^0[xX]/.test(text) || /^\d+$/.test(text) ? 'int' : 'double', at, end, text };
}

/** The expression's tokens, the last of kind `end`. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    for (let space = matchAt(SPACE, source, at); space; space = matchAt(SPACE, source, at)) at += space[0].length;
    if (at >= source.length) break;
    const name = (): Token | undefined => {
      const text = matchAt(NAME, source, at)?.[0];
      return text === undefined ? undefined : { kind: 'ident', at, end: at + text.length, text };
    };
    const quoted = (): Token | undefined => {
      const text = matchAt(QUOTED, source, at)?.[0];
      return text === undefined ? undefined : { kind: 'quoted', at, end: at + text.length, text: text.slice(1, -1) };
    };
    const sign = (): Token | undefined => {
      const text = matchAt(SIGN, source, at)?.[0];
      return text === undefined ? undefined : { kind: 'sign', at, end: at + text.length, text };
    };
    const token = stringAt(source, at) ?? numberAt(source, at) ?? name() ?? quoted() ?? sign();
    if (!token)
      throw new SyntaxProblem(at, `Syntax error: token recognition error at: '${String.fromCodePoint(source.codePointAt(at) ?? 0)}'`);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', at: source.length, end: source.length, text: '<EOF>' });
  return tokens;
}
