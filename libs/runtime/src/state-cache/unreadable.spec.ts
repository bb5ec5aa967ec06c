import { CONFIGMAPS, DEFINITIONS } from '#libs/api';
import { EventUnreadable, ORIGIN, type ReadBatch, type ReadOptions, type Sequence, type StreamName } from '#libs/log';
import { MemoryLog } from '#libs/simulation';
import { appended, configMapWrite } from '#libs/testing';
import { Conditions } from '../conditions/index.js';
import { SILENT_LOGGER } from '../ports.js';
import { StateCache } from './state-cache.js';

/** A log of which one event can't be read, as long as that is so. */
class TornLog extends MemoryLog {
  torn: Sequence | undefined;

  override async *read(stream: StreamName, after: Sequence, options?: ReadOptions): AsyncGenerator<ReadBatch> {
    for await (const { events, through } of super.read(stream, after, options)) {
      const { torn } = this;
      if (stream !== 'state' || torn === undefined || torn <= after || torn > through) {
        yield { events, through };
        continue;
      }
      yield { events: events.filter(({ sequence }) => sequence < torn), through: torn - 1 };
      throw new EventUnreadable(stream, torn, 'its body is no object');
    }
  }
}

describe('a cache whose log holds an event that can not be read', () => {
  let stopping: AbortController;
  beforeEach(() => (stopping = new AbortController()));
  afterEach(() => stopping.abort());

  const start = (log: TornLog, conditions?: Conditions): Promise<StateCache> =>
    StateCache.start({
      log,
      snapshots: { snapshot: () => Promise.resolve({ position: ORIGIN, rows: [] }) },
      definitions: DEFINITIONS,
      logger: SILENT_LOGGER,
      signal: stopping.signal,
      ...(conditions === undefined ? {} : { conditions }),
    });
  const write = (log: TornLog, name: string): Promise<unknown> => appended(log, 'state', [configMapWrite('test', name)]);
  const changed = (conditions: Conditions): Promise<string> =>
    new Promise((resolve) => {
      const stop = conditions.onChange(({ name, state, reason, message }) => {
        stop();
        resolve(`${name} ${state} ${reason} ${message}`);
      });
    });

  it('refuses to start', async () => {
    const log = new TornLog();
    await write(log, 'a');
    log.torn = 1;
    await expect(start(log)).rejects.toThrow(EventUnreadable);
  });

  it('stands before it, names it, and goes on when it can be read', async () => {
    const log = new TornLog();
    const conditions = new Conditions(() => 0);
    const cache = await start(log, conditions);
    const wrong = changed(conditions);
    log.torn = 2;
    await write(log, 'a');
    await write(log, 'b');
    await write(log, 'c');
    expect(await wrong).toBe(
      "following-state failed Unreadable nothing of state after 1 is known here: state:2 can't be read: its body is no object",
    );
    expect(cache.position.state).toBe(1);
    expect(cache.entries(CONFIGMAPS).map(({ name }) => name)).toEqual(['a']);
    const right = changed(conditions);
    log.torn = undefined;
    await cache.reached('state', 3);
    expect(await right).toBe('following-state ok AsExpected ');
    expect(cache.entries(CONFIGMAPS).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});
