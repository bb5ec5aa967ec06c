import { EVENTS, type Event, type ObjectReference } from '#libs/api';
import type { ApiClient } from '#libs/client';
import type { Logger } from '#libs/runtime';
import { formatTime } from '#libs/apimachinery';

/** A Kubernetes Event about an object. */
export interface EventDetails {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface Seen {
  readonly name: string;
  readonly firstTimestamp: string;
  count: number;
}

const MAX_QUEUE = 1_000;
const MAX_SEEN = 4_096;
const MAX_MESSAGE = 1_024;
/** As client-go's spam filter: a burst of 25 about one object, then one every five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

/**
 * Records Kubernetes Events in the background. A repeated one raises the count of the first. Recording never
 * fails what it reports on: when the API server is away the oldest are dropped.
 */
export class EventRecorder {
  private readonly queue: { reference: ObjectReference; details: EventDetails; at: number }[] = [];
  private readonly seen = new Map<string, Seen>();
  private readonly budgets = new Map<string, { tokens: number; at: number }>();
  private draining = false;
  private closed = false;

  constructor(
    private readonly client: ApiClient,
    private readonly nodeName: string,
    private readonly logger: Logger,
  ) {}

  record(reference: ObjectReference, details: EventDetails): void {
    const at = Date.now();
    if (this.closed || !this.spend(reference.uid ?? reference.name ?? '', at)) return;
    if (this.queue.length >= MAX_QUEUE) this.queue.shift();
    this.queue.push({ reference, details: { ...details, message: details.message.slice(0, MAX_MESSAGE) }, at });
    if (!this.draining) void this.drain();
  }

  close(): void {
    this.closed = true;
    this.queue.length = 0;
  }

  private spend(key: string, now: number): boolean {
    if (this.budgets.size > MAX_SEEN) this.budgets.clear();
    const budget = this.budgets.get(key) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, budget.tokens + (now - budget.at) / REFILL_MS);
    this.budgets.set(key, { tokens: Math.max(0, tokens - 1), at: now });
    return tokens >= 1;
  }

  private async drain(): Promise<void> {
    this.draining = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      try {
        await this.send(next.reference, next.details, next.at);
      } catch (error) {
        if (!this.closed) this.logger.debug('an event was not recorded', { reason: next.details.reason, error: String(error) });
      }
    }
    this.draining = false;
  }

  private async send(reference: ObjectReference, details: EventDetails, at: number): Promise<void> {
    const key = [reference.uid, reference.fieldPath, details.type, details.reason, details.message].join('\u0000');
    const namespace = reference.namespace ?? 'default';
    const before = this.seen.get(key);
    if (before) {
      before.count += 1;
      try {
        await this.client.patch(EVENTS, namespace, before.name, { count: before.count, lastTimestamp: formatTime(at) });
        return;
      } catch {
        this.seen.delete(key);
      }
    }
    const name = `${reference.name ?? ''}.${(BigInt(at) * 1_000_000n + BigInt(Math.floor(Math.random() * 1_000_000))).toString(16)}`;
    const time = formatTime(at);
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: reference,
      ...details,
      source: { component: 'kubelet', host: this.nodeName },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      reportingComponent: 'kubelet',
      reportingInstance: this.nodeName,
    };
    await this.client.create(EVENTS, event);
    if (this.seen.size >= MAX_SEEN) this.seen.clear();
    this.seen.set(key, { name, firstTimestamp: time, count: 1 });
  }
}
