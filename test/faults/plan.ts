import type { Chance } from '../random-load.js';

/** What is done to the processes of a cluster. */
export type Fault =
  | { readonly fault: 'kill' | 'pause'; readonly component: string }
  /** The server that leads the log, whichever it is then. */
  | { readonly fault: 'kill the leader' | 'pause the leader' | 'kill the log' | 'kill postgres' }
  /** Cut off from everybody; `from its peers`: clients still reach it; `the log`: its servers reach each other, and nobody else them. */
  | { readonly fault: 'cut the leader off' | 'cut a follower off' | 'cut the leader off from its peers' | 'cut the log off' };

/** What a cluster has that can break. */
export interface Parts {
  /** Names of all processes as `status` shows them, those of the log among them. */
  readonly components: readonly string[];
  /** Several servers keep the log. */
  readonly hasLeader: boolean;
  /** The log's servers have a network of their own. */
  readonly hasNetwork: boolean;
}

const EACH = ['kill', 'pause'] as const;
const OF_LEADER = ['kill the leader', 'pause the leader'] as const;
const OF_NETWORK = ['cut the leader off', 'cut a follower off', 'cut the leader off from its peers', 'cut the log off'] as const;

/** One fault as people call it. */
export const faultName = (one: Fault): string => ('component' in one ? `${one.fault} ${one.component}` : one.fault);

/** Faults of the same kind count together: `kill apiserver` of every API server. */
export const faultKind = (one: Fault): string => ('component' in one ? `${one.fault} ${one.component.replace(/-\d+$/, '')}` : one.fault);

/** Every fault that the cluster can have, each once: first those of the log, then of each process in turn. */
export function everyFault({ components, hasLeader, hasNetwork }: Parts): readonly Fault[] {
  const isLog = (component: string): boolean => /^nats(-\d+)?$/.test(component);
  return [
    ...(hasLeader ? OF_LEADER.map((fault): Fault => ({ fault })) : []),
    ...(hasNetwork ? OF_NETWORK.map((fault): Fault => ({ fault })) : []),
    { fault: 'kill the log' },
    ...(components.includes('postgres') ? [{ fault: 'kill postgres' } as const] : []),
    ...components
      .filter((component) => component !== 'postgres' && !(isLog(component) && !hasLeader))
      .flatMap((component) => EACH.map((fault): Fault => ({ fault, component }))),
  ];
}

/** The faults of a whole run: those of the log come again between the others, which are shuffled, until all have had their turn; then anew. */
export function* faultsWithoutEnd(parts: Parts, chance: Chance): Generator<Fault, never> {
  const all = everyFault(parts);
  const [ofLog, others] = [all.filter((one) => !('component' in one)), all.filter((one) => 'component' in one)];
  for (;;) {
    const left = [...others];
    do {
      for (const one of ofLog) {
        yield one;
        for (let i = 0; i < 2 && left.length > 0; i++) yield left.splice(chance.below(left.length), 1)[0] as Fault;
      }
    } while (left.length > 0);
  }
}

/** The longest time between two acknowledged writes that a stretch of time has part of. `successes` rise. */
export function longestSilence(successes: readonly number[], from: number, to: number): number {
  let longest = 0;
  let before = successes[0] ?? from;
  for (const at of [...successes, Infinity]) {
    if (at > from && before < to) longest = Math.max(longest, Math.min(at, to) - Math.max(before, from));
    if (before >= to) break;
    before = at;
  }
  return longest;
}

/** The middle one of some numbers, the lower of two. */
export const medianOf = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? 0;
