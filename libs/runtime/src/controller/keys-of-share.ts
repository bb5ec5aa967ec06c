import type { Controller } from '#libs/apimachinery';
import type { Guard } from '#libs/log';
import { shardOfKey, type Share, type Shard } from '../sharing/share.js';

/** What a key is decided as, and what gives the right to. */
export interface Footing {
  readonly key: string;
  readonly guards?: readonly Guard[];
}

/** Which of a controller's keys are this process's. One whose decisions are about all that there is has a part of each key. */
export class KeysOfShare {
  constructor(
    private readonly controller: Pick<Controller, 'name' | 'keyOfPart'>,
    private readonly share: Share,
  ) {}

  owns(key: string): boolean {
    return this.#shardsOf(key).some((shard) => this.share.owns(shard));
  }

  /** Whether a key has to do with some of these shards. */
  concerns(key: string, shards: ReadonlySet<Shard>): boolean {
    return this.#shardsOf(key).some((shard) => shards.has(shard));
  }

  /** Undefined: it is not this process's, or not to be worked on for now. What is decided of a part its changes guard by themselves. */
  footingOf(key: string): Footing | undefined {
    const { keyOfPart } = this.controller;
    const { shards: of } = this.share;
    const all = this.#shardsOf(key);
    if (keyOfPart && of > 1) {
      const shards = all.filter((shard) => this.share.owns(shard));
      const isWorkedOn = shards.length > 0 && this.share.guardsOf(shards) !== undefined;
      return isWorkedOn ? { key: keyOfPart({ shards, of }) } : undefined;
    }
    const guards = this.share.guardsOf(all);
    return guards && { key, ...(guards.length === 0 ? {} : { guards }) };
  }

  #shardsOf(key: string): readonly Shard[] {
    const { shards } = this.share;
    if (shards === 1) return [0];
    return this.controller.keyOfPart
      ? Array.from({ length: shards }, (_, shard) => shard)
      : [shardOfKey(this.controller.name, key, shards)];
  }
}
