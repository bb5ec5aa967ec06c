import type { Instant } from '#libs/apimachinery';
import type { Sequence } from '#libs/log';
import { AS_EXPECTED, type ConditionReport } from './condition.js';

/** How far the projection is, and since when it has not caught up. */
export interface ProjectionLag {
  readonly last: Sequence;
  readonly projected: Sequence;
  /** The end of the log when it was first seen that the projection was not there, and when: until it is. */
  readonly awaited?: { readonly sequence: Sequence; readonly since: Instant };
}

/** A projection that has not reached within so long where the log ended is behind. */
export const BEHIND_MS = 15_000;

/** What is known after one more look at both. */
export function afterLook(
  before: ProjectionLag | undefined,
  { last, projected }: Pick<ProjectionLag, 'last' | 'projected'>,
  now: Instant,
): ProjectionLag {
  if (projected >= last) return { last, projected };
  const awaited = before?.awaited;
  const isAwaited = awaited !== undefined && projected < awaited.sequence;
  return { last, projected, awaited: isAwaited ? awaited : { sequence: last, since: now } };
}

/** How the projection stands. */
export function projectionReport({ last, projected, awaited }: ProjectionLag, now: Instant): ConditionReport {
  if (awaited === undefined || now - awaited.since < BEHIND_MS) return AS_EXPECTED;
  const message =
    `the projection stands at state:${projected}, the log at state:${last}: the history does not show the ${last - projected} events between; ` +
    'see that a projector runs, and what it says';
  return { state: 'degraded', reason: 'Behind', message };
}
