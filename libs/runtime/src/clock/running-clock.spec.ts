import type { Timers } from '../controller/timers.js';
import { RunningClock } from './running-clock.js';

/** Real time as a test moves it, in steps of at most `stepMs`. */
class HeldTime implements Timers {
  ms = 0;
  #waiting: { readonly at: number; readonly run: () => void }[] = [];

  after(delayMs: number, run: () => void): () => void {
    const one = { at: this.ms + delayMs, run };
    this.#waiting.push(one);
    return () => void (this.#waiting = this.#waiting.filter((other) => other !== one));
  }

  pass(ms: number, stepMs: number): void {
    for (const until = this.ms + ms; this.ms < until;) {
      this.ms = Math.min(until, this.ms + stepMs);
      const due = this.#waiting.filter(({ at }) => at <= this.ms);
      this.#waiting = this.#waiting.filter(({ at }) => at > this.ms);
      for (const { run } of due) run();
    }
  }
}

const clockAt = (from: number, speed: number): { readonly time: HeldTime; readonly clock: RunningClock } => {
  const time = new HeldTime();
  return { time, clock: new RunningClock({ from, speed, real: () => time.ms, timers: time }) };
};

describe('a running clock', () => {
  it('stands at its beginning until it is started', () => {
    const { time, clock } = clockAt(1_000, 60);
    time.pass(5_000, 10);
    expect(clock.now()).toBe(1_000);
  });

  it.each([
    [1, 3_000, 4_000],
    [60, 1_000, 61_000],
    [0.5, 3_000, 2_500],
  ])('runs %s times as fast as real time', (speed, realMs, then) => {
    const { time, clock } = clockAt(1_000, speed);
    clock.start();
    time.pass(realMs, 10);
    expect(clock.now()).toBe(then);
  });

  it('stands while its process gets no turn, but for a tenth of a second', () => {
    const { time, clock } = clockAt(0, 10);
    clock.start();
    time.pass(30_000, 30_000);
    expect(clock.now()).toBe(1_000);
  });

  it('stands where it was stopped, and goes on from there', () => {
    const { time, clock } = clockAt(0, 2);
    clock.start();
    time.pass(1_000, 10);
    clock.stop();
    time.pass(1_000, 10);
    clock.start();
    time.pass(500, 10);
    expect(clock.now()).toBe(3_000);
  });

  it('calls back when its own time has come, also where it stood in between', () => {
    const { time, clock } = clockAt(0, 10);
    const heard: number[] = [];
    clock.start();
    clock.after(5_000, () => heard.push(clock.now()));
    time.pass(300, 300);
    time.pass(390, 10);
    expect(heard).toEqual([]);
    time.pass(200, 10);
    expect(heard.length).toBe(1);
    expect(heard[0]).toBeGreaterThanOrEqual(5_000);
  });

  it('does not call back what was called off', () => {
    const { time, clock } = clockAt(0, 1);
    clock.start();
    const cancel = clock.after(100, () => {
      throw new Error('it was called off');
    });
    cancel();
    time.pass(1_000, 10);
    expect(clock.now()).toBe(1_000);
  });
});
