/** What the server that leads a stream says of those that follow it. `active`: nanoseconds since it has heard of one, 0 where it never has. */
export interface Followed {
  readonly replicas?: readonly { readonly active: number }[];
}

/**
 * Followers answer a heartbeat each second, and choose another leader at the earliest four seconds after the last: within this time of an
 * answer there is no other leader.
 */
const HEARD_NS = 2_500_000_000;

/** Whether a server led a stream of so many copies when it said this: most of them, itself among them, have followed it lately. */
export function followedByMost(cluster: Followed | undefined, copies: number): boolean {
  if (copies === 1) return true;
  const following = (cluster?.replicas ?? []).filter(({ active }) => active > 0 && active < HEARD_NS).length;
  return (following + 1) * 2 > copies;
}
