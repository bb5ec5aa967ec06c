/** Those who wait for containers to end, by container. Whoever keeps the containers' states says when one has ended. */
export class ExitWaiters {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** `over` says whether a container has ended, or is gone. */
  constructor(private readonly over: (id: string) => boolean) {}

  /** True once the container has ended; false when the time is up, or the signal aborts, before that. */
  wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.over(id)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiters = this.waiting.get(id) ?? new Set();
      this.waiting.set(id, waiters);
      const done = (): void => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0) this.waiting.delete(id);
        signal?.removeEventListener('abort', done);
        resolve(this.over(id));
      };
      waiters.add(done);
      const timer = setTimeout(done, timeoutMs);
      signal?.addEventListener('abort', done);
      if (signal?.aborted) done();
    });
  }

  /** The container has ended or is gone: whoever waits is told. */
  ended(id: string): void {
    for (const done of [...(this.waiting.get(id) ?? [])]) done();
  }
}
