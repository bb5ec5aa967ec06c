import type { Instant } from '#libs/apimachinery';

/** A clock that was put back to a moment and runs from there at a pace of its own. */
export class ReplayClock {
  private readonly started: Instant;

  constructor(
    /** The moment it began at. */
    readonly from: Instant,
    private readonly speed: number,
    private readonly now: () => Instant,
  ) {
    this.started = now();
  }

  /** How long it is, in real time, until the clock shows an instant. */
  msUntil(instant: Instant): number {
    if (instant <= this.from) return 0;
    return Math.max(0, this.started + (instant - this.from) / this.speed - this.now());
  }
}
