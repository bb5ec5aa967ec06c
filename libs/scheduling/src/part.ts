import { fnv32, type Part } from '#libs/apimachinery';

/** The key where one process decides on all pending pods together, so that each counts on those before it. */
export const QUEUE = 'pending';

const KEY = /^pending (?<ranges>\d+(-\d+)?(,\d+(-\d+)?)*) of (?<of>\d+)$/;

/** The key of a part of the queue: `pending 0-15,32 of 64`. */
export function queueKey({ shards, of }: Part): string {
  const ranges: [from: number, to: number][] = [];
  for (const shard of [...shards].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.[1] === shard - 1) last[1] = shard;
    else ranges.push([shard, shard]);
  }
  return `${QUEUE} ${ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')} of ${of}`;
}

/** Whether a pod, as `namespace/name`, is in the part of the queue that a key names. The key of no part is of the whole. */
export function isInQueue(key: string): (pod: string) => boolean {
  const { ranges = '', of = '' } = KEY.exec(key)?.groups ?? {};
  if (of === '') return () => true;
  const shards = new Set<number>();
  for (const range of ranges.split(',')) {
    const [from = 0, to = from] = range.split('-').map(Number);
    for (let shard = from; shard <= Math.min(to, Number(of) - 1); shard++) shards.add(shard);
  }
  return (pod) => shards.has(fnv32(pod) % Number(of));
}
