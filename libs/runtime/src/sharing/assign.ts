import type { Shard } from './share.js';

/** How many shards each member is to have: even within one, the odd ones where most are already. */
function quotas(members: readonly string[], shards: number, counts: ReadonlyMap<string, number>): Map<string, number> {
  const [base, odd] = [Math.floor(shards / members.length), shards % members.length];
  const byWealth = [...members].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1));
  return new Map(byWealth.map((member, i) => [member, base + (i < odd ? 1 : 0)]));
}

/**
 * Which member is to have each shard, as all members work it out from the same facts: even within one, and as few shards as can be
 * change hands. `owners`: who has each shard now; whoever is no member has nothing. Without members nobody has any.
 */
export function assign(
  members: readonly string[],
  shards: number,
  owners: readonly (string | undefined)[],
): readonly (string | undefined)[] {
  if (members.length === 0) return Array.from({ length: shards }, () => undefined);
  const counts = new Map(members.map((member) => [member, 0]));
  for (let shard = 0; shard < shards; shard++) {
    const owner = owners[shard];
    const count = owner === undefined ? undefined : counts.get(owner);
    if (owner !== undefined && count !== undefined) counts.set(owner, count + 1);
  }
  const left = quotas(members, shards, counts);
  const assigned = Array.from({ length: shards }, (_, shard: Shard): string | undefined => {
    const owner = owners[shard];
    const room = owner === undefined ? 0 : (left.get(owner) ?? 0);
    if (owner === undefined || room === 0) return undefined;
    left.set(owner, room - 1);
    return owner;
  });
  const poor = [...members].sort();
  return assigned.map((owner) => {
    if (owner !== undefined) return owner;
    const [first = ''] = poor;
    const poorest = poor.reduce((most, member) => ((left.get(member) ?? 0) > (left.get(most) ?? 0) ? member : most), first);
    left.set(poorest, (left.get(poorest) ?? 0) - 1);
    return poorest;
  });
}
