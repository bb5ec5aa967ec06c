import fc from 'fast-check';
import { StatusError } from '#libs/apimachinery';
import { parseJsonStrict } from './json-text.js';

function problem(text: string): string {
  try {
    parseJsonStrict(text, { duplicates: true, kind: 'Pod' });
  } catch (error) {
    if (error instanceof StatusError) return /json parse error: (.*) \(/s.exec(error.message)?.[1] ?? error.message;
    throw error;
  }
  return '';
}

describe('parseJsonStrict', () => {
  it.each([
    ['{"a":1,"a":2}', ['duplicate field "a"'], { a: 2 }],
    ['{"spec":{"x":[{"n":1},{"n":1,"n":2}]}}', ['duplicate field "spec.x[1].n"'], { spec: { x: [{ n: 1 }, { n: 2 }] } }],
    ['{"a":1,"a":2,"a":3,"b":{"c":1,"c":{}}}', ['duplicate field "a"', 'duplicate field "b.c"'], { a: 3, b: { c: {} } }],
    ['{"a\\"b":1,"a\\"b":2}', ['duplicate field "a\\"b"'], { 'a"b': 2 }],
    ['{"a":"x:y","b":"\\\\","c":":"}', [], { a: 'x:y', b: '\\', c: ':' }],
    ['{"a" : 1 , "\\u0061" : 2}', ['duplicate field "a"'], { a: 2 }],
  ])('%s has %j', (text, duplicates, value) => {
    expect(parseJsonStrict(text)).toEqual({ value, duplicates });
  });

  it('finds no duplicates in what JSON.stringify wrote, and the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 1);
        expect(parseJsonStrict(text)).toEqual({ value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  it.each([
    ['', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['kind: Pod', "invalid character 'k' looking for beginning of value"],
    ['{"a":"b\nc"}', "invalid character '\\n' in string literal"],
    ['{"a":01}', "invalid character '1' after object key:value pair"],
    ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ])('says of %j what Go says', (text, wanted) => {
    expect(problem(text)).toBe(wanted);
  });

  it('refuses nesting beyond 10,000 and takes nesting of 10,000', () => {
    expect(problem('['.repeat(10_001) + ']'.repeat(10_001))).toBe('exceeded max depth');
    expect(problem('['.repeat(10_000) + ']'.repeat(10_000))).toBe('');
  });
});
