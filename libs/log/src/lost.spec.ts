import { formatLost, isLost, parseLost } from './lost.js';

describe('lost sequences', () => {
  it.each<[number, boolean]>([
    [9, false],
    [10, false],
    [11, true],
    [19, true],
    [20, false],
    [21, false],
  ])('from 10 to 20: %d is lost: %s', (sequence, expected) => {
    expect(isLost({ state: { after: 10, through: 20 } }, 'state', sequence)).toBe(expected);
  });

  it('of one stream are none of another', () => {
    expect(isLost({ state: { after: 10, through: 20 } }, 'event', 15)).toBe(false);
  });

  it.each(['', '1', '1-', 'a-b', '1-2-3', undefined])('are not in %p', (text) => {
    expect(parseLost(text)).toBeUndefined();
  });

  it('are read as they are written', () => {
    expect(parseLost(formatLost({ after: 7, through: 100_007 }))).toEqual({ after: 7, through: 100_007 });
  });
});
