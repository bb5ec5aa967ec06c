import { afterRefused, afterStored, NO_WRITES, type LogWrites } from './log-writes.js';

type Step = number | 'NoSpace' | 'NoAnswer' | 'Other';

const after = (steps: readonly Step[]): LogWrites =>
  steps.reduce<LogWrites>(
    (writes, step) => (typeof step === 'number' ? afterStored(writes, step) : afterRefused(writes, step, 'why')),
    NO_WRITES,
  );
const times = (count: number, step: Step): readonly Step[] => Array.from({ length: count }, () => step);

describe('the writes of a log', () => {
  it.each<[string, readonly Step[], string]>([
    ['are as expected before there are any', [], 'AsExpected'],
    ['are as expected while they are stored quickly', [3, 8, 2], 'AsExpected'],
    ['are not called slow for one that took long', [3, 3, 2_000], 'AsExpected'],
    ['are slow when they take long for a while', [3, ...times(10, 800)], 'Slow'],
    ['are slow until they are well below the limit', [...times(10, 800), ...times(3, 400)], 'Slow'],
    ['are as expected once they are well below the limit', [...times(10, 800), ...times(20, 10)], 'AsExpected'],
    ['have no room as soon as the server says so', [3, 'NoSpace'], 'NoSpace'],
    ['have room again once one is stored', [3, 'NoSpace', 'NoSpace', 3], 'AsExpected'],
    ['have no room, whatever else is not answered', ['NoSpace', 'NoAnswer', 'NoAnswer', 'NoAnswer'], 'NoSpace'],
    ['may lose one answer', [3, 'NoAnswer'], 'AsExpected'],
    ['may lose one answer now and then', [3, 'NoAnswer', 3, 'NoAnswer'], 'AsExpected'],
    ['are not stored where nothing is answered again and again', [3, 'NoAnswer', 'NoAnswer'], 'NotStored'],
    ['are stored again once one is answered', ['NoAnswer', 'NoAnswer', 3], 'AsExpected'],
    ['are no worse for a refusal of another kind', [3, 'Other', 'Other', 'Other'], 'AsExpected'],
  ])('%s', (_title, steps, reason) => {
    expect(after(steps).report.reason).toBe(reason);
  });
});
