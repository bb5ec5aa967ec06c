import type { ConditionReport } from './condition.js';
import type { Conditions } from './conditions.js';

/** Something that is looked at again and again. */
export interface Watched {
  readonly condition: string;
  /** How long to rest between two looks. */
  readonly everyMs: number;
  /** Takes a look; what it throws is for `failure` to put into words. */
  look(): Promise<ConditionReport>;
  failure(error: unknown): ConditionReport;
}

/** Looks at one thing again and again, and reports its condition. */
export class Monitor {
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isWanted = false;
  #isStopped = false;

  constructor(
    private readonly watched: Watched,
    private readonly conditions: Conditions,
  ) {}

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks now: something has changed. */
  hurry(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    if (this.#isLooking) this.#isWanted = true;
    else void this.#look();
  }

  async #look(): Promise<void> {
    const { condition, look, failure, everyMs } = this.watched;
    this.#isLooking = true;
    this.#isWanted = false;
    const report = await look().catch(failure);
    this.#isLooking = false;
    if (this.#isStopped) return;
    this.conditions.report(condition, report);
    if (this.#isWanted) return this.#look();
    this.#timer = setTimeout(() => void this.#look(), everyMs).unref();
  }
}
