import type { PodSpec } from '#libs/api';
import type { ObjectMeta } from '#libs/apimachinery';

/** What a check finds wrong: a reason of few words, and who does what, in upstream's words. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** One check, from a release on. A later entry of the same id takes the place of an earlier one. */
export interface Check {
  readonly id: string;
  readonly since: number;
  /** Of a restricted check: the baseline check that it makes superfluous. */
  readonly instead?: string;
  readonly check: (spec: PodSpec, metadata: ObjectMeta) => Violation | undefined;
}
