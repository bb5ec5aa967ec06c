import { brokenChain, brokenList, brokenWatch, type Broken, type Delivered, type Fact } from './index.js';

const fact = (version: number, type: Fact['type'], object: string, batch?: Fact['batch']): Fact => ({
  version,
  type,
  object,
  content: `${object}${version}`,
  ...(batch ? { batch } : {}),
});
const FACTS: readonly Fact[] = [
  fact(3, 'ADDED', 'a'),
  fact(5, 'ADDED', 'b'),
  fact(6, 'MODIFIED', 'a'),
  fact(8, 'DELETED', 'b', { first: 8, last: 10 }),
  fact(9, 'ADDED', 'c', { first: 8, last: 10 }),
  fact(10, 'ADDED', 'd', { first: 8, last: 10 }),
  fact(12, 'MODIFIED', 'd'),
];
const events = (...versions: readonly number[]): readonly Delivered[] => FACTS.filter(({ version }) => versions.includes(version));
const bookmark = (version: number): Delivered => ({ type: 'BOOKMARK', version });
const properties = (broken: readonly Broken[]): readonly string[] => broken.map(({ property, says }) => `${property}: ${says}`);

describe('a watch', () => {
  it.each<readonly [string, number, readonly Delivered[], readonly string[]]>([
    ['holds that delivers everything in order', 0, [...events(3, 5, 6), bookmark(7), ...events(8, 9, 10), bookmark(11)], []],
    ['holds that begins in the middle', 5, events(6, 8, 9), []],
    ['holds with a bookmark twice', 5, [bookmark(5), bookmark(5), ...events(6)], []],
    ['is broken by an event that comes twice', 0, [...events(3, 5), ...events(5)], ['unique: ADDED b at 5 came twice']],
    [
      'is broken by events out of order',
      0,
      [...events(5), ...events(3)],
      ['reliable: ADDED a at 3 did not come', 'ordered: ADDED a at 3 came after 5'],
    ],
    ['is broken by a gap', 0, [...events(3), ...events(6)], ['reliable: ADDED b at 5 did not come']],
    ['is broken by a gap before a bookmark', 0, [...events(3), bookmark(5)], ['bookmarkable: ADDED b at 5 did not come']],
    ['is broken by a bookmark that goes back', 0, [...events(3, 5), bookmark(4)], ['ordered: a bookmark at 4 came after 5']],
    [
      'is broken by what lies before its beginning',
      5,
      [...events(5), ...events(6)],
      ['resumable: ADDED b at 5 lies before 5, where it was opened'],
    ],
    [
      'is broken by what never happened',
      6,
      [{ type: 'ADDED', object: 'z', version: 7, content: 'z7' }],
      ['reliable: ADDED z at 7 never happened'],
    ],
    [
      'is broken by other content',
      0,
      [{ type: 'ADDED', object: 'a', version: 3, content: 'x' }],
      ['reliable: ADDED a at 3 with x was ADDED a at 3 with a3'],
    ],
    [
      'is broken by a bookmark that tears what was stored together',
      6,
      [...events(8, 9), bookmark(9)],
      ['atomic: a bookmark at 9 lies within what was stored together, 8 to 10'],
    ],
  ])('%s', (_title, from, delivered, expected) => expect(properties(brokenWatch({ name: 'w', from, delivered }, FACTS))).toEqual(expected));

  it('goes on where the one before it ended', () => {
    const first = { name: 'first', from: 0, delivered: [...events(3, 5), bookmark(5)] };
    expect(brokenChain([first, { name: 'second', from: 5, delivered: [] }])).toEqual([]);
    expect(properties(brokenChain([first, { name: 'second', from: 6, delivered: [] }]))).toEqual([
      'resumable: opened at 6, and the one before it, first, had come to 5',
    ]);
  });
});

describe('a list', () => {
  const at = (object: string, version: number): { object: string; version: number; content: string } => ({
    object,
    version,
    content: `${object}${version}`,
  });

  it.each<readonly [string, number, readonly ReturnType<typeof at>[], readonly string[]]>([
    ['holds that is what the events up to it make', 7, [at('a', 6), at('b', 5)], []],
    ['holds at the end of a batch', 10, [at('a', 6), at('c', 9), at('d', 10)], []],
    ['holds before anything', 2, [], []],
    ['is broken by an object that is missing', 7, [at('a', 6)], ['exact: at 7: b is missing']],
    [
      'is broken by an object that was deleted',
      11,
      [at('a', 6), at('b', 5), at('c', 9), at('d', 10)],
      ['exact: at 11: b at 5 should not be there'],
    ],
    ['is broken by an older state', 7, [at('a', 3), at('b', 5)], ['exact: at 7: a is at 3, must be at 6']],
    ['is broken by an object that is there twice', 5, [at('a', 3), at('b', 5), at('b', 5)], ['exact: at 5: b is there twice']],
    [
      'is broken by a position within a batch',
      9,
      [at('a', 6), at('c', 9)],
      ['atomic: it stands at 9, within what was stored together, 8 to 10'],
    ],
  ])('%s', (_title, version, items, expected) => expect(properties(brokenList({ name: 'l', version, items }, FACTS))).toEqual(expected));
});
