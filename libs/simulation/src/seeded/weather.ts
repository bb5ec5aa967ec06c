/** How kind the world is to those in it. */
export interface Weather {
  /** Messages take up to so long. */
  readonly delayMs: number;
  /** How often one takes twenty times as long. */
  readonly slow: number;
  /** How often a request to the log never arrives. */
  readonly lostRequest: number;
  /** How often its answer does not. */
  readonly lostAnswer: number;
  /** How often events are delivered once more. */
  readonly redelivered: number;
  /** How often a reader's connection breaks before a delivery. */
  readonly broken: number;
  /** How often the renewal of a lease is lost. */
  readonly lostRenewal: number;
  /** Faults of processes and nodes come so far apart, in the mean. */
  readonly faultEveryMs: number;
}

/** Nothing is lost, and nothing is slow. */
export const CALM: Weather = {
  delayMs: 5,
  slow: 0,
  lostRequest: 0,
  lostAnswer: 0,
  redelivered: 0,
  broken: 0,
  lostRenewal: 0,
  faultEveryMs: Infinity,
};

/** The weather of one seed: each kind of fault is absent in half of them, so that each is met without the others too. */
export function drawWeather(random: () => number): Weather {
  const perhaps = (most: number): number => (random() < 0.5 ? 0 : random() * most);
  return {
    delayMs: 1 + random() * 80,
    slow: perhaps(0.05),
    lostRequest: perhaps(0.05),
    lostAnswer: perhaps(0.1),
    redelivered: perhaps(0.3),
    broken: perhaps(0.02),
    lostRenewal: perhaps(0.5),
    faultEveryMs: 2_000 + random() * 10_000,
  };
}
