import { disorders, type Stamped } from './index.js';

const stamp = (what: string, from: number, to: number, version: number): Stamped => ({ what, from, to, version });
const always = (): boolean => true;
const named = (stamped: readonly Stamped[], strictly: () => boolean = always): readonly string[] =>
  disorders(stamped, strictly).map(({ earlier, later }) => `${later.what} behind ${earlier.what}`);

describe('positions that were told', () => {
  it.each<readonly [string, readonly Stamped[], readonly string[]]>([
    ['rise with time', [stamp('a', 0, 1, 1), stamp('b', 2, 3, 2), stamp('c', 4, 5, 3)], []],
    ['may have any order where the requests overlapped', [stamp('a', 0, 9, 5), stamp('b', 1, 8, 3), stamp('c', 2, 3, 4)], []],
    ['are wrong where a later request was told less', [stamp('a', 0, 1, 5), stamp('b', 2, 3, 4)], ['b behind a']],
    [
      'are compared with the highest before, across clients',
      [stamp('a', 0, 1, 9), stamp('b', 0, 2, 3), stamp('c', 3, 4, 5)],
      ['c behind a'],
    ],
    ['are wrong where two writes were told the same', [stamp('a', 0, 1, 5), stamp('b', 2, 3, 5)], ['b behind a']],
    ['are found however the requests are listed', [stamp('b', 2, 3, 4), stamp('a', 0, 1, 5)], ['b behind a']],
  ])('%s', (_title, stamped, expected) => expect(named(stamped)).toEqual(expected));

  it('may be equal where nothing was written', () => {
    expect(named([stamp('a', 0, 1, 5), stamp('b', 2, 3, 5)], () => false)).toEqual([]);
  });
});
