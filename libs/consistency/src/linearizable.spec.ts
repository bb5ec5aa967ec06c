import { linearizable, type Answered, type Asked, type Operation } from './index.js';

/** An operation as a row: client, from, to, what was asked, what came back. */
type Row = readonly [client: string, from: number, to: number, asked: Asked, answered: Answered];

const operation = ([client, from, to, asked, answered]: Row): Operation => ({ client, from, to, asked, answered });
const create = (content: string): Asked => ({ verb: 'create', content });
const update = (content: string, expected?: number): Asked => ({
  verb: 'update',
  content,
  ...(expected === undefined ? {} : { expected }),
});
const del = (expected?: number): Asked => ({ verb: 'delete', ...(expected === undefined ? {} : { expected }) });
const get: Asked = { verb: 'get' };
const done = (version?: number, content?: string): Answered => ({
  outcome: 'done',
  ...(version === undefined ? {} : { version }),
  ...(content === undefined ? {} : { content }),
});
const refused = (outcome: 'NotFound' | 'AlreadyExists' | 'Conflict'): Answered => ({ outcome });
const unknown: Answered = { outcome: 'unknown' };

const RIGHT: readonly (readonly [string, readonly Row[]])[] = [
  ['nothing', []],
  [
    'one after the other',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), done(2)],
      ['b', 4, 5, get, done(2, 'y')],
      ['b', 6, 7, del(), done(undefined, 'y')],
      ['a', 8, 9, get, refused('NotFound')],
    ],
  ],
  [
    'a read beside a write that has it, and one that does not have it yet',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 9, update('y', 1), done(2)],
      ['b', 3, 4, get, done(1, 'x')],
      ['c', 5, 6, get, done(2, 'y')],
    ],
  ],
  [
    'two writers of whom one is refused',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 5, update('y', 1), done(2)],
      ['b', 2, 5, update('z', 1), refused('Conflict')],
    ],
  ],
  [
    'a write without an answer that happened late',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), unknown],
      ['b', 4, 5, get, done(1, 'x')],
      ['b', 6, 7, get, done(2, 'y')],
    ],
  ],
  [
    'a write without an answer that never happened',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), unknown],
      ['b', 4, 5, update('z', 1), done(2)],
      ['b', 6, 7, get, done(2, 'z')],
    ],
  ],
  [
    'a creation without an answer, met by another',
    [
      ['a', 0, 1, create('x'), unknown],
      ['b', 2, 3, create('y'), refused('AlreadyExists')],
      ['b', 4, 5, get, done(7, 'x')],
      ['b', 6, 7, update('z', 7), done(9)],
    ],
  ],
  [
    'a patch that lost to others without end',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y'), refused('Conflict')],
    ],
  ],
  [
    'a deletion without an answer, and a new object of the name',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, del(), unknown],
      ['b', 4, 5, create('y'), done(3)],
      ['b', 6, 7, get, done(3, 'y')],
    ],
  ],
];

const WRONG: readonly (readonly [string, readonly Row[]])[] = [
  [
    'a lost update: two writers were told that they replaced the same',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 5, update('y', 1), done(2)],
      ['b', 2, 5, update('z', 1), done(3)],
    ],
  ],
  [
    'a stale read',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), done(2)],
      ['b', 4, 5, get, done(1, 'x')],
    ],
  ],
  [
    'a read that goes back behind another',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 9, update('y', 1), done(2)],
      ['b', 3, 4, get, done(2, 'y')],
      ['c', 5, 6, get, done(1, 'x')],
    ],
  ],
  [
    'a read of what nobody wrote',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['b', 2, 3, get, done(1, 'w')],
    ],
  ],
  [
    'an acknowledged write that is gone',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['b', 2, 3, get, refused('NotFound')],
    ],
  ],
  [
    'an acknowledged update that is gone',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), done(2)],
      ['b', 4, 5, update('z', 1), done(3)],
    ],
  ],
  [
    'a deleted object that comes back',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, del(), done()],
      ['b', 4, 5, get, done(1, 'x')],
    ],
  ],
  [
    'a write without an answer that happened twice',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y'), unknown],
      ['b', 4, 5, get, done(2, 'y')],
      ['b', 6, 7, update('z', 2), done(3)],
      ['b', 8, 9, get, done(4, 'y')],
    ],
  ],
  [
    'a write without an answer that happened, and then had not',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), unknown],
      ['b', 4, 5, get, done(2, 'y')],
      ['b', 6, 7, get, done(1, 'x')],
    ],
  ],
  [
    'two creations of one name',
    [
      ['a', 0, 5, create('x'), done(1)],
      ['b', 0, 5, create('y'), done(2)],
    ],
  ],
  [
    'a conflict where nobody else wrote',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), refused('Conflict')],
    ],
  ],
  ['a name that is taken though nobody made it', [['a', 0, 1, create('x'), refused('AlreadyExists')]]],
  [
    'a resourceVersion that does not rise',
    [
      ['a', 0, 1, create('x'), done(5)],
      ['a', 2, 3, update('y', 5), done(4)],
    ],
  ],
  [
    'an update that happened before it was asked for',
    [
      ['a', 0, 1, create('x'), done(1)],
      ['b', 2, 3, get, done(2, 'y')],
      ['a', 4, 5, update('y', 1), done(2)],
    ],
  ],
];

describe('a history of one object', () => {
  it.each(RIGHT)('holds: %s', (_title, rows) => expect(linearizable(rows.map(operation))).toEqual({ verdict: 'linearizable' }));

  it.each(WRONG)('does not hold: %s', (_title, rows) => expect(linearizable(rows.map(operation))).toMatchObject({ verdict: 'violated' }));

  it('that is wrong says how far it can be explained, and where not', () => {
    const rows: readonly Row[] = [
      ['a', 0, 1, create('x'), done(1)],
      ['a', 2, 3, update('y', 1), done(2)],
      ['b', 4, 5, get, done(1, 'x')],
    ];
    const [first, second, third] = rows.map(operation);
    expect(linearizable(rows.map(operation))).toEqual({ verdict: 'violated', explained: [first, second], stuckAt: [third] });
  });

  it('that is too much to search is undecided, which is no yes', () => {
    const rows = Array.from({ length: 12 }, (_, i): Row => [`c${i}`, 0, 100, create(`x${i}`), refused('AlreadyExists')]);
    expect(linearizable(rows.map(operation), 5)).toEqual({ verdict: 'undecided', steps: 5 });
  });

  it('of thousands of operations, many at once and some without an answer, is decided', () => {
    const operations: Operation[] = [];
    for (let i = 0; i < 3_000; i++) {
      operations.push(operation([`a${i % 8}`, i * 10, i * 10 + 25, i === 0 ? create('0') : update(String(i)), done(i + 1)]));
      if (i % 50 === 49) operations.push(operation(['u', i * 10 + 1, i * 10 + 2, update(`never ${i}`, 1), unknown]));
      if (i % 3 === 2) operations.push(operation(['r', i * 10 + 30, i * 10 + 31, get, done(i + 1, String(i))]));
    }
    expect(linearizable(operations)).toEqual({ verdict: 'linearizable' });
  });
});
