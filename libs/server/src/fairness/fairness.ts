import type { ServerResponse } from 'node:http';
import { FLOWSCHEMAS, PRIORITYLEVELCONFIGURATIONS, type FlowSchema, type PriorityLevelConfiguration } from '#libs/api';
import { tryAgainLater, type StatusError } from '#libs/apimachinery';
import { type Metrics, type StateView } from '#libs/runtime';
import { classify, flowTableOf, type FlowTable, type RequestDigest } from './classify.js';
import { Dispatcher, type Ticket } from './dispatcher.js';
import { FlowMetrics, type FlowCounts } from './flow-metrics.js';
import { limitsOf } from './limits.js';

/** Gives back the place that a request has taken. */
export type Leave = () => void;

interface Waiting {
  readonly enter: () => void;
  readonly refuse: () => void;
}

const SCHEMA_UID = 'X-Kubernetes-PF-FlowSchema-UID';
const LEVEL_UID = 'X-Kubernetes-PF-PriorityLevel-UID';
const RETRY_AFTER_SECONDS = 1;

const refusal = (): StatusError => tryAgainLater('TooManyRequests', 'Too many requests, please try again later.', RETRY_AFTER_SECONDS);

/** What priority and fairness is made of. */
export interface FairnessOptions {
  readonly view: StateView;
  /** How many requests the server works on at once, of all levels that have limits. */
  readonly serverLimit: number;
  /** How long a request waits for its turn before it is refused. */
  readonly mostWaitMs: number;
  readonly metrics: Metrics;
}

/** Priority and fairness: bounds how many requests are worked on at once, level by level, by what the cluster's flow schemas say. */
export class Fairness {
  private readonly dispatcher: Dispatcher<Waiting>;
  private readonly metrics: FlowMetrics;
  private table: FlowTable;
  private unsubscribe: (() => void) | undefined;

  constructor(private readonly options: FairnessOptions) {
    this.dispatcher = new Dispatcher(options.serverLimit);
    this.metrics = new FlowMetrics(options.metrics);
    this.table = this.configured();
  }

  /** Follows flow schemas and priority levels from now on. */
  start(): void {
    this.table = this.configured();
    this.unsubscribe = this.options.view.subscribe(({ resource }) => {
      if (resource.group === FLOWSCHEMAS.group && (isOf(resource, FLOWSCHEMAS) || isOf(resource, PRIORITYLEVELCONFIGURATIONS)))
        this.table = this.configured();
    });
  }

  stop(): void {
    this.unsubscribe?.();
  }

  /** Says of an answer which schema and level the request belonged to, and nothing more: for what lasts long by nature. */
  mark(digest: RequestDigest, response: ServerResponse): void {
    const { schema, level } = classify(this.table, digest);
    response.setHeader(SCHEMA_UID, schema.metadata.uid ?? '');
    response.setHeader(LEVEL_UID, level.metadata.uid ?? '');
  }

  /**
   * Takes a place, at once where there is one, else when it is the request's turn. Throws or rejects with
   * TooManyRequests where the queue is full or the wait too long, and with the signal's reason where the client goes.
   */
  enter(digest: RequestDigest, response: ServerResponse, signal: AbortSignal): Leave | Promise<Leave> {
    const { schema, level, flow } = classify(this.table, digest);
    response.setHeader(SCHEMA_UID, schema.metadata.uid ?? '');
    response.setHeader(LEVEL_UID, level.metadata.uid ?? '');
    const name = level.metadata.name ?? '';
    const counts = this.metrics.of(schema, name);
    let settle: Waiting = { enter: () => undefined, refuse: () => undefined };
    const ticket: Ticket<Waiting> = { level: name, flow, owner: { enter: () => settle.enter(), refuse: () => settle.refuse() } };
    switch (this.dispatcher.arrive(ticket)) {
      case 'runs':
        return this.working(name, counts);
      case 'refused':
        counts.refused('queue-full');
        throw refusal();
      case 'waits':
    }
    const since = performance.now();
    counts.waiting.add(1);
    return new Promise<Leave>((resolve, reject) => {
      const end = (): void => {
        counts.waiting.add(-1);
        counts.waited((performance.now() - since) / 1_000);
        clearTimeout(timer);
        signal.removeEventListener('abort', gone);
      };
      const abandon = (reason: unknown): void => {
        end();
        this.dispatcher.abandon(ticket);
        reject(reason);
      };
      const gone = (): void => {
        counts.refused('cancelled');
        abandon(signal.reason);
      };
      const late = (): void => {
        counts.refused('time-out');
        abandon(refusal());
      };
      const timer = setTimeout(late, this.options.mostWaitMs);
      signal.addEventListener('abort', gone);
      settle = {
        enter: () => {
          end();
          resolve(this.working(name, counts));
        },
        refuse: () => {
          counts.refused('concurrency-limit');
          end();
          reject(refusal());
        },
      };
    });
  }

  private working(level: string, { executing, dispatched }: FlowCounts): Leave {
    dispatched.add();
    executing.add(1);
    return () => {
      executing.add(-1);
      this.leave(level);
    };
  }

  private leave(level: string): void {
    for (const { owner } of this.dispatcher.leave(level)) owner.enter();
  }

  private configured(): FlowTable {
    const { view, serverLimit } = this.options;
    const schemas = view.list(FLOWSCHEMAS) as readonly FlowSchema[];
    const table = flowTableOf(schemas, view.list(PRIORITYLEVELCONFIGURATIONS) as readonly PriorityLevelConfiguration[]);
    const limits = limitsOf(table.levels, serverLimit);
    for (const { owner } of this.dispatcher.configure(limits)) owner.refuse();
    this.metrics.limits(limits);
    return table;
  }
}

const isOf = (a: { readonly resource: string }, b: { readonly resource: string }): boolean => a.resource === b.resource;
