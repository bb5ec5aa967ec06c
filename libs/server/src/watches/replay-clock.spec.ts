import { ReplayClock } from './replay-clock.js';

describe('a clock that was put back', () => {
  it.each([
    [1, 0, 1_000, 1_000],
    [10, 0, 1_000, 100],
    [0.5, 0, 1_000, 2_000],
    [10, 60, 1_000, 40],
    [10, 100, 1_000, 0],
    [10, 5_000, 1_000, 0],
    [Infinity, 0, 1_000_000, 0],
    [1, 0, 0, 0],
    [1, 0, -1_000, 0],
  ])('at speed %d, after %d ms, is to show what happened %d ms later in %d ms', (speed, elapsed, later, ms) => {
    let now = 50_000;
    const clock = new ReplayClock(10_000, speed, () => now);
    now += elapsed;
    expect(clock.msUntil(10_000 + later)).toBe(ms);
  });
});
