import fc from 'fast-check';
import type { Entry } from '../ports.js';
import { compareBytewise } from './bytewise.js';
import { ResourceTable } from './resource-table.js';

const entry = (name: string, sequence: number): Entry => ({ namespace: 'n', name, sequence }) as Entry;

describe('the objects of a namespace', () => {
  it('are listed in order, as they are then, however many changes lie between two lists', () => {
    const change = fc.record({ name: fc.integer({ min: 0, max: 120 }).map(String), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 90 }), { maxLength: 5 }), (rounds) => {
        const table = new ResourceTable();
        const wanted = new Map<string, number>();
        let sequence = 0;
        for (const round of rounds) {
          for (const { name, gone } of round) {
            sequence++;
            if (gone) table.remove('n', name);
            else table.put(entry(name, sequence));
            if (gone) wanted.delete(name);
            else wanted.set(name, sequence);
          }
          const listed = table.entries('n').map((one) => [one.name, one.sequence]);
          expect(listed).toEqual([...wanted].sort(([a], [b]) => compareBytewise(a, b)));
        }
      }),
    );
  });
});
