import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { sha256Hex } from './sha256.js';

describe('sha256Hex', () => {
  it('gives what every other implementation gives', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (text) => {
        const bytes = new TextEncoder().encode(text);
        expect(sha256Hex(text)).toBe(createHash('sha256').update(bytes).digest('hex'));
      }),
    );
  });
});
