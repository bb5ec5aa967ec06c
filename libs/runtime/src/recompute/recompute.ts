import type { ResourceDefinition } from '#libs/api';
import type { Change, Controller, Instant } from '#libs/apimachinery';
import { formatPosition, STREAMS, type Decision, type EventLog, type Position, type Recorded } from '#libs/log';
import { decidedChange } from '../controller/change-request.js';
import { explains } from './explains.js';
import { Forgotten } from './forgotten.js';
import { Timeline } from './timeline.js';
import { Witness } from './witness.js';

/** What came of computing an event's decision again. */
export interface Recomputed {
  readonly event: Recorded;
  readonly decision: Decision;
  /** What is decided now; undefined: nothing, at this index. */
  readonly change: Change | undefined;
  /** Whether the change is the one whose writing made the event, or another event of the same append (a Service's address). */
  readonly same: boolean;
  /** Why it can't be told whether it is the same: what the decision was made of is gone, or its controller is not known. */
  readonly uncheckable?: string;
  /** What else is wrong: the controller failed, or its index does not give what its snapshot gives. */
  readonly problem?: string;
}

/** What to compute again, and with what. */
export interface RecomputeOptions {
  readonly log: EventLog;
  readonly controllers: readonly Controller[];
  /** The built-in kinds. */
  readonly definitions: readonly ResourceDefinition[];
  /** Only what was decided from then on, and before. */
  readonly since?: Instant;
  readonly until?: Instant;
  /** Events that are read ahead; 8,192 unless set. */
  readonly ahead?: number;
  /** Events of each stream that a decision may lie back; 65,536 unless set. */
  readonly back?: number;
  /** Hears how far it has come: the time of the events and how many were read. */
  readonly onProgress?: (time: Instant, events: number) => void;
}

const AHEAD = 8_192;
const BACK = 65_536;
/** Changes remembered as explained, for other events of the same append that are met later. */
const REMEMBERED = 100_000;

interface Pending {
  readonly event: Recorded;
  readonly decision: Decision;
}

const inOrder = ({ decision: a }: Pending, { decision: b }: Pending): number => {
  for (const stream of STREAMS) if (a.seen[stream] !== b.seen[stream]) return a.seen[stream] - b.seen[stream];
  if (a.controller !== b.controller) return a.controller < b.controller ? -1 : 1;
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.decidedAt - b.decidedAt || a.index - b.index;
};

/** Tells one decision from all others. */
const identity = ({ controller, key, seen, decidedAt }: Decision): string => `${controller} ${key} ${formatPosition(seen)} ${decidedAt}`;

/** Pending events of the same decision, one group after the other. */
function groupsOf(sorted: readonly Pending[]): readonly (readonly Pending[])[] {
  const groups: Pending[][] = [];
  let of = '';
  for (const pending of sorted) {
    const its = identity(pending.decision);
    if (its === of) groups.at(-1)?.push(pending);
    else groups.push([pending]);
    of = its;
  }
  return groups;
}

async function lasts(log: EventLog): Promise<Position> {
  const [state = 0, lease = 0, event = 0] = await Promise.all(STREAMS.map((stream) => log.last(stream)));
  return { state, lease, event };
}

/** A decision made once more: all its changes, or why there are none to compare. */
interface Redecided {
  readonly changes: readonly Change[];
  readonly uncheckable?: string;
  readonly problem?: string;
}

class Recomputation {
  readonly #pending: Pending[] = [];
  readonly #explained = new Set<string>();
  readonly #controllers: ReadonlyMap<string, Controller>;
  #events = 0;

  constructor(
    private readonly options: RecomputeOptions,
    private readonly checked: Position,
    private readonly forgotten: Forgotten,
  ) {
    this.#controllers = new Map(options.controllers.map((controller) => [controller.name, controller]));
  }

