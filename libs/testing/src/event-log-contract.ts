import type { AppendWrite, EventLog, ReadBatch, Recorded, Sequence } from '#libs/log';
import { formatBefore, SequenceOutOfRange, subjectFilter, subjectOf } from '#libs/log';
import { appended, configMapWrite, eventsOf, metaOf } from './events.js';

/** Makes an empty log of a cluster; called once for each test. What it opens besides the log, the caller closes. */
export type MakeLog = (cluster: string) => Promise<EventLog>;

/** Each test has one of its own: nothing has to be removed between them. */
let cluster = '';
let clusters = 0;
const write = (name: string, expected?: Sequence, value?: string): AppendWrite => configMapWrite(cluster, name, expected, value);
const subject = (name: string): string => write(name).subject;
const bodyOf = (event: Recorded | undefined): unknown => event && JSON.parse(new TextDecoder().decode(event.body));

/** Collects what a reader yields until `enough`. */
async function collect(
  batches: AsyncIterable<ReadBatch>,
  enough: (events: readonly Recorded[], through: Sequence) => boolean,
): Promise<Recorded[]> {
  const events: Recorded[] = [];
  for await (const batch of batches) {
    events.push(...batch.events);
    if (enough(events, batch.through)) break;
  }
  return events;
}

/** One specification of EventLog, run against every implementation, so that the one in memory can't lie. */
export function eventLogContract(name: string, makeLog: MakeLog): void {
  describe(`${name} as an event log`, () => {
    let log: EventLog;
    beforeEach(async () => {
      cluster = `cluster-${++clusters}`;
      log = await makeLog(cluster);
    });
    afterEach(() => log.close());

    appends(() => log);
    guards(() => log);
    reads(() => log);
  });
}

