import { EVENTS, NODECLAIMS, PODS } from '#libs/api';
import { StatusError, type Change } from '#libs/apimachinery';
import { transactionRefusal } from '#libs/registry';
import { carryOut, type Execution } from './carry-out.js';
import { runsOf } from './change-runs.js';

const create = (generateName: string): Change => ({
  verb: 'create',
  resource: PODS,
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { generateName, namespace: 'default' } },
});
const update = (name: string, subresource?: string): Change => ({
  verb: 'update',
  resource: PODS,
  ...(subresource === undefined ? {} : { subresource }),
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' } },
});
const remove = (name: string): Change => ({ verb: 'delete', resource: PODS, namespace: 'default', name });
const event = (name: string): Change => ({
  verb: 'create',
  resource: EVENTS,
  object: { apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default' } },
});

const shape = (changes: readonly Change[]) =>
  runsOf(changes).map((run) =>
    run.map((group) => group.map(({ lead, tellings }) => [lead?.index, ...tellings.map(({ index }) => `e${index}`)].join(' ')).join(' + ')),
  );

const alone = (one: Execution['one']): Execution => ({ one, together: () => Promise.reject(new Error('nothing is written together')) });

const written = (stream: 'state' | 'event', sequence: number) => Promise.resolve({ stream, sequence } as const);

describe('the changes of a decision', () => {
  it('of one kind to different objects are one run, each followed by what tells of it', () => {
    expect(shape([create('a-'), event('x'), create('a-'), event('y'), create('a-')])).toEqual([['0 e1', '2 e3', '4']]);
  });

  it('of different kinds, or to the same object, follow one another', () => {
    expect(shape([create('a-'), remove('a'), remove('b'), update('c'), update('c'), update('d', 'status')])).toEqual([
      ['0'],
      ['1', '2'],
      ['3'],
      ['4'],
      ['5'],
    ]);
  });

  it('report the newest sequence of each stream', async () => {
    let sequence = 0;
    const outcome = await carryOut(
      runsOf([create('a-'), event('x'), create('a-')]),
      alone(({ change }) => written(change.resource.resource === 'events' ? 'event' : 'state', ++sequence)),
      10,
      () => undefined,
    );
    expect(Object.fromEntries(outcome.reached)).toEqual({ state: 2, event: 3 });
  });

  it.each<[string, StatusError, object]>([
    ['a conflict is a race', new StatusError('Conflict', 'moved'), { raced: true, refusals: [] }],
    ['a name that is taken is a race', new StatusError('AlreadyExists', 'there'), { raced: true, refusals: [] }],
    ['a refusal is reported', new StatusError('Forbidden', 'no'), { raced: false, refusals: [{ reason: 'Forbidden', message: 'no' }] }],
  ])('stop after a run in which one failed, and nothing tells of that one: %s', async (_what, error, expected) => {
    const done: number[] = [];
    const outcome = await carryOut(
      runsOf([update('a'), event('x'), update('b'), event('y'), remove('c')]),
      alone(({ index }) => {
        if (index === 0) return Promise.reject(error);
        done.push(index);
        return written('state', 1);
      }),
      10,
      () => undefined,
    );
    expect(outcome).toMatchObject(expected);
    expect(done).toEqual([2, 3]);
  });

  it('that delete what is gone already have succeeded', async () => {
    const gone = alone(() => Promise.reject(new StatusError('NotFound', 'gone')));
    expect(await carryOut(runsOf([remove('a')]), gone, 1, () => undefined)).toMatchObject({
      raced: false,
      refusals: [],
      failure: undefined,
    });
  });

  it('go on where only a Kubernetes Event could not be written', async () => {
    const untold: string[] = [];
    const outcome = await carryOut(
      runsOf([update('a'), event('x'), remove('b')]),
      alone(({ change }) => (change.resource.resource === 'events' ? Promise.reject(new Error('full')) : written('state', 1))),
      1,
      (_change, error) => untold.push(String(error)),
    );
    expect(outcome).toMatchObject({ raced: false, failure: undefined });
    expect(untold).toEqual(['Error: full']);
  });

  it('are never more in flight than allowed', async () => {
    let flying = 0;
    let most = 0;
    await carryOut(
      runsOf(Array.from({ length: 50 }, () => create('a-'))),
      alone(async () => {
        most = Math.max(most, ++flying);
        await new Promise((resolve) => setImmediate(resolve));
        flying--;
        return undefined;
      }),
      8,
      () => undefined,
    );
    expect(most).toBe(8);
  });

  const bind = (name: string, node: string): Change => ({
    verb: 'create',
    resource: PODS,
    subresource: 'binding',
    object: { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace: 'default' } },
    basis: { resource: NODECLAIMS, name: node, resourceVersion: '7' },
  });

  it('with one basis are written together, whatever stands between them', () => {
    const changes = [bind('a', 'n1'), event('x'), bind('b', 'n2'), event('y'), bind('c', 'n1'), event('z'), update('d', 'status')];
    expect(shape(changes)).toEqual([['0 e1 + 4 e5', '2 e3'], ['6']]);
  });

  const refusal = (...refused: readonly (readonly [number, 'Conflict' | 'Forbidden' | 'NotFound'])[]): StatusError => {
    const [first, ...rest] = refused.map(([index, reason]) => ({ index, object: 'Pod', refusal: new StatusError(reason, `no ${index}`) }));
    if (!first) throw new Error('nothing is refused');
    return transactionRefusal([first, ...rest]);
  };

  it.each<[string, readonly (Error | undefined)[], readonly string[], object]>([
    ['all of them', [undefined], ['0 2 4'], { raced: false, refusals: [], failure: undefined }],
    [
      'without what is refused',
      [refusal([1, 'Forbidden']), undefined],
      ['0 2 4', '0 4'],
      { raced: false, refusals: [{ message: 'no 1' }] },
    ],
    ['without what others were faster with', [refusal([0, 'NotFound']), undefined], ['0 2 4', '2 4'], { raced: true, refusals: [] }],
    ['nothing where the basis has moved', [refusal([0, 'Conflict'], [1, 'Conflict'], [2, 'Conflict'])], ['0 2 4'], { raced: true }],
    ['nothing where the log is gone', [new Error('gone')], ['0 2 4'], { raced: false, refusals: [], failure: new Error('gone') }],
  ])('with one basis are written as one: %s', async (_what, answers, expected, outcome) => {
    const asked: string[] = [];
    const told: number[] = [];
    const execution: Execution = {
      one: ({ index }) => (told.push(index), written('event', 1)),
      together: (changes) => {
        const answer = answers[asked.push(changes.map(({ index }) => index).join(' ')) - 1];
        return answer ? Promise.reject(answer) : written('state', 9);
      },
    };
    const changes = [bind('a', 'n'), event('x'), bind('b', 'n'), event('y'), bind('c', 'n'), event('z')];
    expect(await carryOut(runsOf(changes), execution, 4, () => undefined)).toMatchObject(outcome);
    expect(asked).toEqual(expected);
    const last = answers.at(-1) === undefined ? (expected.at(-1) ?? '').split(' ') : [];
    expect(told.map((index) => String(index - 1))).toEqual(last);
  });
});
