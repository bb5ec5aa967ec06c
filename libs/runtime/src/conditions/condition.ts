import type { Instant } from '#libs/apimachinery';

/** How much a process can do of what a condition speaks of: all; some, which it goes on with; not enough to be of use to anybody. */
export type ConditionState = 'ok' | 'degraded' | 'failed';

/** What was noticed of a condition. */
export interface ConditionReport {
  readonly state: ConditionState;
  /** A word in CamelCase that programs match on. */
  readonly reason: string;
  /** A sentence for people: what is wrong, and what to do where somebody has to. Nothing secret. */
  readonly message: string;
}

/** One thing that a process needs, and how it stands. */
export interface Condition extends ConditionReport {
  /** Also the name of its check: `/readyz/<name>`. */
  readonly name: string;
  /** Since when it is in this state for this reason. */
  readonly since: Instant;
}

/** What is reported of what is as it should be. */
export const AS_EXPECTED: ConditionReport = { state: 'ok', reason: 'AsExpected', message: '' };

/** A condition after a report: what only says the same again in other words has not changed. */
export function reported(before: Condition | undefined, name: string, report: ConditionReport, now: Instant): Condition {
  const { state, reason, message } = report;
  const since = before !== undefined && before.state === state && before.reason === reason ? before.since : now;
  return { name, state, reason, message, since };
}

/** Whether a condition is another than before: what is worth a line in the log. */
export const isChange = (before: Condition | undefined, now: Condition): boolean =>
  before === undefined ? now.state !== 'ok' : before.state !== now.state || before.reason !== now.reason;

const BADNESS: Readonly<Record<ConditionState, number>> = { ok: 0, degraded: 1, failed: 2 };

/** Conditions as one list by their names: of several with a name the worst. */
export function worstOf(conditions: readonly Condition[]): readonly Condition[] {
  const worst = new Map<string, Condition>();
  for (const condition of conditions) {
    const known = worst.get(condition.name);
    if (known === undefined || BADNESS[condition.state] > BADNESS[known.state]) worst.set(condition.name, condition);
  }
  return [...worst.values()];
}
