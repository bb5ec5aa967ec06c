import { InvalidArgumentError } from 'commander';
import { kubectlArguments, pastMoment } from './at.js';

describe('decklog at', () => {
  it.each(['1234', '10m', '2026-01-02T03:04:05Z', 'now'])('takes %s as a moment', (text) => {
    expect(pastMoment(text)).toBe(text);
  });

  it.each(['', 'yesterday', '--', 'get'])('takes %j for no moment', (text) => {
    expect(() => pastMoment(text)).toThrow(InvalidArgumentError);
  });

  it.each([
    [{ server: 'https://h:1' }, '12', {}, ['--server=https://h:1/at/12']],
    [{ server: 'https://h:1/k8s/' }, '12', { speed: '10x' }, ['--server=https://h:1/k8s/at/12;speed=10x']],
    [
      { server: 'https://h:1', serverName: 'api' },
      '2026-01-02T03:04:05.006Z',
      { context: 'c', as: 'jane', asGroup: ['a', 'b'], asUid: 'u' },
      [
        '--server=https://h:1/at/2026-01-02T03:04:05.006Z',
        '--tls-server-name=api',
        '--context=c',
        '--as=jane',
        '--as-group=a',
        '--as-group=b',
        '--as-uid=u',
      ],
    ],
  ])('asks %j at %s with %j', (session, moment, given, words) => {
    expect(kubectlArguments({ serverName: undefined, ...session }, moment, given)).toEqual(words);
  });
});
