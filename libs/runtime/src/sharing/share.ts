import { fnv32 } from '#libs/apimachinery';
import type { Guard } from '#libs/log';

/** A part of a service's work, from 0: all keys that hash onto it. */
export type Shard = number;

/** How many shards there are unless a setting says otherwise. */
export const SHARDS = 64;

/** The shard of a key among so many. */
export const shardOf = (key: string, shards: number): Shard => fnv32(key) % shards;

/** The shard of a controller's key: those of different controllers lie apart. */
export const shardOfKey = (controller: string, key: string, shards: number): Shard => shardOf(`${controller}/${key}`, shards);

/** Who is told when shards come and go. */
export interface ShareListener {
  /** These are ours now, and the view holds all that their owners before have written. */
  gained(shards: readonly Shard[]): void;
  /** These are asked for by another: resolves once nothing is being done for them any more, after which they are handed over. */
  losing(shards: readonly Shard[]): Promise<void>;
  /** These were taken from us: whatever is still under way for them will be refused by the log. */
  lost(shards: readonly Shard[]): void;
}

/**
 * The part of a service's work that this process does. Ownership of a shard is a subject of the log, its fence: whoever takes the shard
 * writes there, and every append for a key of it guards that nobody has written since.
 */
export interface Share {
  readonly shards: number;
  /** Whether the keys of the shard are this process's to take in. They may have to wait: it works on what it can guard. */
  owns(shard: Shard): boolean;
  /**
   * What an append on behalf of these shards guards, all in `state`; undefined where one of them is not ours, and for now where
   * nothing is to be worked on: what was taken in is kept.
   */
  guardsOf(shards: readonly Shard[]): readonly Guard[] | undefined;
  subscribe(listener: ShareListener): () => void;
}
