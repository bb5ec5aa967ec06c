import type { KubeObject } from '#libs/apimachinery';
import type { Case } from './case.js';
import { nodeClaimWrites } from './node-claims.js';
import { serviceClaimWrites } from './service/claims.js';
import type { PlannedWrite } from './write.js';

/** What an object claims is written with it: a Service's addresses and node ports, a pod's room on its node. */
export const claimWrites = (given: Case, old: KubeObject | undefined, next: KubeObject | undefined): readonly PlannedWrite[] => [
  ...serviceClaimWrites(given, old, next),
  ...nodeClaimWrites(given, old, next),
];
