import { MetricsRegistry } from '#libs/process';
import { QueueMetrics } from './queue-metrics.js';
import { WorkQueue } from './work-queue.js';

describe('the metrics of a queue', () => {
  const registry = new MetricsRegistry();
  let time = 0;
  const meter = new QueueMetrics(registry, 'copier', () => time);
  const queue = new WorkQueue<number>({
    timers: { after: () => () => undefined },
    now: () => time,
    merge: (_earlier, later) => later,
    onReady: () => undefined,
    meter,
  });
  const value = (name: string): number | undefined => registry.families().find((family) => family.name === name)?.series[0]?.value;

  it('count each key once while it waits, how long it waited and how long it was worked on', () => {
    for (const key of ['a', 'a', 'b']) queue.add(key, 0);
    expect([value('workqueue_adds_total'), value('workqueue_depth')]).toEqual([2, 2]);
    time = 500;
    queue.take();
    time = 2_000;
    expect(value('workqueue_depth')).toBe(1);
    expect(value('workqueue_queue_duration_seconds')).toBe(0.5);
    expect(value('workqueue_unfinished_work_seconds')).toBe(1.5);
    queue.take();
    time = 3_000;
    expect(value('workqueue_unfinished_work_seconds')).toBe(3.5);
    expect(value('workqueue_longest_running_processor_seconds')).toBe(2.5);
  });

  it('count a key that came while it was worked on when it is due again, and what is to be tried again', () => {
    queue.add('a', 1);
    expect(value('workqueue_adds_total')).toBe(2);
    queue.done('a');
    expect([value('workqueue_adds_total'), value('workqueue_work_duration_seconds')]).toEqual([3, 2.5]);
    queue.addWithBackoff('b', 1);
    expect(value('workqueue_retries_total')).toBe(1);
  });

  it('count no key that is another’s to work on now', () => {
    queue.add('c', 1);
    const waiting = value('workqueue_depth');
    queue.drop((key) => key === 'c');
    expect(value('workqueue_depth')).toBe((waiting ?? 0) - 1);
  });

  it('say no more of a queue that is closed', () => {
    meter.close();
    expect(value('workqueue_depth')).toBeUndefined();
  });
});
