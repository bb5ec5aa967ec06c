import type { Sequence } from '#libs/log';

/** Who writes a subject now, who comes after, and where the subject stood when the last of them was done. */
interface Line {
  readonly waiting: (() => void)[];
  last: Sequence;
}

/** The right to write some subjects besides one's own object. Given back once; `sequence` is where they then stood. */
export interface Turn {
  readonly subjects: ReadonlySet<string>;
  /** The newest sequence that earlier turns have left: the decision has to see it. */
  readonly seen: Sequence;
  give(sequence: Sequence): void;
}

/**
 * Writers of one process that change the same object besides their own (a quota's or a budget's status), one after the
 * other: of a thousand that race each would try a hundred times. Other processes are met by the expected sequence.
 */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** The turn, where nobody has any of the subjects. */
  tryTake(subjects: readonly string[]): Turn | undefined {
    if (subjects.some((subject) => this.#lines.has(subject))) return undefined;
    for (const subject of subjects) this.#lines.set(subject, { waiting: [], last: 0 });
    return this.#turn(subjects, 0);
  }

  /** The turn, once everybody before is done. Subjects are taken in order, so that no two wait for each other. */
  async take(subjects: readonly string[]): Promise<Turn> {
    let seen = 0;
    for (const subject of [...subjects].sort()) {
      const line = this.#lines.get(subject);
      if (line) {
        await new Promise<void>((resolve) => line.waiting.push(resolve));
        seen = Math.max(seen, line.last);
      } else {
        this.#lines.set(subject, { waiting: [], last: 0 });
      }
    }
    return this.#turn(subjects, seen);
  }

  #turn(subjects: readonly string[], seen: Sequence): Turn {
    return {
      subjects: new Set(subjects),
      seen,
      give: (sequence) => {
        for (const subject of subjects) this.#next(subject, sequence);
      },
    };
  }

  #next(subject: string, sequence: Sequence): void {
    const line = this.#lines.get(subject);
    if (!line) return;
    line.last = Math.max(line.last, sequence);
    const next = line.waiting.shift();
    if (next) next();
    else this.#lines.delete(subject);
  }
}
