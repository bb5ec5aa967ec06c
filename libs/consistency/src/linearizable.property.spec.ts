import fc from 'fast-check';
import { ABSENT, after, linearizable, type Answered, type Asked, type ObjectState, type Operation } from './index.js';

/** A request of a random history: by whom, how long before and after the moment at which it takes effect, and what comes of it. */
interface Draft {
  readonly client: number;
  readonly verb: 'create' | 'update' | 'guarded' | 'delete' | 'get';
  readonly before: number;
  readonly behind: number;
  readonly lost: boolean;
  readonly never: boolean;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  client: fc.nat(5),
  verb: fc.constantFrom('create', 'update', 'update', 'guarded', 'guarded', 'delete', 'get', 'get', 'get'),
  before: fc.nat(40),
  behind: fc.nat(40),
  lost: fc.nat(9).map((n) => n === 0),
  never: fc.boolean(),
});

const there = ({ content }: ObjectState): boolean => content !== undefined;

function askedOf({ verb }: Draft, state: ObjectState, i: number): Asked {
  switch (verb) {
    case 'create':
      return { verb, content: `c${i}` };
    case 'update':
      return { verb, content: `c${i}` };
    case 'guarded':
      return { verb: 'update', content: `c${i}`, expected: i % 3 === 0 ? 1 : (state.version ?? 1) };
    default:
      return { verb };
  }
}

function answerTo(asked: Asked, state: ObjectState, version: number): Answered {
  const { content } = state;
  const outcome: Answered =
    asked.verb === 'get'
      ? { outcome: 'done', version: state.version ?? 0, content: content ?? '' }
      : asked.verb === 'delete'
        ? { outcome: 'done', content: content ?? '' }
        : { outcome: 'done', version };
  if (asked.verb === 'create') return there(state) ? { outcome: 'AlreadyExists' } : outcome;
  if (!there(state)) return { outcome: 'NotFound' };
  return asked.verb === 'update' && asked.expected !== undefined && asked.expected !== state.version ? { outcome: 'Conflict' } : outcome;
}

/** A history that one object can have: each operation takes effect at its own moment, ten apart. */
function historyOf(drafts: readonly Draft[]): Operation[] {
  let state = ABSENT;
  return drafts.map((one, i) => {
    const asked = askedOf(one, state, i);
    const answered = answerTo(asked, state, i + 1);
    const operation = { client: String(one.client), asked, answered, from: i * 10 - one.before, to: i * 10 + one.behind };
    if (one.lost && one.never) return { ...operation, answered: { outcome: 'unknown' } };
    state = after(state, operation) ?? state;
    return one.lost ? { ...operation, answered: { outcome: 'unknown' } } : operation;
  });
}

const history = fc.array(draft, { minLength: 3, maxLength: 60 }).map(historyOf);

/** The history with the content of one read replaced by what nobody wrote; undefined where nothing was read. */
function corrupted(operations: readonly Operation[], choice: number): readonly Operation[] | undefined {
  const reads = operations.flatMap(({ asked, answered }, i) => (asked.verb === 'get' && answered.outcome === 'done' ? [i] : []));
  const at = reads[choice % Math.max(reads.length, 1)];
  if (at === undefined) return undefined;
  return operations.map((one, i) => (i === at ? { ...one, answered: { outcome: 'done', version: 1, content: 'never written' } } : one));
}

/** The history with a read at its end of what was there before the last acknowledged update; undefined where there is none. */
function stale(operations: readonly Operation[]): readonly Operation[] | undefined {
  const last = operations.findLastIndex(({ asked, answered }) => asked.verb === 'update' && answered.outcome === 'done');
  const update = operations[last];
  const version = update?.answered.outcome === 'done' ? (update.answered.version ?? 0) - 1 : 0;
  const before = operations.find(
    ({ answered, asked }) => asked.verb !== 'get' && answered.outcome === 'done' && answered.version === version,
  );
  if (!update || !before || !('content' in before.asked)) return undefined;
  const end = Math.max(...operations.map(({ to }) => to)) + 1;
  const answered: Answered = { outcome: 'done', version, content: before.asked.content };
  return [...operations, { client: 'late', asked: { verb: 'get' }, answered, from: end, to: end + 1 }];
}

describe('random histories of one object', () => {
  it('hold where they were made one operation after the other', () =>
    fc.assert(
      fc.property(history, (operations) => {
        expect(linearizable(operations)).toEqual({ verdict: 'linearizable' });
      }),
      { seed: 1, numRuns: 300 },
    ));

  it('do not hold with a read of what nobody wrote', () =>
    fc.assert(
      fc.property(history, fc.nat(), (operations, choice) => {
        const wrong = corrupted(operations, choice);
        fc.pre(wrong !== undefined);
        expect(linearizable(wrong)).toMatchObject({ verdict: 'violated' });
      }),
      { seed: 2, numRuns: 200 },
    ));

  it('do not hold with a read at the end of what an acknowledged update had replaced', () =>
    fc.assert(
      fc.property(history, (operations) => {
        const wrong = stale(operations);
        fc.pre(wrong !== undefined);
        expect(linearizable(wrong)).toMatchObject({ verdict: 'violated' });
      }),
      { seed: 3, numRuns: 200 },
    ));
});
