import { StatusError, type Change, type Refusal } from '#libs/apimachinery';
import type { Sequence, StreamName } from '#libs/log';
import { refusedOperations } from '#libs/registry';
import { basisOf } from './change-request.js';
import type { Group, IndexedChange, Run, Step } from './change-runs.js';

/** What one change came to: where it was written, or undefined where it changed nothing. */
export type Written = { readonly stream: StreamName; readonly sequence: Sequence } | undefined;

/** How the changes of a decision are written. */
export interface Execution {
  one(change: IndexedChange): Promise<Written>;
  /** All or none. Throws a StatusError that names those that are refused. */
  together(changes: readonly IndexedChange[]): Promise<Written>;
}

/** What became of a decision. */
export interface Outcome {
  /** The newest sequence written in each stream. */
  readonly reached: ReadonlyMap<StreamName, Sequence>;
  /** Somebody else wrote first: the decision is made again once the view has moved. */
  readonly raced: boolean;
  readonly refusals: readonly Refusal[];
  /** A failure that says nothing about the changes: the log is gone, or a bug. */
  readonly failure: unknown;
}

const RACES: ReadonlySet<string> = new Set(['Conflict', 'AlreadyExists', 'NotFound']);
const UNAVAILABLE: ReadonlySet<string> = new Set(['ServiceUnavailable', 'TooManyRequests', 'Timeout', 'ServerTimeout', 'InternalError']);

/** So often a group is written anew without what was refused of it. */
const MOST_TRIES = 5;

type Led = Step & { readonly lead: IndexedChange };

class CarryOut {
  readonly reached = new Map<StreamName, Sequence>();
  readonly refusals: Refusal[] = [];
  raced = false;
  failure: unknown;

  constructor(
    private readonly execution: Execution,
    private readonly concurrency: number,
    private readonly untold: (change: Change, error: unknown) => void,
  ) {}

  get stopped(): boolean {
    return this.failure !== undefined || this.refusals.length > 0;
  }

  async run(run: Run): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < run.length && !this.stopped) {
        const group = run[next++];
        if (group) await this.group(group);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.concurrency, run.length) }, worker));
  }

  private async group(group: Group): Promise<void> {
    const [first] = group;
    if (first?.lead && basisOf(first.lead.change))
      return this.together(group.flatMap(({ lead, tellings }) => (lead ? [{ lead, tellings }] : [])));
    for (const { lead, tellings } of group) if (!lead || (await this.write(lead))) await this.tell(tellings);
  }

  /** What is refused of a group is left out, and the others are written without it. */
  private async together(group: readonly Led[]): Promise<void> {
    let left = group;
    for (let i = 0; i < MOST_TRIES && left.length > 0; i++) {
      try {
        this.note(await this.execution.together(left.map(({ lead }) => lead)));
        return await this.tell(left.flatMap(({ tellings }) => tellings));
      } catch (error) {
        left = this.without(left, error);
      }
    }
    this.raced ||= left.length > 0;
  }

  /** Those of a group that an error says nothing of; none where it speaks of all. */
  private without(group: readonly Led[], error: unknown): readonly Led[] {
    const refused = error instanceof StatusError ? refusedOperations(error) : [];
    for (const { index, refusal } of refused) {
      const change = group[index]?.lead.change;
      if (change) this.failed(change, refusal);
    }
    if (refused.length === 0) this.failure ??= error;
    const indexes = new Set(refused.map(({ index }) => index));
    return refused.length === 0 ? [] : group.filter((_, i) => !indexes.has(i));
  }

  private async tell(tellings: Step['tellings']): Promise<void> {
    await Promise.all(
      tellings.map(async (telling) => {
        try {
          this.note(await this.execution.one(telling));
        } catch (error) {
          this.untold(telling.change, error);
        }
      }),
    );
  }

  private async write(indexed: IndexedChange): Promise<boolean> {
    try {
      this.note(await this.execution.one(indexed));
      return true;
    } catch (error) {
      this.failed(indexed.change, error);
      return false;
    }
  }

  private failed(change: Change, error: unknown): void {
    if (!(error instanceof StatusError) || UNAVAILABLE.has(error.reason)) this.failure ??= error;
    else if (RACES.has(error.reason)) this.raced ||= change.verb !== 'delete' || error.reason !== 'NotFound';
    else this.refusals.push({ change, reason: error.reason, message: error.message });
  }

  private note(written: Written): void {
    if (written) this.reached.set(written.stream, Math.max(written.sequence, this.reached.get(written.stream) ?? 0));
  }
}

/**
 * Carries out a decision, run after run; what follows a failed change is left out. A Kubernetes Event that could not
 * be written stops nothing.
 */
export async function carryOut(
  runs: readonly Run[],
  execution: Execution,
  concurrency: number,
  untold: (change: Change, error: unknown) => void,
): Promise<Outcome> {
  const work = new CarryOut(execution, concurrency, untold);
  for (const run of runs) {
    await work.run(run);
    if (work.stopped || work.raced) break;
  }
  const { reached, raced, refusals, failure } = work;
  return { reached, raced, refusals, failure };
}
