import fc from 'fast-check';
import { ORIGIN } from '#libs/log';
import { generatedName, generatedSuffix } from './generated-suffix.js';

describe('a generated name', () => {
  it('depends on the owner, on what was seen and on the index, and on nothing else', () => {
    const suffix = generatedSuffix('uid', { ...ORIGIN, state: 7 }, 3);
    expect(generatedSuffix('uid', { ...ORIGIN, state: 7 }, 3)).toBe(suffix);
    expect(generatedSuffix('other', { ...ORIGIN, state: 7 }, 3)).not.toBe(suffix);
    expect(generatedSuffix('uid', { ...ORIGIN, state: 8 }, 3)).not.toBe(suffix);
    expect(generatedSuffix('uid', { ...ORIGIN, state: 7 }, 4)).not.toBe(suffix);
  });

  it('has five characters of upstream’s alphabet', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), (owner, state, index) => {
        expect(generatedSuffix(owner, { ...ORIGIN, state }, index)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      }),
    );
  });

  it('is unique among the creates of one decision', () => {
    const suffixes = Array.from({ length: 20_000 }, (_, index) => generatedSuffix('uid', ORIGIN, index));
    expect(new Set(suffixes).size).toBe(suffixes.length);
  });

  it('stays within the length of a label', () => {
    expect(generatedName('x'.repeat(80), 'abcde')).toHaveLength(63);
  });
});
