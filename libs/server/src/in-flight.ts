import { tryAgainLater } from '#libs/apimachinery';

/** Bounds how many requests are worked on at once; what lasts long by nature does not count (upstream's max-in-flight filter). */
export class InFlight {
  private reads = 0;
  private writes = 0;

  constructor(
    private readonly maxReads: number,
    private readonly maxWrites: number,
  ) {}

  /** Takes a place; returns how to give it back. Throws TooManyRequests where none is free. */
  enter(verb: string): () => void {
    const reading = verb === 'get' || verb === 'list' || verb === 'watch';
    if (reading ? this.reads >= this.maxReads : this.writes >= this.maxWrites) {
      throw tryAgainLater('TooManyRequests', 'Too many requests, please try again later.', 1);
    }
    if (reading) this.reads += 1;
    else this.writes += 1;
    return () => {
      if (reading) this.reads -= 1;
      else this.writes -= 1;
    };
  }
}
