import type { Sequence } from '#libs/log';

/**
 * The last sequences of subjects as this process has seen them, in what it wrote and what it read. A subject's last
 * sequence only rises, so an expectation below one seen is known to be wrong without asking; but for a subject whose
 * last event was archived or has aged away, which is empty again. Bounded: the subjects seen longest ago are forgotten.
 */
export class Seen {
  private readonly sequences = new Map<string, Sequence>();

  constructor(private readonly limit = 65_536) {}

  note(subject: string, sequence: Sequence): void {
    if ((this.sequences.get(subject) ?? 0) >= sequence) return;
    this.sequences.delete(subject);
    this.sequences.set(subject, sequence);
    if (this.sequences.size <= this.limit) return;
    const oldest = this.sequences.keys().next();
    if (!oldest.done) this.sequences.delete(oldest.value);
  }

  /** The log has no event of the subject. */
  forget(subject: string): void {
    this.sequences.delete(subject);
  }

  of(subject: string): Sequence | undefined {
    return this.sequences.get(subject);
  }
}
