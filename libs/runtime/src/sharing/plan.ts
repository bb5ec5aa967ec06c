import { assign } from './assign.js';
import type { Shard } from './share.js';

/** What a replica knows of its service. */
export interface Standing {
  readonly self: string;
  /** The replicas that live, itself included. */
  readonly members: readonly string[];
  /** Who holds each shard, as the log says; undefined: nobody yet, or it was given back. */
  readonly holders: readonly (string | undefined)[];
}

/** What a replica is to do next. */
export interface Steps {
  /** Shards that nobody holds who lives, and that are to be its own. */
  readonly take: readonly Shard[];
  /** Shards of its own that others are to have. */
  readonly give: ReadonlyMap<Shard, string>;
}

/** The next steps of one replica. Where all replicas know the same, no two take one shard. */
export function planSteps({ self, members, holders }: Standing): Steps {
  const target = assign(members, holders.length, holders);
  const living = new Set(members);
  const take: Shard[] = [];
  const give = new Map<Shard, string>();
  for (const [shard, to] of target.entries()) {
    const holder = holders[shard];
    if (to === undefined || to === holder) continue;
    if (to === self && (holder === undefined || !living.has(holder))) take.push(shard);
    if (holder === self) give.set(shard, to);
  }
  return { take, give };
}

/** To whom the shards of a replica go that leaves: as they would if it were gone; nobody where it was the last. */
export function planLeaving({ self, members, holders }: Standing): ReadonlyMap<Shard, string | undefined> {
  const others = members.filter((member) => member !== self);
  const target = assign(others, holders.length, holders);
  return new Map(holders.flatMap((holder, shard) => (holder === self ? [[shard, target[shard]] as const] : [])));
}
