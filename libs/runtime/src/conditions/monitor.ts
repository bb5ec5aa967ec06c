import type { ConditionReport } from './condition.js';
import type { Conditions } from './conditions.js';

/** Something that is looked at again and again. */
export interface Watched {
  readonly condition: string;
  /** How long to rest between two looks. */
  readonly everyMs: number;
  /** How long a look may take before it has failed. */
  readonly answerMs: number;
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
    const { condition, failure, everyMs } = this.watched;
    this.#isLooking = true;
    this.#isWanted = false;
    const report = await this.#answered().catch(failure);
    this.#isLooking = false;
    if (this.#isStopped) return;
    this.conditions.report(condition, report);
    if (this.#isWanted) return this.#look();
    this.#timer = setTimeout(() => void this.#look(), everyMs).unref();
  }
  #answered(): Promise<ConditionReport> {
    const { look, answerMs } = this.watched;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer in ${answerMs / 1_000} s`)), answerMs).unref();
      look()
        .then(resolve, reject)
        .finally(() => clearTimeout(late));
    });
  }
}
