import { SHARDS_OF_WORK } from '#libs/api';
import { formatTime, type KubeObject } from '#libs/apimachinery';
import { encodeObject, SCHEMA, subjectOf, type AppendWrite, type Guard, type Sequence } from '#libs/log';
import type { StateView, World } from '../ports.js';
import type { Shard } from './share.js';

/** Who does a part of a service's work; `holder` '': nobody, one gave it back. */
interface ShardOfWork extends KubeObject {
  readonly spec: { readonly service: string; readonly shard: number; readonly holder: string };
}

/** A shard as the log has it. */
export interface Fence {
  /** The newest event of its subject; 0: there is none. */
  readonly sequence: Sequence;
  /** Undefined: nobody. */
  readonly holder: string | undefined;
}

/** What the fences of one service are read and written with. */
export interface FenceSources {
  readonly cluster: string;
  readonly service: string;
  readonly shards: number;
  readonly view: StateView;
  readonly world: Pick<World, 'now' | 'uuid'>;
}

/** The fences of a service's shards: one subject of the log each, written whenever a shard changes hands. */
export class Fences {
  readonly #names: readonly string[];
  readonly #subjects: readonly string[];

  constructor(private readonly sources: FenceSources) {
    const { cluster, service, shards } = sources;
    const digits = String(shards - 1).length;
    this.#names = Array.from({ length: shards }, (_, shard) => `${service}-${String(shard).padStart(digits, '0')}`);
    this.#subjects = this.#names.map((name) => subjectOf(cluster, 'state', SHARDS_OF_WORK, '', name));
  }

  /** All fences, by shard, as the view has them. */
  read(): readonly Fence[] {
    return this.#names.map((name) => {
      const entry = this.sources.view.entry(SHARDS_OF_WORK, '', name);
      if (entry === undefined) return { sequence: 0, holder: undefined };
      const { holder } = (entry.object as ShardOfWork).spec;
      return { sequence: entry.sequence, holder: holder === '' ? undefined : holder };
    });
  }

  guard(shard: Shard, expected: Sequence): Guard {
    return { subject: this.#subjects[shard] ?? '', expected };
  }

  /** The event that gives a shard to somebody; nobody: undefined. */
  write(shard: Shard, { sequence }: Fence, holder: string | undefined): AppendWrite {
    const { service, view, world } = this.sources;
    const name = this.#names[shard] ?? '';
    const before = view.entry(SHARDS_OF_WORK, '', name)?.object.metadata;
    const metadata = { name, uid: before?.uid ?? world.uuid(), creationTimestamp: before?.creationTimestamp ?? formatTime(world.now()) };
    const object = { apiVersion: 'allocation.decklog.dev/v1', kind: 'Shard', metadata, spec: { service, shard, holder: holder ?? '' } };
    return {
      subject: this.#subjects[shard] ?? '',
      expected: sequence,
      body: encodeObject(object),
      meta: {
        type: before === undefined ? 'Created' : 'Updated',
        verb: before === undefined ? 'create' : 'update',
        actor: { user: `system:decklog:${service}` },
        agent: service,
        id: world.uuid(),
        previous: sequence,
        schema: SCHEMA,
        encoding: 'json',
      },
    };
  }
}
