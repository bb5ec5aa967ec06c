import { formatTime, type Instant } from '#libs/apimachinery';

/** What every kind's conditions have in common. */
export interface AnyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** The condition of one type. */
export const conditionOf = <C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C | undefined =>
  conditions?.find((condition) => condition.type === type);

/** The conditions with one replaced, in its place, or added; its transition time stays where the status did not change. */
export function withCondition<C extends AnyCondition>(conditions: readonly C[] | undefined, next: C, now: Instant): readonly C[] {
  const old = conditionOf(conditions, next.type);
  const lastTransitionTime = old?.status === next.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : formatTime(now);
  const stamped: C = { ...next, lastTransitionTime };
  return old
    ? (conditions ?? []).map((condition) => (condition.type === next.type ? stamped : condition))
    : [...(conditions ?? []), stamped];
}
