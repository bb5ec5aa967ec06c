import { fnv32 } from '#libs/apimachinery';
import type { LevelLimits } from './limits.js';

/** A request as the dispatcher sees it: where it belongs, and what its owner needs to recognise it by. */
export interface Ticket<T> {
  readonly level: string;
  readonly flow: string;
  readonly owner: T;
}

/** What becomes of a request that arrives. */
export type Arrival = 'runs' | 'waits' | 'refused';

/** One level's requests: how many are worked on, and queues of those that wait, by their numbers. */
interface LevelState<T> {
  limits: LevelLimits;
  running: number;
  waiting: number;
  readonly queues: Map<number, Ticket<T>[]>;
  /** The queue that was served last: the next one is the next in order. */
  last: number;
}

/** The queues that a flow may use, dealt from its hash: two flows seldom share all of them (apiserver `shufflesharding`). */
export function handOf(flow: string, deck: number, size: number): readonly number[] {
  let hash = (BigInt(fnv32(flow)) << 28n) ^ BigInt(fnv32(`${flow}/`));
  const hand: number[] = [];
  const left = Array.from({ length: size }, (_, i) => {
    const count = BigInt(deck - i);
    const card = Number(hash % count);
    hash /= count;
    return card;
  });
  left.forEach((drawn, i) => {
    let card = drawn;
    for (let j = i - 1; j >= 0; j--) if (card >= (left[j] ?? 0)) card += 1;
    hand.push(card);
  });
  return hand;
}

/**
 * Decides which requests are worked on, wait, or are refused (KEP-1040, simplified: every request takes one seat, and
 * queues are served in turn). Levels keep their minimum whatever the others do; what they lend goes to whoever needs it.
 * Holds no more than the levels' queues allow. Neither clock nor chance: the same arrivals give the same answers.
 */
export class Dispatcher<T> {
  private readonly levels = new Map<string, LevelState<T>>();
  private limits: ReadonlyMap<string, LevelLimits> = new Map();

  constructor(private readonly serverLimit: number) {}

  /** Takes new limits over. Returns whoever waited in a level that is gone or has no such queue any more, and may now be refused. */
  configure(limits: ReadonlyMap<string, LevelLimits>): readonly Ticket<T>[] {
    this.limits = limits;
    const stranded: Ticket<T>[] = [];
    for (const [name, state] of this.levels) {
      const next = limits.get(name);
      if (next) state.limits = next;
      for (const [number, queue] of state.queues) {
        if (next?.queuing && number < next.queuing.queues) continue;
        stranded.push(...queue);
        state.waiting -= queue.length;
        state.queues.delete(number);
      }
      if (!next && state.running === 0) this.levels.delete(name);
    }
    return stranded;
  }

  /** How many requests of a level are worked on and wait. */
  count(level: string): { readonly running: number; readonly waiting: number } {
    const { running = 0, waiting = 0 } = this.levels.get(level) ?? {};
    return { running, waiting };
  }

  arrive(ticket: Ticket<T>): Arrival {
    const state = this.stateOf(ticket.level);
    if (!state) return 'refused';
    if (state.limits.exempt || (state.waiting === 0 && this.hasSeat(state))) {
      state.running += 1;
      return 'runs';
    }
    const { queuing } = state.limits;
    if (!queuing) return 'refused';
    const hand = handOf(ticket.flow, queuing.queues, queuing.handSize);
    const length = (number: number): number => state.queues.get(number)?.length ?? 0;
    const shortest = hand.reduce((best, number) => (length(number) < length(best) ? number : best), hand[0] ?? 0);
    const queue = state.queues.get(shortest) ?? [];
    if (queue.length >= queuing.queueLengthLimit) return 'refused';
    queue.push(ticket);
    state.queues.set(shortest, queue);
    state.waiting += 1;
    return 'waits';
  }

  /** A request is done: those whose turn it is, now worked on. */
  leave(level: string): readonly Ticket<T>[] {
    const state = this.levels.get(level);
    if (!state) return [];
    state.running -= 1;
    if (state.running === 0 && state.waiting === 0 && !this.limits.has(level)) this.levels.delete(level);
    return this.promote();
  }

  /** A request that waits goes away. */
  abandon(ticket: Ticket<T>): void {
    const state = this.levels.get(ticket.level);
    for (const [number, queue] of state?.queues ?? []) {
      const at = queue.indexOf(ticket);
      if (!state || at < 0) continue;
      queue.splice(at, 1);
      state.waiting -= 1;
      if (queue.length === 0) state.queues.delete(number);
    }
  }

  private stateOf(level: string): LevelState<T> | undefined {
    const known = this.levels.get(level);
    if (known) return known;
    const limits = this.limits.get(level);
    if (!limits) return undefined;
    const state: LevelState<T> = { limits, running: 0, waiting: 0, queues: new Map(), last: -1 };
    this.levels.set(level, state);
    return state;
  }

  /** Below its minimum a level always has a seat; above it, one that nobody else is sure of. */
  private hasSeat({ limits, running }: LevelState<T>): boolean {
    if (running < limits.minimum) return true;
    if (running >= Math.max(limits.most, 1)) return false;
    return this.committed() < this.serverLimit;
  }

  /** Seats that are taken or promised: a level that uses less than its minimum is sure of it. */
  private committed(): number {
    let seats = 0;
    for (const [name, { minimum, exempt }] of this.limits) {
      if (exempt) continue;
      seats += Math.max(minimum, this.levels.get(name)?.running ?? 0);
    }
    return seats;
  }

  /** Starts whoever waits and has a seat: levels below their share first, then those that borrow. */
  private promote(): readonly Ticket<T>[] {
    const started: Ticket<T>[] = [];
    for (const borrowing of [false, true]) {
      for (const state of this.levels.values()) {
        while (state.waiting > 0 && (borrowing || state.running < state.limits.nominal) && this.hasSeat(state)) {
          started.push(this.next(state));
          state.running += 1;
        }
      }
    }
    return started;
  }

  /** The first of the queue whose turn it is. */
  private next(state: LevelState<T>): Ticket<T> {
    let turn: number | undefined;
    let lowest: number | undefined;
    for (const number of state.queues.keys()) {
      if (number > state.last && (turn === undefined || number < turn)) turn = number;
      if (lowest === undefined || number < lowest) lowest = number;
    }
    const number = turn ?? lowest ?? 0;
    const queue = state.queues.get(number) ?? [];
    const ticket = queue.shift();
    if (!ticket) throw new Error('a level that waits has an empty queue');
    if (queue.length === 0) state.queues.delete(number);
    state.last = number;
    state.waiting -= 1;
    return ticket;
  }
}
