/** What the server that leads a stream says of those that follow it. `active`: nanoseconds since it has heard of one, 0 where it never has. */
export interface Followed {
  readonly leader?: string;
  readonly replicas?: readonly { readonly active: number }[];
}

/**
 * Followers answer a heartbeat each second, and choose another leader at the earliest four seconds after the last: while a leader has
 * heard of all of them within this time, there is no other.
 */
const HEARD_MS = 2_500;

/** How many servers have followed a leader lately, itself among them. */
const following = ({ replicas = [] }: Followed): number =>
  1 + replicas.filter(({ active }) => active > 0 && active < HEARD_MS * 1e6).length;

/** Whether a server can store anything: most of the servers, itself among them, have followed it lately. */
export const followedByMost = (cluster: Followed, copies: number): boolean => following(cluster) * 2 > copies;

/**
 * Whether the answers of a stream's leader are those of the one that leads. One that was cut off goes on for ten seconds to believe that
 * it does, and where it hears of the others again first hears what they said before. So it is believed once most of the servers have
 * stored something through it, and from then on as long as it is asked again and again, and has heard of every other server each time.
 */
export class Trust {
  #leader: string | undefined;
  #at = -Infinity;
  #grants = 0;

  /** Another number: it had to be begun anew. */
  get grant(): number {
    return this.#grants;
  }

  /** Who was trusted last. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** Whether an answer counts by itself. `sent`, `now`: when it was asked for and came, in milliseconds of a clock that only runs forward. */
  holds(cluster: Followed, copies: number, sent: number, now: number): boolean {
    if (cluster.leader !== this.#leader || now - this.#at > HEARD_MS || following(cluster) < copies) return false;
    this.#at = sent;
    return true;
  }

  /** Most of the servers stored something that was sent at this time, and this leader has it. */
  begin({ leader }: Followed, sent: number): void {
    this.#leader = leader;
    this.#at = sent;
    this.#grants++;
  }
}
