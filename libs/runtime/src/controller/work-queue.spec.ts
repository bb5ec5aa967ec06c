import { WorkQueue } from './work-queue.js';
import type { Timers } from './timers.js';

class ManualTimers implements Timers {
  time = 0;
  private readonly waiting = new Set<{ at: number; run: () => void }>();

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.time + delayMs, run };
    this.waiting.add(timer);
    return () => this.waiting.delete(timer);
  }

  pass(ms: number): void {
    this.time += ms;
    for (const timer of [...this.waiting]) {
      if (timer.at > this.time || !this.waiting.delete(timer)) continue;
      timer.run();
    }
  }

  get size(): number {
    return this.waiting.size;
  }
}

const setUp = () => {
  const timers = new ManualTimers();
  let woken = 0;
  const queue = new WorkQueue<string>({
    timers,
    now: () => timers.time,
    backoff: { firstMs: 10, mostMs: 35 },
    merge: (earlier, later) => `${earlier}+${later}`,
    onReady: () => woken++,
  });
  const taken = (): string[] => {
    const keys: string[] = [];
    for (let item = queue.take(); item; item = queue.take()) keys.push(`${item.key}:${item.wake}`);
    return keys;
  };
  return { timers, queue, taken, woken: () => woken };
};

describe('a work queue', () => {
  it('hands out each key once, in the order in which they came, with what woke it merged', () => {
    const { queue, taken, woken } = setUp();
    queue.add('a', '1');
    queue.add('b', '2');
    queue.add('a', '3');
    expect(woken()).toBe(2);
    expect(taken()).toEqual(['a:1+3', 'b:2']);
  });

  it('keeps a key that is being worked on until it is done', () => {
    const { queue, taken } = setUp();
    queue.add('a', '1');
    expect(taken()).toEqual(['a:1']);
    queue.add('a', '2');
    expect(taken()).toEqual([]);
    expect(queue.idle).toBe(false);
    queue.done('a');
    expect(taken()).toEqual(['a:2']);
    queue.done('a');
    expect(queue.idle).toBe(true);
  });

  it('adds a key later, at the earlier of two times, and once', () => {
    const { queue, timers, taken } = setUp();
    queue.addAfter('a', 100, 'late');
    queue.addAfter('a', 50, 'early');
    queue.addAfter('a', 80, 'between');
    expect(timers.size).toBe(1);
    timers.pass(49);
    expect(taken()).toEqual([]);
    timers.pass(1);
    expect(taken()).toEqual(['a:early']);
    timers.pass(1000);
    expect(taken()).toEqual([]);
  });

  it('doubles the wait of a key that goes on failing, up to a bound, until it succeeds', () => {
    const { queue, timers, taken } = setUp();
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      queue.addWithBackoff('a', 'x');
      let waited = 0;
      while (taken().length === 0) {
        timers.pass(5);
        waited += 5;
      }
      queue.done('a');
      waits.push(waited);
    }
    expect(waits).toEqual([10, 20, 35, 35, 35]);
    queue.forget('a');
    expect(queue.failuresOf('a')).toBe(0);
  });

  it('forgets everything when it is closed', () => {
    const { queue, timers, taken } = setUp();
    queue.add('a', '1');
    queue.addAfter('b', 10, '1');
    queue.close();
    queue.add('c', '1');
    timers.pass(100);
    expect(taken()).toEqual([]);
    expect(timers.size).toBe(0);
  });
});
