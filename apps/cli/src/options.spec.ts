import { InvalidArgumentError } from 'commander';
import { moment } from './options.js';

describe('a moment as an option', () => {
  it('is a time, in milliseconds', () => {
    expect(moment('2026-01-02T03:04:05Z')).toBe(Date.parse('2026-01-02T03:04:05Z'));
  });

  it.each(['yesterday', '5', ''])('is not %j, of which no time is known', (text) => {
    expect(() => moment(text)).toThrow(InvalidArgumentError);
  });
});
