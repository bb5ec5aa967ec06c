import { qualifiedResource, type GroupVersionResource } from '#libs/apimachinery';
import type { Appended, AppendWrite, Guard, Moved, Sequence } from '#libs/log';
import type { Known, PlannedWrite, StoredObject } from '#libs/registry';
import { behind } from './event-meta.js';

/** Most writes that go together; the log takes a thousand messages at once. */
const MOST_MEMBERS = 64;
/** Most bytes that go together: a batch is held in memory by whoever stores it. */
const MOST_BYTES = 2 * 1024 * 1024;

/** An object that a write changes besides its own, as it will be: a quota's status, a budget's. */
export interface Shared {
  readonly resource: GroupVersionResource;
  readonly namespace: string;
  readonly name: string;
  readonly stored: StoredObject;
  readonly write: AppendWrite;
}

/** Whether a write changes an object that is there: one that others may be changing too. */
export const isShared = ({ type, previous }: PlannedWrite): boolean => type === 'Updated' && previous > 0;

/** A planned write of a shared object, as a round holds it. */
export const sharedOf = ({ definition, object, previous }: PlannedWrite, write: AppendWrite): Shared => ({
  resource: definition.storage?.resource ?? definition.resource,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name ?? '',
  stored: { sequence: previous, object },
  write,
});

const placeOf = (resource: GroupVersionResource, namespace: string, name: string): string =>
  `${qualifiedResource(resource)}/${namespace}/${name}`;

/**
 * Writes that change the same objects besides their own, in one append: each decides on what those before it have made
 * of the shared objects, and the last state of these is stored with everybody's own. All of it happens or none.
 */
export class Round {
  /** With each, where the own writes begin of the member that changed it last. */
  readonly #shared = new Map<string, Shared & { readonly lead: number }>();
  readonly #own: AppendWrite[] = [];
  readonly #guards = new Map<string, Guard>();
  readonly #subjects = new Set<string>();
  #bytes = 0;
  #silent: number;
  readonly #appended: Promise<Appended>;
  #close: () => void = () => undefined;
  #closed = false;

  /** `seen`: what the decisions have to see first. */
  constructor(
    readonly key: string,
    readonly seen: Sequence,
    members: number,
    append: (writes: readonly AppendWrite[], guards: readonly Guard[]) => Promise<Appended>,
  ) {
    this.#silent = members;
    const closed = new Promise<void>((resolve) => (this.#close = resolve));
    this.#appended = closed.then(() => (this.#own.length === 0 ? { sequences: [] } : append(this.#writes(), [...this.#guards.values()])));
    this.#appended.catch(() => undefined);
  }

  /** Resolves once all is stored or not: with the newest sequence, 0 where nothing was. Never rejects. */
  get ended(): Promise<Sequence> {
    return this.#appended.then(
      (appended) => ('sequences' in appended ? (appended.sequences.at(-1) ?? 0) : 0),
      () => 0,
    );
  }

  /** What is known to the next who decides: the view, and what this round makes of the shared objects. */
  over(known: Known): Known {
    if (this.#shared.size === 0) return known;
    const shared = this.#shared;
    return {
      ...known,
      object: (resource, namespace, name) =>
        shared.get(placeOf(resource, namespace, name))?.stored ?? known.object(resource, namespace, name),
      list: (resource, namespace) => {
        const list = known.list(resource, namespace);
        const kind = qualifiedResource(resource);
        if (![...shared.values()].some((one) => qualifiedResource(one.resource) === kind)) return list;
        return list?.map(
          (object) => shared.get(placeOf(resource, object.metadata.namespace ?? '', object.metadata.name ?? ''))?.stored.object ?? object,
        );
      },
    };
  }

  #writes(): readonly AppendWrite[] {
    const shared = [...this.#shared.values()].map(({ write, lead }, i) => behind(write, this.#own.length + i - lead));
    return [...this.#own, ...shared];
  }

  /** A member's part; undefined where there is no more room, or another writes the same. Resolves with the sequences of its own writes, or what had moved. */
  contribute(
    own: readonly AppendWrite[],
    shared: readonly Shared[],
    guards: readonly Guard[],
  ): Promise<{ readonly sequences: readonly Sequence[] } | { readonly moved: readonly Moved[] }> | undefined {
    const bytes = own.reduce((sum, { body }) => sum + body.length, 0);
    const isTaken = own.some(({ subject }) => this.#subjects.has(subject));
    if (isTaken || (this.#own.length > 0 && this.#bytes + bytes > MOST_BYTES)) {
      this.withdraw();
      return undefined;
    }
    for (const { subject } of own) this.#subjects.add(subject);
    for (const guard of guards) this.#guards.set(`${guard.subject} ${guard.expected}`, guard);
    const first = this.#own.length;
    this.#own.push(...own.map((write, i) => behind(write, i)));
    this.#bytes += bytes;
    for (const one of shared) this.#shared.set(placeOf(one.resource, one.namespace, one.name), { ...one, lead: first });
    this.withdraw();
    return this.#appended.then((appended) =>
      'sequences' in appended ? { sequences: appended.sequences.slice(first, first + own.length) } : appended,
    );
  }

  /** A member that has nothing to add, or has said it. The last to speak closes the round. */
  withdraw(): void {
    this.#silent -= 1;
    if (this.#silent > 0 || this.#closed) return;
    this.#closed = true;
    this.#close();
  }
}

/** Rounds over the same shared objects, one after the other: while one is being stored, the members of the next gather. */
export class Rounds {
  readonly #lines = new Map<string, ((round: Round) => void)[]>();

  constructor(private readonly append: (writes: readonly AppendWrite[], guards: readonly Guard[]) => Promise<Appended>) {}

  /** A round of one's own, where nobody else writes the same. */
  begin(key: string): Round | undefined {
    if (this.#lines.has(key)) return undefined;
    const waiting: ((round: Round) => void)[] = [];
    this.#lines.set(key, waiting);
    return this.#start(key, waiting, 0, 1);
  }

  /** The next round, with all who came meanwhile. Those who join decide anew, once they see what the round before has stored. */
  join(key: string): Promise<Round> {
    return new Promise((resolve) => this.#lines.get(key)?.push(resolve));
  }

  #start(key: string, waiting: ((round: Round) => void)[], seen: Sequence, members: number): Round {
    const round = new Round(key, seen, members, this.append);
    void round.ended.then((sequence) => {
      const next = waiting.splice(0, MOST_MEMBERS);
      if (next.length === 0) {
        this.#lines.delete(key);
        return;
      }
      const following = this.#start(key, waiting, Math.max(seen, sequence), next.length);
      for (const resolve of next) resolve(following);
    });
    return round;
  }
}
