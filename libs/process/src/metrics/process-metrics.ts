import { collectDefaultMetrics, register } from 'prom-client';
import { textOf } from './exposition.js';
import { merged, type Family } from './family.js';
import { MetricsRegistry } from './registry.js';

/** The metrics of a whole process: its own, those of its threads, and what every Node process can say of itself. */
export class ProcessMetrics extends MetricsRegistry {
  private readonly threads = new Set<() => Promise<readonly Family[]>>();

  /** Adds what a thread counts; returns how to end that. */
  include(thread: () => Promise<readonly Family[]>): () => void {
    this.threads.add(thread);
    return () => this.threads.delete(thread);
  }

  /** Everything, in Prometheus' text format. A thread that does not answer is left out. */
  async text(): Promise<string> {
    if (!register.getSingleMetric('process_cpu_user_seconds_total')) collectDefaultMetrics();
    const others = await Promise.all([...this.threads].map((thread) => thread().catch(() => [])));
    return `${textOf(merged([...this.families(), ...others.flat()]))}${withoutUnknown(await register.metrics())}`;
  }
}

/** Without what Node has not measured yet, which its client writes as no number that Prometheus knows. */
export const withoutUnknown = (text: string): string => text.replace(/^[^#\n].* nan\n/gim, '');

/** The metrics of this process, or of this thread. */
export const PROCESS_METRICS = new ProcessMetrics();
