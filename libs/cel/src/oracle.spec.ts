import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { compile, toJson } from './index.js';
import { INT, listOf, mapOf, STRING } from './types.js';

/**
 * Random expressions, evaluated here and by an independent implementation of CEL: both give the same value, or both
 * fail. Only what the two share is written: no libraries of Kubernetes, no costs, no words of errors.
 */
const GIVEN = { n: 7, m: -3, s: 'hello', t: 'éa', items: [3, 1, 2], pairs: { a: 1, b: 2 } };
const VARIABLES = { n: INT, m: INT, s: STRING, t: STRING, items: listOf(INT), pairs: mapOf(STRING, INT) };

const other = new Environment()
  .registerVariable('n', 'int')
  .registerVariable('m', 'int')
  .registerVariable('s', 'string')
  .registerVariable('t', 'string')
  .registerVariable('items', 'list<int>')
  .registerVariable('pairs', 'map<string, int>');
const THEIRS = { ...GIVEN, n: 7n, m: -3n, items: [3n, 1n, 2n], pairs: { a: 1n, b: 2n } };

interface Texts {
  readonly int: string;
  readonly bool: string;
  readonly string: string;
  readonly list: string;
}

const { int, bool, string, list } = fc.letrec<Texts>((tie) => {
  const two = (left: keyof Texts, operators: readonly string[], right: keyof Texts): fc.Arbitrary<string> =>
    fc.tuple(tie(left), fc.constantFrom(...operators), tie(right)).map(([a, operator, b]) => `(${a} ${operator} ${b})`);
  const choice = (of: keyof Texts): fc.Arbitrary<string> =>
    fc.tuple(tie('bool'), tie(of), tie(of)).map(([c, a, b]) => `(${c} ? ${a} : ${b})`);
  const leaf = { maxDepth: 4, withCrossShrink: true };
  return {
    int: fc.oneof(
      leaf,
      fc.constantFrom('n', 'm', '0', '1', '5', 'items[0]', 'pairs.a', 'pairs["b"]'),
      two('int', ['+', '-', '*', '/', '%'], 'int'),
      choice('int'),
      tie('string').map((text) => `size(${text})`),
      tie('list').map((items) => `${items}.size()`),
      tie('list').map((items) => `items[${items}.size()]`),
      tie('int').map((number) => `(-(${number}))`),
    ),
    bool: fc.oneof(
      leaf,
      fc.constantFrom('true', 'false', '("a" in pairs)', 'has(pairs.b)', 'has(pairs.z)'),
      two('int', ['<', '<=', '>', '>=', '==', '!='], 'int'),
      two('string', ['<', '==', '!='], 'string'),
      two('bool', ['&&', '||', '=='], 'bool'),
      two('list', ['==', '!='], 'list'),
      two('int', ['in'], 'list'),
      tie('bool').map((value) => `!(${value})`),
      fc
        .tuple(tie('list'), fc.constantFrom('all', 'exists', 'exists_one'), tie('int'))
        .map(([items, macro, number]) => `${items}.${macro}(x, x > ${number})`),
      fc
        .tuple(tie('string'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('string'))
        .map(([a, name, b]) => `${a}.${name}(${b})`),
    ),
    string: fc.oneof(
      leaf,
      fc.constantFrom('s', 't', '""', '"ab"', "'é'"),
      two('string', ['+'], 'string'),
      choice('string'),
      tie('int').map((number) => `string(${number})`),
    ),
    list: fc.oneof(
      leaf,
      fc.constantFrom('items', '[1]', '[1, 2]', '[n, m]'),
      two('list', ['+'], 'list'),
      fc.tuple(tie('list'), tie('int')).map(([items, number]) => `${items}.map(x, x + ${number})`),
      fc.tuple(tie('list'), tie('int')).map(([items, number]) => `${items}.filter(x, x <= ${number})`),
    ),
  };
});

function ours(expression: string): unknown {
  const compiled = compile(expression, { variables: VARIABLES });
  if ('problem' in compiled) throw new Error(`${expression}: ${compiled.problem}`);
  const result = compiled.program.evaluate((name) => GIVEN[name as keyof typeof GIVEN], 1e9);
  return 'error' in result ? 'failed' : toJson(result.value);
}

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : Array.isArray(value) ? value.map(plain) : value);

function theirs(expression: string): unknown {
  try {
    return plain(other.evaluate(expression, THEIRS));
  } catch {
    return 'failed';
  }
}

test('random expressions mean the same to another implementation', () => {
  fc.assert(
    fc.property(fc.oneof(int, bool, string, list), (expression) => {
      expect([expression, ours(expression)]).toEqual([expression, theirs(expression)]);
    }),
    { numRuns: 1000 },
  );
});
