import { LogUnavailable } from '#libs/log';
import { configMapWrite, eventLogContract, eventsOf } from '#libs/testing';
import { MemoryLog } from './memory-log.js';

eventLogContract('MemoryLog', async () => new MemoryLog());

describe('faults of the log in memory', () => {
  it('an unavailable log stores nothing', async () => {
    const log = new MemoryLog({ fault: () => 'unavailable' });
    await expect(log.append('state', [configMapWrite('one', 'a')])).rejects.toThrow(LogUnavailable);
    expect(await eventsOf(log)).toEqual([]);
  });

  it('a lost answer leaves the event stored', async () => {
    const log = new MemoryLog({ fault: () => 'lost-answer', now: () => 5 });
    await expect(log.append('state', [configMapWrite('one', 'a')])).rejects.toThrow(LogUnavailable);
    expect((await eventsOf(log)).map(({ time }) => time)).toEqual([5]);
  });
});
