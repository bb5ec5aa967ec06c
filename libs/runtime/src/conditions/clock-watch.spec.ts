import { afterReading, clockReport, JUMP_SHOWN_MS, type ClockSeen } from './clock-watch.js';

/** Looks, each as [the time of day, the clock that nobody sets]. */
const seen = (...looks: readonly (readonly [number, number])[]): ClockSeen =>
  looks.reduce<ClockSeen | undefined>((before, [wall, steadyMs]) => afterReading(before, { wall, steadyMs }), undefined) as ClockSeen;

describe('the clock of a machine', () => {
  it.each<[string, ClockSeen, number | undefined, string]>([
    ['is as expected when it was looked at once', seen([5_000, 0]), undefined, 'AsExpected'],
    ['is as expected while it goes on with the steady one', seen([5_000, 0], [6_000, 1_000]), 3, 'AsExpected'],
    ['is as expected after a process was stopped: both clocks went on', seen([5_000, 0], [605_000, 600_000]), 3, 'AsExpected'],
    ['may be corrected a little', seen([5_000, 0], [6_500, 1_000]), 3, 'AsExpected'],
    ['has jumped forward', seen([5_000, 0], [3_606_000, 1_000]), 3, 'Jumped'],
    ['has jumped back', seen([5_000_000, 0], [1_400_000, 1_000]), 3, 'Jumped'],
    ['has jumped, which is said for a while', seen([0, 0], [61_000, 1_000], [62_000, 2_000]), 3, 'Jumped'],
    ['has jumped long ago', seen([0, 0], [61_000, 1_000], [61_000 + JUMP_SHOWN_MS, 1_000 + JUMP_SHOWN_MS]), 3, 'AsExpected'],
    ['is not that of the log’s server', seen([5_000, 0]), -8_000, 'Skewed'],
    ['has jumped, which says more than that it is another', seen([0, 0], [61_000, 1_000]), 60_000, 'Jumped'],
  ])('%s', (_title, clock, aheadMs, reason) => {
    expect(clockReport(clock, aheadMs).reason).toBe(reason);
  });

  it.each<[string, ClockSeen, number, RegExp]>([
    ['which way it was moved, and how far', seen([5_000_000, 0], [1_401_000, 1_000]), 0, /moved back by 3600\.0 s/],
    ['how far it is behind', seen([0, 0]), 2_500, /2\.5 s behind that of the log's server/],
    ['how far it is ahead', seen([0, 0]), -2_500, /2\.5 s ahead of that of the log's server/],
  ])('says %s', (_title, clock, aheadMs, words) => {
    expect(clockReport(clock, aheadMs).message).toMatch(words);
  });
});
