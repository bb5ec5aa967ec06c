import type { PodSpec } from '#libs/api';
import type { ObjectMeta } from '#libs/apimachinery';
import { BASELINE } from './baseline.js';
import type { Check, Violation } from './check.js';
import type { LevelVersion } from './policy.js';
import { RESTRICTED } from './restricted.js';

/** The newest form of each check that a release had. */
function asOf(checks: readonly Check[], minor: number): readonly Check[] {
  const newest = new Map<string, Check>();
  for (const check of checks) if (check.since <= minor) newest.set(check.id, check);
  return [...newest.values()];
}

/** What a pod does that a policy forbids; empty where it may be. */
export function violationsOf({ level, minor }: LevelVersion, spec: PodSpec, metadata: ObjectMeta): readonly Violation[] {
  if (level === 'privileged') return [];
  const restricted = level === 'restricted' ? asOf(RESTRICTED, minor) : [];
  const superfluous = new Set(restricted.map(({ instead }) => instead));
  const baseline = asOf(BASELINE, minor).filter(({ id }) => !superfluous.has(id));
  return [...baseline, ...restricted].flatMap(({ check }) => check(spec, metadata) ?? []);
}

/** Violations in one sentence. */
export const printedViolations = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
