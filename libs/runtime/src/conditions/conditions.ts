import type { Instant } from '#libs/apimachinery';
import type { Logger } from '../ports.js';
import { AS_EXPECTED, isChange, reported, type Condition, type ConditionReport } from './condition.js';

/** The conditions of one process: each is reported by whoever notices, and read by probes, metrics and status. */
export class Conditions {
  readonly #all = new Map<string, Condition>();
  readonly #listeners = new Set<(condition: Condition) => void>();
  #logger: Logger | undefined;

  constructor(private readonly now: () => Instant) {}

  /** Every condition that was ever spoken of, in the order in which they first were. */
  get all(): readonly Condition[] {
    return [...this.#all.values()];
  }

  get(name: string): Condition | undefined {
    return this.#all.get(name);
  }

  /** Says how a condition stands. A change is logged once. */
  report(name: string, report: ConditionReport): void {
    const before = this.#all.get(name);
    const condition = reported(before, name, report, this.now());
    this.#all.set(name, condition);
    if (!isChange(before, condition)) return;
    this.#say(condition, before);
    for (const listener of this.#listeners) listener(condition);
  }

  /** Says that a condition is as it should be. */
  ok(name: string): void {
    this.report(name, AS_EXPECTED);
  }

  /** Called with each condition that changes; returns how to stop. */
  onChange(listener: (condition: Condition) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Logs changes from now on. */
  logTo(logger: Logger): void {
    this.#logger = logger;
  }

  #say({ name, state, reason, message }: Condition, before: Condition | undefined): void {
    const fields = { condition: name, state, reason };
    if (state === 'ok') this.#logger?.info(`${name} is as it should be again`, { ...fields, was: before?.reason });
    else this.#logger?.warn(`${name} ${state}: ${message}`, fields);
  }
}
