/** An event of the log as a watcher of its selection has to see it. */
export interface Fact {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: string;
  readonly content: string;
  /** First and last sequence of the batch that it was stored in, where there were several. */
  readonly batch?: { readonly first: number; readonly last: number };
}

/** What a watch delivered. */
export type Delivered = Omit<Fact, 'batch'> | { readonly version: number; readonly type: 'BOOKMARK' };

/** One watch from its opening to its end: it was to deliver what came after `from`. */
export interface Watched {
  readonly name: string;
  readonly from: number;
  readonly delivered: readonly Delivered[];
}

/** One list as it was answered. */
export interface Listed {
  readonly name: string;
  readonly version: number;
  readonly items: readonly { readonly object: string; readonly version: number; readonly content: string }[];
}

/** A property of etcd's watches that did not hold (etcd documentation, "Watch"), or the exactness of lists. */
export interface Broken {
  readonly property: 'ordered' | 'unique' | 'atomic' | 'reliable' | 'resumable' | 'bookmarkable' | 'exact';
  readonly name: string;
  readonly says: string;
}

const told = ({ type, object, version }: Fact | Exclude<Delivered, { type: 'BOOKMARK' }>): string => `${type} ${object} at ${version}`;

/** Where the first fact stands whose version is above one. Facts are in order. */
function firstAfter(facts: readonly Fact[], version: number): number {
  let [low, high] = [0, facts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((facts[middle]?.version ?? 0) > version) high = middle;
    else low = middle + 1;
  }
  return low;
}

class Watch {
  readonly broken: Broken[] = [];
  readonly #seen = new Set<number>();
  #last: number;
  #next: number;

  constructor(
    private readonly watched: Watched,
    private readonly facts: readonly Fact[],
  ) {
    this.#last = watched.from;
    this.#next = firstAfter(facts, watched.from);
  }

  run(): readonly Broken[] {
    for (const one of this.watched.delivered) {
      if (one.type === 'BOOKMARK') this.#bookmark(one.version);
      else this.#event(one);
      this.#last = Math.max(this.#last, one.version);
    }
    return this.broken;
  }

  #event(event: Exclude<Delivered, { type: 'BOOKMARK' }>): void {
    const { version } = event;
    if (this.#seen.has(version)) return this.#say('unique', `${told(event)} came twice`);
    this.#seen.add(version);
    if (version <= this.watched.from) return this.#say('resumable', `${told(event)} lies before ${this.watched.from}, where it was opened`);
    if (version <= this.#last) return this.#say('ordered', `${told(event)} came after ${this.#last}`);
    this.#missed(version - 1, 'reliable');
    const fact = this.facts[this.#next];
    if (fact?.version !== version) return this.#say('reliable', `${told(event)} never happened`);
    this.#next += 1;
    if (fact.type !== event.type || fact.object !== event.object || fact.content !== event.content) {
      this.#say('reliable', `${told(event)} with ${event.content} was ${told(fact)} with ${fact.content}`);
    }
  }

  #bookmark(version: number): void {
    if (version < this.#last) return this.#say('ordered', `a bookmark at ${version} came after ${this.#last}`);
    this.#missed(version, 'bookmarkable');
    const torn = this.facts[this.#next - 1]?.batch;
    if (torn && torn.first <= version && version < torn.last) {
      this.#say('atomic', `a bookmark at ${version} lies within what was stored together, ${torn.first} to ${torn.last}`);
    }
  }

  /** Passes over everything up to a version that should have come by now. */
  #missed(until: number, property: Broken['property']): void {
    for (let fact = this.facts[this.#next]; fact && fact.version <= until; fact = this.facts[++this.#next]) {
      this.#say(property, `${told(fact)} did not come`);
    }
  }

  #say(property: Broken['property'], says: string): void {
    this.broken.push({ property, name: this.watched.name, says });
  }
}

/** What was wrong with a watch: `facts` are all events of its selection, in the order of their versions. */
export const brokenWatch = (watched: Watched, facts: readonly Fact[]): readonly Broken[] => new Watch(watched, facts).run();

/** What is wrong with watches that were to go on where the one before had ended. */
export function brokenChain(chain: readonly Watched[]): readonly Broken[] {
  return chain.flatMap((watched, i): readonly Broken[] => {
    const before = chain[i - 1];
    if (before === undefined) return [];
    const ended = before.delivered.reduce((last, { version }) => Math.max(last, version), before.from);
    const says = `opened at ${watched.from}, and the one before it, ${before.name}, had come to ${ended}`;
    return ended === watched.from ? [] : [{ property: 'resumable', name: watched.name, says }];
  });
}

/** What is wrong with a list: it must be what the events up to its version make. */
export function brokenList({ name, version, items }: Listed, facts: readonly Fact[]): readonly Broken[] {
  const wanted = new Map<string, Fact>();
  for (const fact of facts.slice(0, firstAfter(facts, version))) {
    if (fact.type === 'DELETED') wanted.delete(fact.object);
    else wanted.set(fact.object, fact);
  }
  const broken: Broken[] = [];
  const say = (says: string): void => void broken.push({ property: 'exact', name, says: `at ${version}: ${says}` });
  const found = new Set<string>();
  for (const item of items) {
    const fact = wanted.get(item.object);
    if (found.has(item.object)) say(`${item.object} is there twice`);
    found.add(item.object);
    if (!fact) say(`${item.object} at ${item.version} should not be there`);
    else if (fact.version !== item.version || fact.content !== item.content)
      say(`${item.object} is at ${item.version}, must be at ${fact.version}`);
  }
  for (const object of wanted.keys()) if (!found.has(object)) say(`${object} is missing`);
  const torn = facts[firstAfter(facts, version) - 1]?.batch;
  if (torn && torn.first <= version && version < torn.last) {
    broken.push({
      property: 'atomic',
      name,
      says: `it stands at ${version}, within what was stored together, ${torn.first} to ${torn.last}`,
    });
  }
  return broken;
}
