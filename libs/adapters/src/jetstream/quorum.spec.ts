import { followedByMost, Trust, type Followed } from './quorum.js';

const led = (leader: string, ...seconds: readonly number[]): Followed => ({ leader, replicas: seconds.map((s) => ({ active: s * 1e9 })) });

/** Whether an answer of a moment (seconds) is believed, of a leader `a` that most servers stored something through at 10 s. */
const believed = (cluster: Followed, sent: number, came = sent + 0.01): boolean => {
  const trust = new Trust();
  trust.begin({ leader: 'a' }, 10_000);
  return trust.holds(cluster, 3, sent * 1_000, came * 1_000);
};

describe('who answers for a stream', () => {
  it.each<[string, Followed, number, boolean]>([
    ['is believed where all follow', led('a', 0.3, 0.4), 11, true],
    ['is not where one does not: the others may have chosen it', led('a', 0.3, 4), 11, false],
    ['is not where one never did', led('a', 0.3, 0), 11, false],
    ['is not where it knows of too few', led('a', 0.3), 11, false],
    ['is not where it does not say', { leader: 'a' }, 11, false],
    ['is not where it is another', led('b', 0.3, 0.4), 11, false],
    ['is not where it was not asked for long', led('a', 0.3, 0.4), 13, false],
  ])('%s', (_, cluster, sent, wanted) => {
    expect(believed(cluster, sent)).toBe(wanted);
  });

  it('is not where the answer took long', () => expect(believed(led('a', 0.3, 0.4), 11, 13)).toBe(false));

  it('nobody is at first', () => expect(new Trust().holds(led('a', 0.3, 0.4), 3, 0, 1)).toBe(false));
});

it.each<[string, Followed, number, boolean]>([
  ['all follow', led('a', 0.3, 0.4), 3, true],
  ['most follow', led('a', 0.3, 60), 3, true],
  ['none has followed for a while', led('a', 2.6, 3.1), 3, false],
  ['one never did and the other does no more', led('a', 0, 5), 3, false],
  ['half of the others are too few', led('a', 0.2, 9, 9, 9), 5, false],
  ['it knows of no others', {}, 3, false],
])('a leader can store something or not: %s', (_, cluster, copies, wanted) => {
  expect(followedByMost(cluster, copies)).toBe(wanted);
});

describe('a leader that is believed', () => {
  it('stays so as long as it is asked, and is no more once it was not followed, however well it is again', () => {
    const trust = new Trust();
    trust.begin({ leader: 'a' }, 0);
    const asked = (second: number, ...heard: readonly number[]): boolean =>
      trust.holds(led('a', ...heard), 3, second * 1_000, second * 1_000 + 10);
    expect([1, 2, 4, 6].map((second) => asked(second, 0.2, 0.3))).toEqual([true, true, true, true]);
    expect([asked(7, 0.1, 3), asked(8, 0.1, 4), asked(9, 0.1, 0.1)]).toEqual([false, false, false]);
    const { grant } = trust;
    trust.begin({ leader: 'a' }, 9_100);
    expect([asked(10, 0.1, 0.1), trust.grant - grant]).toEqual([true, 1]);
  });
});
