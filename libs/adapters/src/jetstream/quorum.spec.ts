import { Doubts, followedByMost, type Followed } from './quorum.js';

const heard = (...seconds: readonly number[]): Followed => ({ replicas: seconds.map((s) => ({ active: s * 1e9 })) });

describe('who answers for a stream', () => {
  it.each<[string, Followed | undefined, number, boolean]>([
    ['is believed where there is one copy', undefined, 1, true],
    ['is believed where all follow', heard(0.3, 0.4), 3, true],
    ['is believed where most follow', heard(0.3, 60), 3, true],
    ['is not where none has followed for a while', heard(2.6, 3.1), 3, false],
    ['is not where one never did and the other no more', heard(0, 5), 3, false],
    ['is not where half of the others are too few', heard(0.2, 9, 9, 9), 5, false],
    ['is not where it knows of no others', {}, 3, false],
    ['is not where it does not say', undefined, 3, false],
  ])('%s', (_, cluster, copies, wanted) => {
    expect(followedByMost(cluster, copies)).toBe(wanted);
  });
});

it('one that was not followed is doubted for a while, however well it is followed again; another is believed at once', () => {
  const doubts = new Doubts();
  const led = (leader: string, ...seconds: readonly number[]): Followed => ({ leader, ...heard(...seconds) });
  const believed = (cluster: Followed, now: number): boolean => doubts.believes(cluster, 3, now);
  expect(believed(led('a', 0.3, 0.4), 1_000)).toBe(true);
  expect(believed(led('a', 3, 4), 5_000)).toBe(false);
  expect(believed(led('a', 0.1, 0.1), 6_000)).toBe(false);
  expect(believed(led('b', 0.1, 0.1), 6_000)).toBe(true);
  expect(believed(led('a', 0.1, 0.1), 15_001)).toBe(true);
});
