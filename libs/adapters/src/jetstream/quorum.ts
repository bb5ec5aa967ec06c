/** What the server that leads a stream says of those that follow it. `active`: nanoseconds since it has heard of one, 0 where it never has. */
export interface Followed {
  readonly leader?: string;
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

/** One that was cut off hears of the others again before it hears that they have chosen another: it is doubted for so long. */
const DOUBTED_MS = 10_000;

/** Which leaders of a stream are not believed. One entry for each server at most. */
export class Doubts {
  readonly #since = new Map<string, number>();

  /** Whether a leader's answer of this moment counts. `now`: milliseconds of a clock that only runs forward. */
  believes(cluster: Followed | undefined, copies: number, now: number): boolean {
    if (copies === 1) return true;
    const leader = cluster?.leader ?? '';
    if (!followedByMost(cluster, copies)) this.#since.set(leader, now);
    return now - (this.#since.get(leader) ?? -Infinity) > DOUBTED_MS;
  }
}