function appends(log: () => EventLog): void {
  it('is empty at first, in every stream', async () => {
    expect([await log().last('state'), await log().last('lease'), await log().last('event')]).toEqual([0, 0, 0]);
    expect(await log().lastOf('state', subject('a'))).toBeUndefined();
    expect(await eventsOf(log())).toEqual([]);
  });

  it('numbers events from 1 and gives them back as they were written', async () => {
    const first = write('a', 0, 'ä "quoted" \u0000 😀');
    expect(await appended(log(), 'state', [first])).toEqual([1]);
    expect(await appended(log(), 'state', [write('b')])).toEqual([2]);
    const [event] = await eventsOf(log());
    expect(event).toMatchObject({ stream: 'state', sequence: 1, subject: subject('a') });
    expect(event?.meta).toEqual(first.meta);
    expect(bodyOf(event)).toEqual(bodyOf({ body: first.body } as Recorded));
    expect(await log().last('state')).toBe(2);
  });

  it('keeps the whole of an event: who, why, and how it was decided', async () => {
    const meta = metaOf({
      type: 'Deleted',
      subresource: 'status',
      actor: { user: 'ä\r\nDl-Type: x', uid: 'u', groups: ['a,b', 'c'], impersonator: 'root' },
      agent: 'kubectl/v1.36.0 (linux/amd64) 100%',
      sourceAddress: '::1',
      fieldManager: 'm',
      requestId: 'r',
      root: 'state:1',
      cause: 'lease:9',
      decision: { controller: 'c', build: 'b', key: 'ns/n', seen: { state: 1, lease: 2, event: 3 }, decidedAt: 5, index: 0 },
    });
    await appended(log(), 'state', [{ ...write('a'), meta }]);
    expect((await log().lastOf('state', subject('a')))?.meta).toEqual(meta);
    expect((await eventsOf(log()))[0]?.meta).toEqual(meta);
  });

  it('refuses a write whose subject moved, names it, and stores nothing', async () => {
    await appended(log(), 'state', [write('a')]);
    const result = await log().append('state', [write('b'), write('a', 7), write('c', 3)]);
    expect(result).toEqual({
      moved: expect.arrayContaining([
        { subject: subject('a'), expected: 7, actual: 1 },
        { subject: subject('c'), expected: 3, actual: 0 },
      ]),
    });
    expect(await log().lastOf('state', subject('b'))).toBeUndefined();
    expect(await log().last('state')).toBe(1);
    expect(await log().append('state', [write('a')])).toEqual({ moved: [{ subject: subject('a'), expected: 0, actual: 1 }] });
  });

  it('stores the writes of one append together, in order, and says that they belong together', async () => {
    const sequences = await appended(log(), 'state', [write('a'), write('b'), write('c')]);
    expect(sequences).toEqual([sequences[0], (sequences[0] ?? 0) + 1, (sequences[0] ?? 0) + 2]);
    const events = await eventsOf(log());
    expect(events.map((event) => event.subject)).toEqual([subject('a'), subject('b'), subject('c')]);
    expect(new Set(events.map(({ meta }) => meta.batch?.id)).size).toBe(1);
    expect(events[0]?.meta.batch?.size).toBeGreaterThanOrEqual(3);
  });

  it('knows by distance what is stored together, whatever is stored beside it', async () => {
    const leads = async (name: string, guarded: boolean): Promise<void> => {
      const [one, two, three] = [write(name), write(`${name}-2`), write(`${name}-3`)];
      const meta = { ...two.meta, root: formatBefore(1), cause: formatBefore(1) };
      const last = { ...three.meta, root: formatBefore(2), cause: formatBefore(1) };
      const guards = guarded ? [{ subject: subject('none'), expected: 0 }] : [];
      const sequences = await appended(log(), 'state', [one, { ...two, meta }, { ...three, meta: last }], guards);
      expect(sequences).toEqual([0, 1, 2].map((i) => (sequences[0] ?? 0) + i));
    };
    await Promise.all(Array.from({ length: 30 }, (_, i) => leads(`n${i}`, i % 3 === 0)));
    const events = new Map((await eventsOf(log())).map((event) => [event.subject, event]));
    for (let i = 0; i < 30; i++) {
      const [first, second, third] = ['', '-2', '-3'].map((end) => events.get(subject(`n${i}${end}`)));
      const root = `state:${first?.sequence ?? 0}`;
      expect(first?.meta).not.toHaveProperty('root');
      expect(second?.meta).toMatchObject({ root, cause: root });
      expect(third?.meta).toMatchObject({ root, cause: `state:${second?.sequence ?? 0}` });
      expect((await log().lastOf('state', subject(`n${i}-3`)))?.meta.root).toBe(root);
    }
  });

  it('lets one of many writers of the same subject win, each time', async () => {
    const racers = Array.from({ length: 40 }, (_, i) => log().append('state', [write(`n${i % 4}`, 0, String(i))]));
    const results = await Promise.all(racers);
    expect(results.filter((result) => 'sequences' in result)).toHaveLength(4);
    const events = await eventsOf(log());
    expect(events.map((event) => event.subject).sort()).toEqual([0, 1, 2, 3].map((n) => subject(`n${n}`)));
    for (const [i, result] of results.entries()) {
      const event = events.find((candidate) => candidate.subject === subject(`n${i % 4}`));
      if ('sequences' in result) expect(bodyOf(event)).toMatchObject({ data: { value: String(i) } });
      else expect(result.moved).toEqual([{ subject: subject(`n${i % 4}`), expected: 0, actual: event?.sequence }]);
    }
  });

  it('gives each of many concurrent writes its own sequence, whatever conflicts beside it', async () => {
    await appended(log(), 'state', [write('taken')]);
    const results = await Promise.all(
      Array.from({ length: 600 }, (_, i) =>
        log().append('state', [i % 20 === 0 ? { ...write('taken'), expected: 2 + i } : write(`n${i}`)]),
      ),
    );
    expect(results.filter((result) => 'moved' in result)).toHaveLength(30);
    const bySequence = new Map((await eventsOf(log())).map((event) => [event.sequence, event.subject]));
    for (const [i, result] of results.entries()) {
      if ('sequences' in result) expect(bySequence.get(result.sequences[0] ?? 0)).toBe(subject(`n${i}`));
    }
    expect(bySequence.size).toBe(571);
  });

  it('keeps the streams apart', async () => {
    const lease: AppendWrite = {
      ...write('x'),
      subject: subjectOf(cluster, 'lease', { group: 'coordination.k8s.io', resource: 'leases' }, 'kube-node-lease', 'n1'),
    };
    await appended(log(), 'state', [write('a')]);
    expect(await appended(log(), 'lease', [lease])).toEqual([1]);
    expect(await log().last('event')).toBe(0);
    expect((await log().lastOf('lease', lease.subject))?.stream).toBe('lease');
  });

  it('refuses an append that writes one subject twice', async () => {
    await expect(log().append('state', [write('a'), write('a', 1)])).rejects.toThrow(RangeError);
  });
}

function guards(log: () => EventLog): void {
  it('stores nothing when a guarded subject has moved', async () => {
    await appended(log(), 'state', [write('fence')]);
    const result = await log().append('state', [write('a')], [{ subject: subject('fence'), expected: 9 }]);
    expect(result).toEqual({ moved: [{ subject: subject('fence'), expected: 9, actual: 1 }] });
    expect(await eventsOf(log())).toHaveLength(1);
  });

  it('stores the writes when no guarded subject has moved, and a guard is no event', async () => {
    await appended(log(), 'state', [write('fence')]);
    const guard = { subject: subject('fence'), expected: 1 };
    const none = { subject: subject('none'), expected: 0 };
    const [sequence] = await appended(log(), 'state', [write('a'), write('b')], [guard, guard, none]);
    expect((await eventsOf(log())).map((event) => event.subject)).toEqual([subject('fence'), subject('a'), subject('b')]);
    expect((await log().lastOf('state', subject('fence')))?.sequence).toBe(1);
    expect((await log().lastOf('state', subject('a')))?.sequence).toBe(sequence);
    expect(await log().last('state')).toBe((sequence ?? 0) + 1);
  });

  it('lets many writers share a guard, and a write to the guarded subject shuts out those that come after', async () => {
    await appended(log(), 'state', [write('fence')]);
    const guard = { subject: subject('fence'), expected: 1 };
    const guarded = Array.from({ length: 50 }, (_, i) => log().append('state', [write(`n${i}`)], [guard]));
    for (const result of await Promise.all(guarded)) expect(result).toHaveProperty('sequences');
    const [moved] = await appended(log(), 'state', [write('fence', 1, 'y')]);
    const late = await Promise.all(Array.from({ length: 5 }, (_, i) => log().append('state', [write(`late${i}`)], [guard])));
    for (const result of late) expect(result).toEqual({ moved: [{ ...guard, actual: moved }] });
  });

  it("a reader's position passes the sequences that guards take", async () => {
    await appended(log(), 'state', [write('a')], [{ subject: subject('none'), expected: 0 }]);
    const last = await log().last('state');
    let through = 0;
    for await (const batch of log().read('state', 0, { until: last })) {
      expect(batch.through).toBeGreaterThan(through);
      through = batch.through;
    }
    expect(through).toBe(last);
  });

  it('an append without writes stores nothing', async () => {
    expect(await log().append('state', [])).toEqual({ sequences: [] });
    expect(await log().last('state')).toBe(0);
  });
}

