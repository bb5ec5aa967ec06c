import * as fc from 'fast-check';
import { addressRange, addressText } from './addresses.js';
import { drawn, portPool } from './pool.js';

describe('drawing from a range', () => {
  it('finds a free number as long as there is one, the reserved ones last', () => {
    const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(draws, { minLength: 60, maxLength: 60 }), (size, chances) => {
        const pool = portPool([100, 100 + size - 1]);
        const taken = new Set<number>();
        for (let i = 0; i < size; i++) {
          const value = drawn(pool, chances[i] ?? 0, (each) => !taken.has(each)) ?? 0;
          expect(value >= 100 && value < 100 + size && !taken.has(value)).toBe(true);
          if (i < size - pool.reserved) expect(value).toBeGreaterThanOrEqual(100 + pool.reserved);
          taken.add(value);
        }
        expect(drawn(pool, 0.5, (each) => !taken.has(each))).toBeUndefined();
      }),
    );
  });

  it('hands out addresses between the network’s and the broadcast address', () => {
    const { pool } = addressRange('10.96.0.0/16');
    expect([addressText(pool.first), addressText(pool.last), pool.reserved]).toEqual(['10.96.0.1', '10.96.255.254', 256]);
  });

  it('keeps the lower ports for those who ask for one', () => expect(portPool([30000, 32767]).reserved).toBe(86));
});
