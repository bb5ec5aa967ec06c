/** A watch as far as its unread bytes go. */
export interface Backlogged {
  /** Cuts the connection off: its client starts anew from what it has seen. */
  cut(): void;
}

/** How much of the limit is left when enough are cut off: so that finding those that lag most is seldom done. */
const BEARABLE = 0.75;

/**
 * The bytes that all watches together have been sent and have not read. One that lags alone is cut off at a limit of
 * its own; where many lag at once, those that lag most are cut off until the rest is bearable.
 */
export class WatchBacklog {
  private total = 0;
  private readonly held = new Map<Backlogged, number>();

  constructor(private readonly maxBytes: number) {}

  /** What is unread altogether. */
  get bytes(): number {
    return this.total;
  }

  /** Says what a watch has unread now; 0 where it is gone. */
  set(watch: Backlogged, bytes: number): void {
    const before = this.held.get(watch) ?? 0;
    if (bytes === before) return;
    this.total += bytes - before;
    if (bytes === 0) this.held.delete(watch);
    else this.held.set(watch, bytes);
    if (this.total > this.maxBytes) this.shed();
  }

  private shed(): void {
    for (const [watch, bytes] of [...this.held].sort(([, a], [, b]) => b - a)) {
      if (this.total <= this.maxBytes * BEARABLE) return;
      this.held.delete(watch);
      this.total -= bytes;
      watch.cut();
    }
  }
}
