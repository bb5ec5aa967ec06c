import { EVENTS, PODS } from '#libs/api';
import { StatusError, type Change } from '#libs/apimachinery';
import { carryOut } from './carry-out.js';
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
  runsOf(changes).map((run) => run.map(({ lead, tellings }) => [lead?.index, ...tellings.map(({ index }) => `e${index}`)].join(' ')));

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
      ({ change }) => written(change.resource.resource === 'events' ? 'event' : 'state', ++sequence),
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
      ({ index }) => {
        if (index === 0) return Promise.reject(error);
        done.push(index);
        return written('state', 1);
      },
      10,
      () => undefined,
    );
    expect(outcome).toMatchObject(expected);
    expect(done).toEqual([2, 3]);
  });

  it('that delete what is gone already have succeeded', async () => {
    const gone = () => Promise.reject(new StatusError('NotFound', 'gone'));
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
      ({ change }) => (change.resource.resource === 'events' ? Promise.reject(new Error('full')) : written('state', 1)),
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
      async () => {
        most = Math.max(most, ++flying);
        await new Promise((resolve) => setImmediate(resolve));
        flying--;
        return undefined;
      },
      8,
      () => undefined,
    );
    expect(most).toBe(8);
  });
});
