import type { FlowSchema } from '#libs/api';
import type { Count, Distribution, Level, Metric, Metrics } from '#libs/runtime';
import type { LevelLimits } from './limits.js';

/** Why a request got no turn, in upstream's words. */
export type Rejection = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled';

/** What is counted of one flow schema's requests. */
export interface FlowCounts {
  readonly executing: Level;
  readonly waiting: Level;
  readonly dispatched: Count;
  refused(reason: Rejection): void;
  /** A request's wait is over, whatever came of it. */
  waited(seconds: number): void;
}

const FLOW = ['priority_level', 'flow_schema'] as const;
/** Upstream's (apiserver `flowcontrol/metrics`). */
const WAIT_BUCKETS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30] as const;

/** Priority and fairness under upstream's names. Here every request takes one seat. */
export class FlowMetrics {
  private readonly known = new WeakMap<FlowSchema, FlowCounts>();
  private readonly executing: Metric<Level>;
  private readonly waiting: Metric<Level>;
  private readonly dispatched: Metric<Count>;
  private readonly rejected: Metric<Count>;
  private readonly waits: Metric<Distribution>;
  private readonly nominal: Metric<Level>;

  constructor(metrics: Metrics) {
    const named = (name: string, help: string): { readonly name: string; readonly help: string; readonly labels: readonly string[] } => ({
      name: `apiserver_flowcontrol_${name}`,
      help,
      labels: FLOW,
    });
    this.executing = metrics.gauge(
      named('current_executing_seats', 'Concurrency (number of seats) occupied by the currently executing requests.'),
    );
    this.waiting = metrics.gauge(named('current_inqueue_requests', 'Number of requests currently pending in queues.'));
    this.dispatched = metrics.counter(named('dispatched_requests_total', 'Number of requests executed.'));
    this.rejected = metrics.counter({
      ...named('rejected_requests_total', 'Number of requests rejected by priority and fairness.'),
      labels: [...FLOW, 'reason'],
    });
    this.waits = metrics.histogram({
      ...named('request_wait_duration_seconds', 'Length of time a request spent waiting in its queue.'),
      buckets: WAIT_BUCKETS,
    });
    this.nominal = metrics.gauge({
      ...named('nominal_limit_seats', 'Nominal number of execution seats configured for each priority level.'),
      labels: ['priority_level'],
    });
  }

  /** Kept for as long as the schema is there as it is. */
  of(schema: FlowSchema, level: string): FlowCounts {
    const known = this.known.get(schema);
    if (known) return known;
    const flow = schema.metadata.name ?? '';
    const waits = this.waits.of(level, flow);
    const counts: FlowCounts = {
      executing: this.executing.of(level, flow),
      waiting: this.waiting.of(level, flow),
      dispatched: this.dispatched.of(level, flow),
      refused: (reason) => this.rejected.of(level, flow, reason).add(),
      waited: (seconds) => waits.observe(seconds),
    };
    this.known.set(schema, counts);
    return counts;
  }

  /** What the levels may use from now on. */
  limits(limits: ReadonlyMap<string, LevelLimits>): void {
    for (const [level, { nominal }] of limits) this.nominal.of(level).set(nominal);
  }
}
