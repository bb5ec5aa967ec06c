import { CostExceeded } from './values.js';

/** How much an evaluation may do beyond what its cost says: steps of loops inside functions, such as a comparison of large lists. */
const WORK_LIMIT = 20_000_000;
/** The longest text or list that an expression may build. */
const SIZE_LIMIT = 10_000_000;

/**
 * What an evaluation costs, in upstream's units (cel-go's CostTracker), against its limit. Apart from that it counts
 * the work that those units leave out, so that no expression keeps the process busy.
 */
export class Meter {
  cost = 0;
  private worked = 0;

  constructor(private readonly limit: number) {}

  charge(units: number): void {
    this.cost += units;
    if (this.cost > this.limit) throw new CostExceeded();
  }

  work(steps: number): void {
    this.worked += steps;
    if (this.worked > WORK_LIMIT) throw new CostExceeded();
  }

  /** Before something of a size is built. */
  build(size: number): void {
    if (size > SIZE_LIMIT) throw new CostExceeded();
    this.work(Math.ceil(size / 8));
  }
}
