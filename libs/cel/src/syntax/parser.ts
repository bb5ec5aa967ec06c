import { bytesOf, Double, Uint, MAX_INT, MAX_UINT, MIN_INT } from '../evaluation/values.js';
import type { Expr, StructLiteral } from './ast.js';
import { tokenize, type Token } from './lexer.js';
import { macroOf } from './macros.js';
import { SyntaxProblem } from './source.js';

/** As cel-go's defaults: how deep an expression nests and how long it is. */
const MAX_DEPTH = 250;
const MAX_LENGTH = 100_000;

const RESERVED = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '));
const STARTS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const RELATIONS: Readonly<Record<string, string>> = {
  '<': '_<_',
  '<=': '_<=_',
  '>': '_>_',
  '>=': '_>=_',
  '==': '_==_',
  '!=': '_!=_',
  in: '@in',
};
/** The binary operators by how tightly they bind, the loosest first. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { '||': '_||_' },
  { '&&': '_&&_' },
  RELATIONS,
  { '+': '_+_', '-': '_-_' },
  { '*': '_*_', '/': '_/_', '%': '_%_' },
];

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private depth = 0;

  constructor(source: string) {
    this.tokens = tokenize(source);
  }

  whole(): Expr {
    const expr = this.expression();
    const rest = this.peek();
    if (rest.kind !== 'end') throw new SyntaxProblem(rest.at, `Syntax error: extraneous input '${rest.text}' expecting <EOF>`);
    return expr;
  }

  private peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)] as Token;
  }

  private take(): Token {
    const token = this.peek();
    this.next++;
    return token;
  }

  private sign(text: string): Token | undefined {
    const token = this.peek();
    return token.kind === 'sign' && token.text === text ? this.take() : undefined;
  }

  private expect(text: string): Token {
    const found = this.sign(text);
    if (found) return found;
    const token = this.peek();
    throw new SyntaxProblem(token.at, `Syntax error: mismatched input '${token.text}' expecting '${text}'`);
  }

  private expression(): Expr {
    if (++this.depth > MAX_DEPTH) throw new SyntaxProblem(this.peek().at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    const condition = this.binary(0);
    const question = this.sign('?');
    if (!question) {
      this.depth--;
      return condition;
    }
    const then = this.binary(0);
    this.expect(':');
    const otherwise = this.expression();
    this.depth--;
    return { op: 'call', at: question.at, name: '_?_:_', args: [condition, then, otherwise] };
  }

  private binary(level: number): Expr {
    const operators = LEVELS[level];
    if (!operators) return this.unary();
    let left = this.binary(level + 1);
    for (let chain = 0; ; chain++) {
      const token = this.peek();
      const name = token.kind === 'sign' || (token.kind === 'ident' && token.text === 'in') ? operators[token.text] : undefined;
      if (name === undefined) return left;
      if (chain >= MAX_DEPTH) throw new SyntaxProblem(token.at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
      this.take();
      left = { op: 'call', at: token.at, name, args: [left, this.binary(level + 1)] };
    }
  }

  private unary(): Expr {
    const first = this.peek();
    const sign = first.kind === 'sign' && (first.text === '!' || first.text === '-') ? first.text : undefined;
    if (sign === undefined) return this.member();
    let count = 0;
    for (; this.sign(sign); count++)
      if (count >= MAX_DEPTH) throw new SyntaxProblem(first.at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    const number = this.peek();
    if (sign === '-' && count === 1 && (number.kind === 'int' || number.kind === 'double')) return this.member(first);
    const operand = this.member();
    return count % 2 === 0 ? operand : { op: 'call', at: first.at, name: sign === '!' ? '!_' : '-_', args: [operand] };
  }

  private member(minus?: Token): Expr {
    let operand = this.primary(minus);
    for (let chain = 0; ; chain++) {
      const token = this.peek();
      if (chain > MAX_DEPTH) throw new SyntaxProblem(token.at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
      if (this.sign('.')) operand = this.selection(operand, token);
      else if (this.sign('[')) operand = this.index(operand, token);
      else if (token.text === '{' && token.kind === 'sign') {
        const name = qualifiedName(operand);
        if (name === undefined) return operand;
        operand = this.struct(name);
      } else return operand;
    }
  }

  private selection(operand: Expr, dot: Token): Expr {
    const optional = this.sign('?') !== undefined;
    const name = this.take();
    if (name.kind !== 'ident' && name.kind !== 'quoted') {
      throw new SyntaxProblem(name.at, `Syntax error: mismatched input '${name.text}' expecting IDENTIFIER`);
    }
    const open = !optional && name.kind === 'ident' ? this.sign('(') : undefined;
    if (!open) return { op: 'select', at: dot.at, operand, field: name.text, ...(optional ? { optional } : {}) };
    const args = this.list(')');
    return macroOf(name.text, open.at, operand, args) ?? { op: 'call', at: open.at, name: name.text, target: operand, args };
  }

  private index(operand: Expr, bracket: Token): Expr {
    const optional = this.sign('?') !== undefined;
    const key = this.expression();
    this.expect(']');
    return { op: 'call', at: bracket.at, name: optional ? '_[?_]' : '_[_]', args: [operand, key] };
  }

  private list(close: string): Expr[] {
    const found: Expr[] = [];
    if (this.sign(close)) return found;
    do found.push(this.expression());
    while (this.sign(','));
    this.expect(close);
    return found;
  }

  private struct(name: string): StructLiteral {
    const open = this.take();
    const fields: StructLiteral['fields'][number][] = [];
    while (!this.sign('}')) {
      const optional = this.sign('?') !== undefined;
      const field = this.take();
      if (field.kind !== 'ident' && field.kind !== 'quoted') {
        throw new SyntaxProblem(field.at, `Syntax error: mismatched input '${field.text}' expecting {'}', ',', '\`', IDENTIFIER}`);
      }
      const colon = this.expect(':');
      fields.push({ at: colon.at, name: field.text, value: this.expression(), optional });
      if (this.sign(',')) continue;
      this.expect('}');
      break;
    }
    return { op: 'struct', at: open.at, name, fields };
  }

  private primary(minus: Token | undefined): Expr {
    const token = this.take();
    if (token.kind === 'sign') return this.bracketed(token);
    if (token.kind === 'ident') return this.named(token);
    const literal = literalOf(token, minus);
    if (literal) return literal;
    throw new SyntaxProblem(token.at, `Syntax error: mismatched input '${token.text}' expecting ${STARTS}`);
  }

  private bracketed(token: Token): Expr {
    if (token.text === '(') {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (token.text === '[') return this.listLiteral(token);
    if (token.text === '{') return this.mapLiteral(token);
    if (token.text === '.') {
      const name = this.take();
      if (name.kind === 'ident') return this.named(name);
    }
    throw new SyntaxProblem(token.at, `Syntax error: mismatched input '${token.text}' expecting ${STARTS}`);
  }

  private listLiteral(open: Token): Expr {
    const elements: Expr[] = [];
    const optional = new Set<number>();
    while (!this.sign(']')) {
      if (this.sign('?')) optional.add(elements.length);
      elements.push(this.expression());
      if (this.sign(',')) continue;
      this.expect(']');
      break;
    }
    return { op: 'list', at: open.at, elements, optional };
  }

  private mapLiteral(open: Token): Expr {
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (!this.sign('}')) {
      const optional = this.sign('?') !== undefined;
      const key = this.expression();
      this.expect(':');
      entries.push({ key, value: this.expression(), optional });
      if (this.sign(',')) continue;
      this.expect('}');
      break;
    }
    return { op: 'map', at: open.at, entries };
  }

  private named(token: Token): Expr {
    if (token.text === 'true' || token.text === 'false') return { op: 'literal', at: token.at, value: token.text === 'true' };
    if (token.text === 'null') return { op: 'literal', at: token.at, value: null };
    if (token.text === 'in') throw new SyntaxProblem(token.at, `Syntax error: mismatched input 'in' expecting ${STARTS}`);
    const open = this.sign('(');
    if (RESERVED.has(token.text)) throw new SyntaxProblem(token.at, `reserved identifier: ${token.text}`);
    if (!open) return { op: 'ident', at: token.at, name: token.text };
    const args = this.list(')');
    return macroOf(token.text, open.at, undefined, args) ?? { op: 'call', at: open.at, name: token.text, args };
  }
}

/** `a.b.c` as one name, where it can be one. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.op === 'ident') return expr.name;
  if (expr.op !== 'select' || expr.test || expr.optional) return undefined;
  const operand = qualifiedName(expr.operand);
  return operand === undefined ? undefined : `${operand}.${expr.field}`;
}

function literalOf(token: Token, minus: Token | undefined): Expr | undefined {
  const at = minus?.at ?? token.at;
  const signed = `${minus ? '-' : ''}${token.text}`;
  switch (token.kind) {
    case 'string':
      return { op: 'literal', at, value: token.text };
    case 'bytes':
      return { op: 'literal', at, value: bytesOf(token.text) };
    case 'double':
      return { op: 'literal', at, value: new Double(Number(signed)) };
    case 'int': {
      const value = BigInt(token.text) * (minus ? -1n : 1n);
      if (value > MAX_INT || value < MIN_INT) throw new SyntaxProblem(at, 'invalid int literal');
      return { op: 'literal', at, value };
    }
    case 'uint': {
      const value = BigInt(token.text);
      if (value > MAX_UINT) throw new SyntaxProblem(at, 'invalid uint literal');
      return { op: 'literal', at, value: new Uint(value) };
    }
    default:
      return undefined;
  }
}

/** The expression that a text stands for; throws a SyntaxProblem. */
export function parse(source: string): Expr {
  const length = Array.from(source).length;
  if (length > MAX_LENGTH) throw new SyntaxProblem(0, `expression code point size exceeds limit: size: ${length}, limit ${MAX_LENGTH}`);
  return new Parser(source).whole();
}
