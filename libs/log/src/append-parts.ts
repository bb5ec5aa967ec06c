import type { AppendWrite, Guard } from './event-log.js';

/**
 * The guards that need a marker of their own: one per subject, and none for a subject that the append writes anyhow.
 * Throws RangeError on an append that no order of its messages could satisfy: a subject written twice, or one subject
 * expected at two sequences.
 */
export function neededGuards(writes: readonly AppendWrite[], guards: readonly Guard[]): readonly Guard[] {
  const expected = new Map<string, number>();
  for (const { subject, expected: sequence } of writes) {
    if (expected.has(subject)) throw new RangeError(`an append writes ${subject} twice`);
    expected.set(subject, sequence);
  }
  return guards.filter((guard) => {
    const known = expected.get(guard.subject);
    if (known === undefined) expected.set(guard.subject, guard.expected);
    else if (known !== guard.expected) throw new RangeError(`an append expects ${guard.subject} at ${known} and at ${guard.expected}`);
    return known === undefined;
  });
}
