import { afterLook, BEHIND_MS, projectionReport, type ProjectionLag } from './projection-lag.js';

/** Looks, each as [end of the log, the projection, when]. */
const reason = (...looks: readonly (readonly [number, number, number])[]): string => {
  const [, , now] = looks.at(-1) ?? [0, 0, 0];
  const lag = looks.reduce<ProjectionLag | undefined>(
    (before, [last, projected, at]) => afterLook(before, { last, projected }, at),
    undefined,
  );
  return projectionReport(lag as ProjectionLag, now).reason;
};

describe('the projection', () => {
  it.each<[string, string, string]>([
    ['is as expected where it has all', reason([9, 9, 0]), 'AsExpected'],
    ['may be a little behind', reason([9, 5, 0], [9, 5, 1_000]), 'AsExpected'],
    ['may be behind for ever as long as it goes on', reason([9, 5, 0], [90, 50, BEHIND_MS], [900, 500, 2 * BEHIND_MS]), 'AsExpected'],
    ['is behind when it does not reach what was there long ago', reason([9, 5, 0], [99, 8, BEHIND_MS]), 'Behind'],
    ['is no longer behind when it has', reason([9, 5, 0], [99, 8, BEHIND_MS], [99, 99, BEHIND_MS + 1]), 'AsExpected'],
    ['is given its time anew when it has but there is more', reason([9, 5, 0], [99, 8, BEHIND_MS], [99, 12, BEHIND_MS + 1]), 'AsExpected'],
  ])('%s', (_title, actual, expected) => {
    expect(actual).toBe(expected);
  });
});
