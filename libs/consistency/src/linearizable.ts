import { ABSENT, after, type ObjectState } from './model.js';
import type { Operation } from './operation.js';

/** What a history of one object turned out to be. */
export type Verdict =
  | { readonly verdict: 'linearizable' }
  /** No order explains it; the longest that explains a part, and the first operations that fit nowhere behind it. */
  | { readonly verdict: 'violated'; readonly explained: readonly Operation[]; readonly stuckAt: readonly Operation[] }
  /** The search met its limit: nothing is known, and nobody may take it for good. */
  | { readonly verdict: 'undecided'; readonly steps: number };

/** So many steps are tried for one object before the search gives up. */
export const MOST_STEPS = 5_000_000;

/** A place in the line of calls and returns. A call knows its return. */
interface Place {
  readonly operation: number;
  readonly returned: Place | undefined;
  before: Place | undefined;
  next: Place | undefined;
}

interface Line {
  readonly head: Place;
  readonly open: number;
}

const isUnknown = ({ answered }: Operation): boolean => answered.outcome === 'unknown';
const end = (operation: Operation): number => (isUnknown(operation) ? Infinity : operation.to);

/** Calls and returns in the order of time; where two are at one time the call counts as first, so that both could have overlapped. */
function lineOf(operations: readonly Operation[]): Line {
  const marks = operations.flatMap((operation, i) => {
    const returned: Place = { operation: i, returned: undefined, before: undefined, next: undefined };
    const call: Place = { operation: i, returned, before: undefined, next: undefined };
    return [
      { at: operation.from, order: 0, place: call },
      { at: end(operation), order: 1, place: returned },
    ];
  });
  marks.sort((a, b) => (a.at === b.at ? a.order - b.order : a.at - b.at));
  const head: Place = { operation: -1, returned: undefined, before: undefined, next: undefined };
  let last = head;
  for (const { place } of marks) {
    place.before = last;
    last.next = place;
    last = place;
  }
  return { head, open: operations.filter((operation) => !isUnknown(operation)).length };
}

function cut(place: Place): void {
  if (place.before) place.before.next = place.next;
  if (place.next) place.next.before = place.before;
}

function lift(call: Place): void {
  cut(call);
  if (call.returned) cut(call.returned);
}

function join(place: Place): void {
  if (place.before) place.before.next = place;
  if (place.next) place.next.before = place;
}

function unlift(call: Place): void {
  if (call.returned) join(call.returned);
  join(call);
}

/** Two numbers for an operation whose sums over a set tell sets apart. */
const mark = (operation: number, salt: number): number => {
  let x = Math.imul(operation + salt, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
};

const [SALT, PEPPER] = [1, 0x5bd1e995];

/** The operations that have been put in order, and the state they lead to. */
class Order {
  readonly #taken: { readonly call: Place; readonly state: ObjectState }[] = [];
  readonly #tried = new Set<string>();
  #hashes: [number, number] = [0, 0];
  state: ObjectState = ABSENT;

  get length(): number {
    return this.#taken.length;
  }

  get operations(): readonly number[] {
    return this.#taken.map(({ call }) => call.operation);
  }

  /** Puts an operation last, unless the same operations have led to the same state before. */
  take(call: Place, state: ObjectState): boolean {
    const hashes = this.#with(call);
    const key = `${hashes[0]} ${hashes[1]} ${state.version ?? ''} ${state.floor} ${state.content ?? ''}`;
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    this.#taken.push({ call, state: this.state });
    this.#hashes = hashes;
    this.state = state;
    lift(call);
    return true;
  }

  /** Takes the last one out again. */
  giveBack(): Place | undefined {
    const last = this.#taken.pop();
    if (!last) return undefined;
    this.#hashes = this.#with(last.call);
    this.state = last.state;
    unlift(last.call);
    return last.call;
  }

  #with({ operation }: Place): [number, number] {
    const [a, b] = this.#hashes;
    return [a ^ mark(operation, SALT), b ^ mark(operation, PEPPER)];
  }
}

/**
 * Whether the operations on one object could have happened one at a time, each between its call and its answer, as the model has it: the
 * search of Wing and Gong with Lowe's memory of what has been tried, as in Porcupine.
 */
export function linearizable(operations: readonly Operation[], mostSteps: number = MOST_STEPS): Verdict {
  const { head, open } = lineOf(operations);
  const order = new Order();
  const at = (i: number): Operation => operations[i] as Operation;
  let left = open;
  let best: readonly number[] = [];
  let stuckAt: ReadonlySet<number> = new Set();
  let place = head.next;
  for (let steps = 0; left > 0; steps++) {
    if (steps >= mostSteps) return { verdict: 'undecided', steps };
    if (place?.returned) {
      const operation = at(place.operation);
      const state = after(order.state, operation);
      if (state && order.take(place, state)) {
        if (!isUnknown(operation)) left -= 1;
        place = head.next;
      } else place = place.next;
      continue;
    }
    if (order.length >= best.length) [best, stuckAt] = [order.operations, callsBefore(head, place)];
    const back = order.giveBack();
    if (!back) return { verdict: 'violated', explained: best.map(at), stuckAt: [...stuckAt].map(at) };
    if (!isUnknown(at(back.operation))) left += 1;
    place = back.next;
  }
  return { verdict: 'linearizable' };
}

/** The operations that had begun where the search could not go on. */
function callsBefore(head: Place, until: Place | undefined): ReadonlySet<number> {
  const calls = new Set<number>();
  for (let place = head.next; place && place !== until; place = place.next) calls.add(place.operation);
  if (until) calls.add(until.operation);
  return calls;
}
