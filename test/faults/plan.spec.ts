import { Chance } from '../random-load.js';
import { everyFault, faultKind, faultName, faultsWithoutEnd, longestSilence, medianOf, type Parts } from './plan.js';

const several: Parts = { components: ['nats-1', 'nats-2', 'postgres', 'apiserver-1', 'apiserver-2'], hasLeader: true, hasNetwork: false };

describe('the faults of a run', () => {
  it.each<[string, Parts, readonly string[]]>([
    [
      'of one process of each kind',
      { components: ['nats', 'postgres', 'control-plane'], hasLeader: false, hasNetwork: false },
      ['kill the log', 'kill postgres', 'kill control-plane', 'pause control-plane'],
    ],
    [
      'of a log of several servers',
      { components: ['nats-1', 'nats-2'], hasLeader: true, hasNetwork: false },
      ['kill the leader', 'pause the leader', 'kill the log', 'kill nats-1', 'pause nats-1', 'kill nats-2', 'pause nats-2'],
    ],
    [
      'of a log with a network of its own, and of somebody else’s Postgres',
      { components: ['apiserver-1'], hasLeader: true, hasNetwork: true },
      [
        'kill the leader',
        'pause the leader',
        'cut the leader off',
        'cut a follower off',
        'cut the leader off from its peers',
        'cut the log off',
        'kill the log',
        'kill apiserver-1',
        'pause apiserver-1',
      ],
    ],
  ])('are those %s', (_, parts, wanted) => {
    expect(everyFault(parts).map(faultName)).toEqual(wanted);
  });

  it('reach every process, and the log again and again', () => {
    const faults = faultsWithoutEnd(several, new Chance(1));
    const drawn = Array.from({ length: 40 }, () => faultName(faults.next().value));
    expect(new Set(drawn)).toEqual(new Set(everyFault(several).map(faultName)));
    expect(drawn.filter((name) => name === 'kill the leader').length).toBeGreaterThan(2);
  });

  it('count together where only the number of the process differs', () => {
    expect(faultKind({ fault: 'kill', component: 'apiserver-2' })).toBe('kill apiserver');
    expect(faultKind({ fault: 'kill the log' })).toBe('kill the log');
  });
});

describe('the longest time without an acknowledged write', () => {
  it.each<[string, readonly number[], number, number, number]>([
    ['lies between two of them', [1, 2, 9, 10], 0, 11, 7],
    ['counts what lies within the stretch alone', [1, 2, 9, 10], 4, 9, 5],
    ['begins with the stretch', [0, 8, 9], 6, 9, 2],
    ['goes on to its end where none comes any more', [1, 2], 1, 30, 28],
    ['is all of it where none comes at all', [], 5, 12, 7],
    ['is short where they come all the time', [1, 2, 3, 4, 5, 6], 2, 5, 1],
  ])('%s', (_, successes, from, to, wanted) => {
    expect(longestSilence(successes, from, to)).toBe(wanted);
  });

  it('has a middle', () => {
    expect([medianOf([5, 1, 3]), medianOf([4, 1]), medianOf([])]).toEqual([3, 1, 0]);
  });
});
