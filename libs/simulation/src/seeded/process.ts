import type { Timers } from '#libs/runtime';
import type { VirtualWorld } from '../virtual-world.js';

/**
 * A process that only pretends: whatever reaches it from outside, timers and answers, comes through here. A paused one hears of it
 * when it goes on, a killed one never: what it was doing stands where it stood.
 */
export class SimulatedProcess implements Timers {
  #state: 'running' | 'paused' | 'dead' = 'running';
  #unheard: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly world: VirtualWorld,
  ) {}

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  after(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    const unset = this.world.after(delayMs, () => this.#hear(() => (isCancelled ? undefined : run())));
    return () => {
      isCancelled = true;
      unset();
    };
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Goes on, and hears all that came meanwhile, one after the other. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const unheard = this.#unheard;
    this.#unheard = [];
    for (const run of unheard) this.world.after(0, () => this.#hear(run));
  }

  kill(): void {
    this.#state = 'dead';
    this.#unheard = [];
  }

  #hear(run: () => void): void {
    if (this.#state === 'running') run();
    else if (this.#state === 'paused') this.#unheard.push(run);
  }
}
