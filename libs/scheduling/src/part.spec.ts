import fc from 'fast-check';
import { isInQueue, QUEUE, queueKey } from './part.js';

const PODS = Array.from({ length: 200 }, (_, i) => `default/p${i}`);

describe('a part of the queue', () => {
  it.each<[readonly number[], number, string]>([
    [[0], 1, 'pending 0 of 1'],
    [[0, 1, 2], 4, 'pending 0-2 of 4'],
    [[9, 3, 4, 0], 64, 'pending 0,3-4,9 of 64'],
  ])('has a key that says which shards it is: %j of %i', (shards, of, key) => {
    expect(queueKey({ shards, of })).toBe(key);
  });

  it('is all of it where the key names none', () => {
    expect(PODS.every(isInQueue(QUEUE))).toBe(true);
  });

  it('has each pod once, however the shards are shared', () => {
    const sharing = fc.array(fc.nat(2), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(sharing, (owners) => {
        const of = owners.length;
        const keys = [0, 1, 2].flatMap((replica) => {
          const shards = owners.flatMap((owner, shard) => (owner === replica ? [shard] : []));
          return shards.length === 0 ? [] : [queueKey({ shards, of })];
        });
        const parts = keys.map(isInQueue);
        expect(PODS.every((pod) => parts.filter((isIn) => isIn(pod)).length === 1)).toBe(true);
      }),
    );
  });
});