  async *results(end: Position): AsyncGenerator<Recomputed> {
    const { log, definitions, controllers, ahead = AHEAD, back = BACK, onProgress } = this.options;
    const onRead = (events: readonly Recorded[]): void => this.#note(events);
    const timeline = new Timeline({ log, definitions, controllers, until: end, keep: back, onRead });
    try {
      for (;;) {
        await timeline.readAhead(ahead);
        const until = timeline.ended ? Infinity : timeline.middle;
        for (const group of groupsOf(this.#ready(until))) yield* await this.#check(group, timeline);
        timeline.passUntil(until);
        onProgress?.(timeline.time, this.#events);
        if (timeline.ended && this.#pending.length === 0) return;
      }
    } finally {
      await timeline.close();
    }
  }

  #note(events: readonly Recorded[]): void {
    const { since = -Infinity, until = Infinity } = this.options;
    this.#events += events.length;
    for (const event of events) {
      const { decision } = event.meta;
      if (!decision || event.sequence > this.checked[event.stream]) continue;
      if (decision.decidedAt >= since && decision.decidedAt < until) this.#pending.push({ event, decision });
    }
  }

  /** Takes what was written until then, in the order in which it was decided. */
  #ready(until: Instant): readonly Pending[] {
    const ready = this.#pending.filter(({ event }) => event.time <= until).sort(inOrder);
    const later = this.#pending.filter(({ event }) => event.time > until);
    this.#pending.splice(0, this.#pending.length, ...later);
    return ready;
  }

  async #check(group: readonly Pending[], timeline: Timeline): Promise<readonly Recomputed[]> {
    const [first] = group;
    if (!first) return [];
    const { changes, ...rest } = await this.#redecide(first.decision, timeline);
    const results = group.map(({ event, decision }) => {
      const change = decidedChange(changes, decision.index, decision);
      if (change && explains(change, event)) this.#remember(event, decision);
      return { event, decision, change, ...rest };
    });
    return results.map((result) => ({ ...result, same: this.#same(result) }));
  }

  async #redecide(decision: Decision, timeline: Timeline): Promise<Redecided> {
    const { key, seen, decidedAt } = decision;
    const controller = this.#controllers.get(decision.controller);
    if (!controller) return { changes: [], uncheckable: `the controller ${decision.controller} is not known` };
    if (!(await timeline.moveTo(seen))) return { changes: [], uncheckable: 'it was decided long before it was written' };
    const witness = new Witness(timeline, this.forgotten);
    const decide = (snapshot: unknown): readonly Change[] =>
      snapshot === undefined ? [] : controller.reconcile(snapshot, decidedAt).changes;
    const missing = (): Partial<Redecided> => (witness.missing.size === 0 ? {} : { uncheckable: [...witness.missing].join(', ') });
    try {
      const changes = decide(controller.snapshot(key, witness));
      const index = timeline.indexOf(controller.name);
      if (!index || JSON.stringify(decide(index.snapshot(key))) === JSON.stringify(changes)) return { changes, ...missing() };
      return { changes, ...missing(), problem: 'its index decides otherwise than its snapshot' };
    } catch (error) {
      return { changes: [], ...missing(), problem: `it fails: ${String(error)}` };
    }
  }

  /** What tells the append of an event, as far as a reader knows it. */
  #append({ stream, sequence, meta: { batch } }: Recorded, decision: Decision): string {
    return `${identity(decision)} ${decision.index} ${stream} ${batch?.id ?? sequence}`;
  }

  #remember(event: Recorded, decision: Decision): void {
    this.#explained.add(this.#append(event, decision));
    if (this.#explained.size <= REMEMBERED) return;
    const oldest = this.#explained.keys().next();
    if (!oldest.done) this.#explained.delete(oldest.value);
  }

  #same({ event, decision, uncheckable, problem }: Omit<Recomputed, 'same'>): boolean {
    return uncheckable === undefined && problem === undefined && this.#explained.has(this.#append(event, decision));
  }
}

/**
 * Every decision that the log tells of when it is asked, computed again, about in the order in which they were made. Holds no
 * more of the log than it was allowed to.
 */
export async function* recompute(options: RecomputeOptions): AsyncGenerator<Recomputed> {
  const checked = await lasts(options.log);
  // A decision may have seen more of the other streams than what was written of them when the first was asked.
  const end = await lasts(options.log);
  yield* new Recomputation(options, checked, await Forgotten.of(options.log, end)).results(end);
}

/** All that `recompute` gives, of a log that is small. */
export async function recomputeAll(
  log: EventLog,
  controllers: readonly Controller[],
  definitions: readonly ResourceDefinition[],
): Promise<readonly Recomputed[]> {
  const all: Recomputed[] = [];
  for await (const one of recompute({ log, controllers, definitions })) all.push(one);
  return all;
}
