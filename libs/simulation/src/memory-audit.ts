import type { AuditBatch, AuditEntry, AuditReadOptions, AuditStream, Sequence } from '#libs/log';
import { LogUnavailable } from '#libs/log';

/** How much a stream in memory keeps, and what a test does to it. */
export interface MemoryAuditOptions {
  /** Batches kept, the oldest forgotten first; 1,024 unless set. */
  readonly maxBatches?: number;
  /** When a batch is stored; default: the time of its first entry. */
  readonly now?: () => number;
  /** Whether an append fails. */
  readonly fault?: () => boolean;
}

/** The audit stream as an array, for tests and the simulation; one contract spec runs against it and against JetStream's. */
export class MemoryAudit implements AuditStream {
  private batches: (AuditBatch & { readonly stored: number })[] = [];
  private last = 0;
  private closed = false;
  private wake: (() => void)[] = [];

  constructor(private readonly options: MemoryAuditOptions = {}) {}

  async append(entries: readonly AuditEntry[]): Promise<void> {
    if (this.closed || this.options.fault?.() === true) throw new LogUnavailable('the audit stream can not be reached');
    if (entries.length === 0) return;
    this.last += 1;
    const stored = this.options.now?.() ?? entries[0]?.time ?? 0;
    this.batches.push({ sequence: this.last, entries: structuredClone(entries), stored });
    this.batches = this.batches.slice(-(this.options.maxBatches ?? 1_024));
    this.wakeAll();
  }

  async *read({ since, after: start = 0, follow = false, signal }: AuditReadOptions = {}): AsyncGenerator<AuditBatch> {
    let after = start;
    while (!this.closed && !signal?.aborted) {
      const found = this.batches.filter(({ sequence, stored }) => sequence > after && (since === undefined || stored >= since));
      for (const { sequence, entries } of found) {
        if (signal?.aborted) return;
        after = sequence;
        yield { sequence, entries };
      }
      if (found.length > 0) continue;
      if (!follow) return;
      await new Promise<void>((resolve) => {
        this.wake.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async bounds(): Promise<{ readonly first: Sequence; readonly last: Sequence }> {
    return { first: this.batches[0]?.sequence ?? this.last + 1, last: this.last };
  }

  /** Every entry there is. */
  get entries(): readonly AuditEntry[] {
    return this.batches.flatMap(({ entries }) => entries);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wakeAll();
  }

  private wakeAll(): void {
    const waiting = this.wake;
    this.wake = [];
    for (const resolve of waiting) resolve();
  }
}
