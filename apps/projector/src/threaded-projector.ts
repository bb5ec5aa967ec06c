import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HostedService } from '#libs/platform';

/**
 * The projector in a thread of its own: where one process runs the whole control plane, projecting must not take turns
 * with requests. Its settings are the process' environment.
 */
export class ThreadedProjector implements HostedService {
  readonly name = 'projector';
  private worker: Worker | undefined;
  private exited: Promise<number> | undefined;

  constructor(private readonly onFailure: () => void) {}

  get ready(): boolean {
    return this.worker !== undefined;
  }

  async start(): Promise<void> {
    const worker = new Worker(path.join(__dirname, 'worker.js'));
    this.exited = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    worker.on('error', () => undefined);
    this.worker = worker;
    void this.exited.then((code) => {
      if (code !== 0) this.onFailure();
    });
  }

  async stop(): Promise<void> {
    this.worker?.postMessage('stop');
    await this.exited;
    this.worker = undefined;
  }
}
