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

  /** Somebody was recognised, or his credentials were not believed, so long after he came. */
  ended(result: 'success' | 'failure', ms: number): void {
    this.attempts[result].add();
    this.seconds[result].observe(ms / 1_000);
  }
}
