import type { AppendTrace, Count, Logger, Metrics, ReconcileTrace, RequestTrace, Tracing } from '#libs/runtime';
import { exportRequest } from './otlp.js';
import { appendSpans, chainOf, idsOf, isSampled, parentOf, reconcileSpan, requestSpans, type Chain, type Ids, type Span } from './spans.js';

/** Where spans go, and whose they are. */
export interface TracerOptions {
  /** Base of an OTLP/HTTP receiver, e.g. `http://127.0.0.1:4318`: spans are posted to `/v1/traces` there, as JSON. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cluster: string;
  /** The process' component, and what tells it from its like. */
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  /** The share of traces that is kept, from 0 to 1. */
  readonly ratio: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Spans that wait to be sent; more are dropped and counted. */
const MOST_QUEUED = 8_192;
const BATCH = 512;
const FLUSH_MS = 1_000;
const SEND_WITHIN_MS = 10_000;
/** Requests whose first event is known before they are answered. */
const MOST_UNDER_WAY = 4_096;
const SAY_MS = 60_000;

/** Sends what happens to an OpenTelemetry receiver, in batches, beside the work: it never makes anything wait or fail. */
export class Tracer implements Tracing {
  private readonly ids: Ids;
  private readonly chains = new Map<string, Chain>();
  private readonly sent: Count;
  private readonly dropped: Count;
  private readonly timer: NodeJS.Timeout;
  private queue: Span[] = [];
  private sending: Promise<void> | undefined;
  private said = -Infinity;

  constructor(private readonly options: TracerOptions) {
    this.ids = idsOf(options.cluster);
    const spans = options.metrics.counter({
      name: 'decklog_trace_spans_total',
      help: 'Spans of traces, by what became of them: sent, or dropped because the receiver did not take them in time.',
      labels: ['outcome'],
    });
    [this.sent, this.dropped] = [spans.of('sent'), spans.of('dropped')];
    this.timer = setInterval(() => void this.flush(), FLUSH_MS).unref();
  }

  appended(append: AppendTrace): void {
    const requestId = append.writes[0]?.meta.requestId;
    const chain = requestId === undefined ? undefined : chainOf(append);
    if (requestId !== undefined && chain && !this.chains.has(requestId)) {
      this.chains.set(requestId, chain);
      const oldest = this.chains.keys().next();
      if (this.chains.size > MOST_UNDER_WAY && !oldest.done) this.chains.delete(oldest.value);
    }
    this.enqueue(appendSpans(this.ids, append));
  }

  reconciled(reconcile: ReconcileTrace): void {
    const span = reconcileSpan(this.ids, reconcile);
    if (span) this.enqueue([span]);
  }

  requested(request: RequestTrace): void {
    const chain = this.chains.get(request.id);
    this.chains.delete(request.id);
    const asked = parentOf(request.traceparent)?.isSampled === true;
    this.enqueue(requestSpans(this.ids, request, chain), asked);
  }

  /** Sends what is left, for as long as that does not take too long. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
    await this.flush();
  }

  /** Sends what is queued now; resolves when it was taken, or given up. */
  flush(): Promise<void> {
    this.sending ??= this.send().finally(() => (this.sending = undefined));
    return this.sending;
  }

  /** `asked`: the client wants to see it, whatever the ratio says. */
  private enqueue(spans: readonly Span[], asked = false): void {
    for (const span of spans) {
      if (!asked && !isSampled(span.traceId, this.options.ratio)) continue;
      if (this.queue.length < MOST_QUEUED) this.queue.push(span);
      else this.dropped.add();
    }
  }

  private async send(): Promise<void> {
    const { endpoint, headers, cluster, service, instance, version, logger } = this.options;
    const resource = {
      'service.name': `decklog-${service}`,
      'service.instance.id': instance,
      'service.version': version,
      'k8s.cluster.name': cluster,
    };
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, BATCH);
      try {
        const answer = await fetch(`${endpoint.replace(/\/+$/, '')}/v1/traces`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(exportRequest(batch, resource)),
          signal: AbortSignal.timeout(SEND_WITHIN_MS),
        });
        await answer.arrayBuffer();
        if (!answer.ok) throw new Error(`the receiver answers ${answer.status}`);
        this.sent.add(batch.length);
      } catch (error) {
        this.dropped.add(batch.length);
        if (performance.now() - this.said < SAY_MS) return;
        this.said = performance.now();
        logger.warn('traces could not be sent', {
          endpoint: new URL(endpoint).origin,
          error: error instanceof Error ? error.message : String(error),
        });
        return;
      }
    }
  }
}
