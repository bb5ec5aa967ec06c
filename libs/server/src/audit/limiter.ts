import type { Instant } from '#libs/apimachinery';
import type { AuditEntry } from '#libs/log';

const WINDOW_MS = 60_000;

/** How many alike are kept in a minute, of how many kinds, and how many kinds of the rest are counted apart. */
interface Budget {
  readonly each: number;
  readonly all: number;
  readonly counted: number;
}

const NOBODY: Budget = { each: 4, all: 12, counted: 8 };
const SOMEBODY: Budget = { each: 60, all: 3_000, counted: 256 };
const OTHERS = '';

interface Held {
  readonly first: AuditEntry;
  count: number;
}

/** What one minute has seen. */
class Window {
  private readonly kept = new Map<string, number>();
  private readonly held = new Map<string, Held>();
  private all = 0;

  constructor(private readonly budget: Budget) {}

  admit(key: string, entry: AuditEntry): boolean {
    const before = this.kept.get(key) ?? 0;
    if (before < this.budget.each && this.all < this.budget.all) {
      this.kept.set(key, before + 1);
      this.all += 1;
      return true;
    }
    const found = this.held.get(key) ?? (this.held.size < this.budget.counted ? undefined : this.held.get(OTHERS));
    if (found) found.count += 1;
    else this.held.set(this.held.size < this.budget.counted ? key : OTHERS, { first: entry, count: 1 });
    return false;
  }

  /** One entry for all that were alike: what they did not have in common is gone. */
  counted(): readonly AuditEntry[] {
    return [...this.held].map(([key, { first, count }]) => {
      const { name: _, namespace: __, path: ___, latencyMs: ____, annotations: _____, event: ______, ...rest } = first;
      const { source: _______, agent: ________, ...common } = rest;
      return { ...(key === OTHERS ? common : rest), count };
    });
  }
}

/**
 * Keeps a flood from flushing what is worth keeping: of requests that are alike a few are kept in each minute, the rest are
 * counted and told in one entry. Those of nobody in particular, which cost nothing to make, get the least.
 */
export class AuditLimiter {
  private nobody = new Window(NOBODY);
  private somebody = new Window(SOMEBODY);
  private started: Instant = -Infinity;

  /** Whether the entry is to be stored as it is. */
  admit(entry: AuditEntry, anonymous: boolean): boolean {
    if (anonymous) return this.nobody.admit(`${entry.source ?? ''} ${entry.code ?? ''}`, entry);
    return this.somebody.admit(`${entry.user} ${entry.kind} ${entry.code ?? ''}`, entry);
  }

  /** What was counted in a minute that is over; `end`: in the one that is not, too. */
  drain(now: Instant, end = false): readonly AuditEntry[] {
    if (now - this.started < WINDOW_MS && !end) return [];
    const counted = [...this.nobody.counted(), ...this.somebody.counted()];
    this.nobody = new Window(NOBODY);
    this.somebody = new Window(SOMEBODY);
    this.started = now;
    return counted;
  }
}
