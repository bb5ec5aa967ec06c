/** What is known of an API server behind the balancer. */
export interface Candidate {
  /** Whether it answered when it was last asked. */
  readonly isUp: boolean;
  readonly connections: number;
}

/**
 * In which order a connection is offered to the servers: those that answered first, of them those with the fewest connections; the
 * others after all of these, since they may be back.
 */
export const offeringOrder = <T extends Candidate>(candidates: readonly T[]): readonly T[] =>
  [...candidates].sort((a, b) => Number(b.isUp) - Number(a.isUp) || a.connections - b.connections);
