import fc from 'fast-check';
import type { EventType, Recorded } from '#libs/log';
import { encodeObject, joinSealed, subjectOf } from '#libs/log';
import { metaOf } from '#libs/testing';
import { foldTables, NO_ROWS, projectBatch, projectEvent } from './index.js';

const event = (sequence: number, name: string, type: EventType = 'Updated', labels?: Record<string, string>): Recorded => ({
  stream: 'state',
  sequence,
  subject: subjectOf('one', 'state', { group: 'apps', resource: 'deployments' }, 'default', name),
  time: sequence * 10,
  meta: metaOf({ type }),
  body: encodeObject({
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name, namespace: 'default', uid: `u-${name}`, ...(labels ? { labels } : {}) },
  }),
});

const history = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<EventType>('Created', 'Updated', 'Deleted')))
  .map((steps) => steps.map(([name, type], i) => event(i + 1, name, type)));

describe('the rows of an event', () => {
  it('are the revision, whole, and the object as it stands after it', () => {
    const { revision, object } = projectEvent(event(7, 'web', 'Created', { app: 'web' }));
    expect(revision).toMatchObject({
      stream: 'state',
      sequence: 7,
      group: 'apps',
      resource: 'deployments',
      namespace: 'default',
      name: 'web',
      type: 'Created',
      time: 70,
    });
    expect(revision.meta.actor.user).toBe('tester');
    expect(object).toMatchObject({ sequence: 7, uid: 'u-web', labels: { app: 'web' }, deleted: false, encoding: 'json' });
  });

  it('of a deletion leave a tombstone', () => {
    expect(projectEvent(event(8, 'web', 'Deleted')).object).toMatchObject({ sequence: 8, deleted: true });
  });

  it('of a sealed Secret hold the body as it is in the log, its uid, and no labels', () => {
    const body = joinSealed({ uid: 'u9', nonce: new Uint8Array(12), text: new Uint8Array(20) });
    const subject = subjectOf('one', 'state', { group: '', resource: 'secrets' }, 'default', 's');
    const { object } = projectEvent({ ...event(1, 's'), subject, body, meta: metaOf({ encoding: 'aes256gcm' }) });
    expect(object).toMatchObject({ uid: 'u9', labels: undefined, encoding: 'aes256gcm', body });
  });

  it('do not exist for a subject that is no object: the projection stops', () => {
    expect(() => projectEvent({ ...event(3, 'a'), subject: 'decklog.one.state.guard.core.nodes._.n1' })).toThrow('state:3');
  });
});

describe('the tables', () => {
  it('hold every revision, and of each object the newest', () => {
    const tables = foldTables(NO_ROWS, [event(1, 'a', 'Created'), event(2, 'b', 'Created'), event(3, 'a', 'Deleted')]);
    expect([...tables.revisions.keys()]).toEqual(['state:1', 'state:2', 'state:3']);
    expect(
      [...tables.objects.values()]
        .toSorted((x, y) => x.sequence - y.sequence)
        .map(({ name, sequence, deleted }) => [name, sequence, deleted]),
    ).toEqual([
      ['b', 2, false],
      ['a', 3, true],
    ]);
  });

  it('only the newest event of an object within a batch touches its row', () => {
    expect(projectBatch([event(1, 'a'), event(2, 'b'), event(3, 'a')]).map(({ newest }) => newest)).toEqual([false, true, true]);
  });

  it('are the same however the events are cut into batches, and redelivery of any part changes nothing', () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.nat(), (events, one, two) => {
        const [from, to] = [Math.min(one, two) % (events.length + 1), Math.max(one, two) % (events.length + 1)];
        const whole = foldTables(NO_ROWS, events);
        const cut = foldTables(foldTables(NO_ROWS, events.slice(0, to)), events.slice(Math.min(from, to)));
        expect(cut).toEqual(whole);
        expect(foldTables(whole, events.slice(0, to))).toEqual(whole);
      }),
    );
  });
});
