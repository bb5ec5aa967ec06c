import { StatusError, type Change, type Refusal } from '#libs/apimachinery';
import type { Sequence, StreamName } from '#libs/log';
import type { IndexedChange, Run, Step } from './change-runs.js';

/** What one change came to: where it was written, or undefined where it changed nothing. */
export type Written = { readonly stream: StreamName; readonly sequence: Sequence } | undefined;

/** Writes one change of a decision. */
export type Execute = (change: IndexedChange) => Promise<Written>;

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

class CarryOut {
  readonly reached = new Map<StreamName, Sequence>();
  readonly refusals: Refusal[] = [];
  raced = false;
  failure: unknown;

  constructor(
    private readonly execute: Execute,
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
        const step = run[next++];
        if (step) await this.step(step);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.concurrency, run.length) }, worker));
  }

  private async step({ lead, tellings }: Step): Promise<void> {
    if (lead && !(await this.write(lead))) return;
    await Promise.all(
      tellings.map(async (telling) => {
        try {
          this.note(await this.execute(telling));
        } catch (error) {
          this.untold(telling.change, error);
        }
      }),
    );
  }

  private async write(indexed: IndexedChange): Promise<boolean> {
    try {
      this.note(await this.execute(indexed));
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
  execute: Execute,
  concurrency: number,
  untold: (change: Change, error: unknown) => void,
): Promise<Outcome> {
  const work = new CarryOut(execute, concurrency, untold);
  for (const run of runs) {
    await work.run(run);
    if (work.stopped || work.raced) break;
  }
  const { reached, raced, refusals, failure } = work;
  return { reached, raced, refusals, failure };
}
