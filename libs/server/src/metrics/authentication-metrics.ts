import { exponentialBuckets, type Count, type Distribution, type Metrics } from '#libs/runtime';

/** How requests were authenticated, under upstream's names. */
export class AuthenticationMetrics {
  private readonly attempts: Readonly<Record<'success' | 'failure', Count>>;
  private readonly seconds: Readonly<Record<'success' | 'failure', Distribution>>;

  constructor(metrics: Metrics) {
    const attempts = metrics.counter({ name: 'authentication_attempts', help: 'Counter of authenticated attempts.', labels: ['result'] });
    const seconds = metrics.histogram({
      name: 'authentication_duration_seconds',
      help: 'Authentication duration in seconds broken out by result.',
      labels: ['result'],
      buckets: exponentialBuckets(0.001, 2, 15),
    });
    this.attempts = { success: attempts.of('success'), failure: attempts.of('failure') };
    this.seconds = { success: seconds.of('success'), failure: seconds.of('failure') };
  }

  /** Counts an attempt, whatever comes of it. */
  async counted<T>(attempt: Promise<T>): Promise<T> {
    const begin = performance.now();
    let result: 'success' | 'failure' = 'failure';
    try {
      const found = await attempt;
      result = 'success';
      return found;
    } finally {
      this.attempts[result].add();
      this.seconds[result].observe((performance.now() - begin) / 1_000);
    }
  }
}
