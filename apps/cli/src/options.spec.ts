import { InvalidArgumentError } from 'commander';
import { moment, urls } from './options.js';

describe('a moment as an option', () => {
  it('is a time, in milliseconds', () => {
    expect(moment('2026-01-02T03:04:05Z')).toBe(Date.parse('2026-01-02T03:04:05Z'));
  });

  it.each(['yesterday', '5', ''])('is not %j, of which no time is known', (text) => {
    expect(() => moment(text)).toThrow(InvalidArgumentError);
  });
});

describe('where a log is, as an option', () => {
  const log = urls('nats', 'tls');

  it.each(['nats://a:4222', 'tls://me:secret@a:4222,tls://b:4222'])('is one URL or several: %s', (text) => expect(log(text)).toBe(text));

  it.each(['http://a:4222', 'nats://a:4222,', 'nats://a:4222,b:4222', ''])('is not %j', (text) => {
    expect(() => log(text)).toThrow(InvalidArgumentError);
  });
});
