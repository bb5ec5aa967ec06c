import { assign } from './assign.js';
import { planLeaving, planSteps } from './plan.js';

const owners = (text: string): readonly (string | undefined)[] => [...text].map((letter) => (letter === '.' ? undefined : letter));
const text = (assigned: readonly (string | undefined)[]): string => assigned.map((owner) => owner ?? '.').join('');

describe('who is to have which shard', () => {
  const rows: readonly (readonly [title: string, members: string, owners: string, assigned: string])[] = [
    ['the first takes all', 'a', '......', 'aaaaaa'],
    ['without members nobody has any', '', 'aabb', '....'],
    ['what nobody has is spread evenly', 'abc', '......', 'abcabc'],
    ['one that joins gets its part, the rest stays', 'ab', 'aaaaaa', 'aaabbb'],
    ['what a dead one had goes to the living, and nothing else moves', 'ac', 'aabbcc', 'aaaccc'],
    ['an odd shard stays where most are', 'ab', 'aaabb', 'aaabb'],
    ['and goes to the first by name among equals', 'ab', '.....', 'aabab'],
    ['more members than shards: some have none', 'abcd', 'ab', 'ab'],
    ['whoever is even stays as it is', 'abc', 'cbacba', 'cbacba'],
  ];
  test.each(rows)('%s', (_title, members, before, assigned) =>
    expect(text(assign([...members], before.length, owners(before)))).toBe(assigned),
  );
});

describe('what a replica does next', () => {
  const rows: readonly (readonly [
    title: string,
    self: string,
    members: string,
    holders: string,
    take: readonly number[],
    give: readonly (readonly [number, string])[],
  ])[] = [
    ['it takes what nobody has and is to be its own', 'b', 'ab', '....', [1, 3], []],
    ['it takes what a dead one held', 'a', 'a', 'axx', [1, 2], []],
    ['it does not take what a living one holds', 'b', 'ab', 'aaaa', [], []],
    [
      'it hands over what others are to have',
      'a',
      'ab',
      'aaaa',
      [],
      [
        [2, 'b'],
        [3, 'b'],
      ],
    ],
    ['nothing, where all is as it is to be', 'a', 'ab', 'abab', [], []],
    ['nothing, where it is no member itself', 'x', 'ab', 'ab..', [], []],
  ];
  test.each(rows)('%s', (_title, self, members, holders, take, give) => {
    const steps = planSteps({ self, members: [...members], holders: owners(holders) });
    expect([steps.take, [...steps.give]]).toEqual([take, give]);
  });

  it('leaving, it gives all it has to the others, and to nobody where there are none', () => {
    expect([...planLeaving({ self: 'a', members: ['a', 'b'], holders: owners('aab') })]).toEqual([
      [0, 'b'],
      [1, 'b'],
    ]);
    expect([...planLeaving({ self: 'a', members: ['a'], holders: owners('a.') })]).toEqual([[0, undefined]]);
  });
});

/** A number below `below`, of Park and Miller's generator. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

describe('whatever comes and goes', () => {
  test.each(Array.from({ length: 50 }, (_, seed) => seed + 1))('shards stay even, and only those move that must (seed %d)', (seed) => {
    const draw = dice(seed);
    const shards = 1 + draw(100);
    let holders: readonly (string | undefined)[] = Array.from({ length: shards }, () => undefined);
    for (let change = 0; change < 20; change++) {
      const members = [...'abcdefg'].filter(() => draw(2) === 0);
      if (members.length === 0) continue;
      const target = assign(members, shards, holders);
      const counts = members.map((member) => target.filter((owner) => owner === member).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      const least = Math.floor(shards / members.length);
      const kept = members.reduce((sum, member) => sum + Math.min(holders.filter((holder) => holder === member).length, least), 0);
      expect(target.filter((owner, shard) => owner === holders[shard]).length).toBeGreaterThanOrEqual(kept);
      // Step by step, whoever is first, all come to an even end: nobody waits for ever, and nothing moves to and fro.
      const moving = [...holders];
      for (let steps = 0; ; steps++) {
        const due = [...assign(members, shards, moving).entries()].filter(([shard, owner]) => owner !== moving[shard]);
        const next = due[due.length === 0 ? 0 : draw(due.length)];
        if (next === undefined) break;
        moving[next[0]] = next[1];
        expect(steps).toBeLessThan(shards);
      }
      holders = target;
    }
  });
});
