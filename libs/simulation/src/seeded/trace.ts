import { createHash } from 'node:crypto';
import type { Recorded } from '#libs/log';
import type { Violation } from './witness.js';

/** Lines that are kept. */
const MOST_LINES = 400;

/** What happened in a run, line by line: its hash stands for all of it, its last lines are kept. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #lines: string[] = [];
  #violation: Violation | undefined;
  #events = 0;

  /** `now`: the time of the run, in milliseconds since it began. `listener` is told every line. */
  constructor(
    private readonly now: () => number,
    private readonly listener?: (line: string) => void,
  ) {}

  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** How many events were stored. */
  get events(): number {
    return this.#events;
  }

  /** The last lines. */
  get lines(): readonly string[] {
    return this.#lines.slice(-MOST_LINES);
  }

  /** Of all lines until now, and all that was stored. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  say(text: string): void {
    const line = `${(this.now() / 1_000).toFixed(3).padStart(9)}  ${text}`;
    this.#hash.update(line);
    this.#lines.push(line);
    if (this.#lines.length > 2 * MOST_LINES) this.#lines.splice(0, MOST_LINES);
    this.listener?.(line);
  }

  stored(_time: number, events: readonly Recorded[]): void {
    for (const { stream, sequence, subject, meta, body } of events) {
      this.#events += 1;
      this.#hash.update(body);
      if (stream !== 'state') continue;
      const [, , , ...object] = subject.split('.');
      this.say(`${meta.agent ?? meta.actor.user}: ${sequence} ${meta.type} ${object.join('.')}`);
    }
  }

  /** Only the first counts: what follows may follow from it. */
  violated(violation: Violation): void {
    if (this.#violation) return;
    this.#violation = violation;
    this.say(`VIOLATED ${violation.invariant}: ${violation.says}`);
  }
}
