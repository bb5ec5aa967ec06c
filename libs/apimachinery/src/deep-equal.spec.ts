import fc from 'fast-check';
import { deepEqual } from './deep-equal.js';

describe('deepEqual', () => {
  it.each([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{}, { a: undefined }, true],
    [{ a: undefined, b: 1 }, { b: 1, c: undefined }, true],
    [{ a: undefined }, { a: null }, false],
    [[1, 2], [1, 2], true],
    [[1, 2], [2, 1], false],
    [[1], [1, undefined], false],
    [[], {}, false],
    [{ toString: undefined }, {}, true],
    [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 2 }] } }, false],
    [null, {}, false],
    [NaN, NaN, true],
  ])('%j and %j: %s', (a, b, equal) => {
    expect(deepEqual(a, b)).toBe(equal);
    expect(deepEqual(b, a)).toBe(equal);
  });

  it('agrees with the text of JSON', () => {
    const value = fc.object({ maxDepth: 2, values: [fc.nat({ max: 2 }), fc.constant('x')], key: fc.constantFrom('a', 'b', 'c') });
    const sorted = (object: unknown): string =>
      JSON.stringify(object, (_key, member: unknown) =>
        typeof member === 'object' && member !== null && !Array.isArray(member)
          ? Object.fromEntries(Object.entries(member).sort())
          : member,
      );
    fc.assert(fc.property(value, value, (a, b) => expect(deepEqual(a, b)).toBe(sorted(a) === sorted(b))));
  });
});