function reads(log: () => EventLog): void {
  it('gives the digests of events where they are asked for, the same at every reading, and of no two events the same', async () => {
    await appended(log(), 'state', [write('a'), write('b')]);
    await appended(log(), 'state', [write('a', 1, 'y')]);
    const digests = async (): Promise<readonly string[]> => {
      const options = { until: await log().last('state'), digests: true };
      const events = await collect(log().read('state', 0, options), (_, through) => through >= options.until);
      return events.map(({ digest }) => Buffer.from(digest ?? []).toString('hex'));
    };
    const first = await digests();
    expect(first.map(({ length }) => length)).toEqual([64, 64, 64]);
    expect(new Set(first).size).toBe(3);
    expect(await digests()).toEqual(first);
    expect((await eventsOf(log())).every((event) => !('digest' in event))).toBe(true);
  });

  it('reads from any sequence, and goes on with what is appended later', async () => {
    for (const name of ['a', 'b', 'c']) await appended(log(), 'state', [write(name)]);
    const reading = collect(log().read('state', 1), (events) => events.length === 4);
    await appended(log(), 'state', [write('d')]);
    await appended(log(), 'state', [write('a', 1, 'y')]);
    expect((await reading).map((event) => event.sequence)).toEqual([2, 3, 4, 5]);
  });

  it('ends at `until`, without waiting for more', async () => {
    for (const name of ['a', 'b', 'c']) await appended(log(), 'state', [write(name)]);
    expect((await eventsOf(log(), 'state', 2)).map((event) => event.sequence)).toEqual([1, 2]);
    const nothing = await collect(log().read('state', 3, { until: 3 }), () => false);
    expect(nothing).toEqual([]);
  });

  it('reads chosen subjects alone, and still says how far it got', async () => {
    for (const name of ['a', 'b', 'c']) await appended(log(), 'state', [write(name)]);
    const other = { ...write('p'), subject: subjectOf(cluster, 'state', { group: '', resource: 'pods' }, 'default', 'p') };
    await appended(log(), 'state', [other]);
    const pods = subjectFilter(cluster, 'state', { group: '', resource: 'pods' });
    const read = async (subjects: string[], until: number): Promise<[number[], number]> => {
      const sequences: number[] = [];
      let through = 0;
      for await (const batch of log().read('state', 0, { subjects, until })) {
        sequences.push(...batch.events.map(({ sequence }) => sequence));
        through = batch.through;
      }
      return [sequences, through];
    };
    expect(await read([pods], 4)).toEqual([[4], 4]);
    expect(await read([pods], 3)).toEqual([[], 3]);
    expect(await read([subject('a'), subject('c')], 4)).toEqual([[1, 3], 4]);
  });

  it('refuses to read after a sequence that the stream has not reached', async () => {
    await appended(log(), 'state', [write('a')]);
    await expect(collect(log().read('state', 5), () => true)).rejects.toThrow(SequenceOutOfRange);
  });

  it('many readers each get everything once and in order, while it is written', async () => {
    const count = 300;
    const readers = [1, 2, 3].map(() => collect(log().read('state', 0), (events) => events.length === count));
    await Promise.all(Array.from({ length: count }, (_, i) => appended(log(), 'state', [write(`n${i}`)])));
    for (const events of await Promise.all(readers)) {
      const sequences = events.map(({ sequence }) => sequence);
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
      expect(new Set(events.map((event) => event.subject)).size).toBe(count);
    }
  });

  it('stops when its signal aborts, also while it waits', async () => {
    const stop = new AbortController();
    const reading = collect(log().read('state', 0, { signal: stop.signal }), () => false);
    await appended(log(), 'state', [write('a')]);
    stop.abort();
    expect((await reading).length).toBeLessThanOrEqual(1);
  });

  it('stops when the log closes', async () => {
    const reading = collect(log().read('state', 0), () => false);
    await log().close();
    expect(await reading).toEqual([]);
  });

  it('stamps events with the time they were stored at, which never goes back', async () => {
    for (const name of ['a', 'b', 'c']) await appended(log(), 'state', [write(name)]);
    const times = (await eventsOf(log())).map((event) => event.time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
}
