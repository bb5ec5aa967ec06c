import { on } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HostedService } from '#libs/platform';
import { PROCESS_METRICS, type Family } from '#libs/process';
import type { Condition } from '#libs/runtime';

/** How long the thread may take to say what it has counted. */
const METRICS_WITHIN_MS = 2_000;

/** What the thread says: that it works, a condition that has changed, what it has counted. */
export type Said = 'ready' | { readonly condition: Condition } | { readonly families: readonly Family[] };

/**
 * The projector in a thread of its own: where one process runs the whole control plane, projecting must not take turns
 * with requests. Its settings are the process' environment.
 */
export class ThreadedProjector implements HostedService {
  readonly name = 'projector';
  private worker: Worker | undefined;
  private unasked: () => void = () => undefined;
  private exited: Promise<number> | undefined;
  private readonly known = new Map<string, Condition>();

  constructor(private readonly onFailure: () => void) {}

  get ready(): boolean {
    return this.worker !== undefined;
  }

  conditions(): readonly Condition[] {
    return [...this.known.values()];
  }

  async start(): Promise<void> {
    const worker = new Worker(path.join(__dirname, 'worker.js'));
    this.exited = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (said: Said) => {
        if (said === 'ready') resolve();
        else if ('condition' in said) this.known.set(said.condition.name, said.condition);
      });
      worker.once('error', reject);
    });
    worker.on('error', () => undefined);
    this.worker = worker;
    this.unasked = PROCESS_METRICS.include(() => this.counted(worker));
    void this.exited.then((code) => {
      if (code !== 0) this.onFailure();
    });
  }

  async stop(): Promise<void> {
    this.unasked();
    this.worker?.postMessage('stop');
    await this.exited;
    this.worker = undefined;
  }

  /** Rejects where the thread is too busy to answer. */
  private async counted(worker: Worker): Promise<readonly Family[]> {
    const said = on(worker, 'message', { signal: AbortSignal.timeout(METRICS_WITHIN_MS) }) as AsyncIterable<readonly [Said]>;
    worker.postMessage('metrics');
    for await (const [one] of said) if (typeof one === 'object' && 'families' in one) return one.families;
    return [];
  }
}
