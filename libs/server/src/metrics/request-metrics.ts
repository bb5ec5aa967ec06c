import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Count, Distribution, Level, Metric, Metrics } from '#libs/runtime';
import type { RequestInfo } from '../request-info.js';

/** Upstream's (apiserver `endpoints/metrics`). */
const DURATION_BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60] as const;
const SIZE_BUCKETS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const;
const PLACE = ['group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const COMPONENT = 'apiserver';

/** Upstream counts by what a route does: names of HTTP's, but for lists, watches, collections and what changes protocols. */
const VERBS: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
  post: 'POST',
  put: 'PUT',
  head: 'HEAD',
  options: 'OPTIONS',
};
const CONNECTED = new Set(['exec', 'attach', 'portforward', 'proxy']);
/** Whose answers' sizes are counted. */
const SIZED = new Set(['GET', 'LIST']);
const WITHOUT_EFFECT = new Set(['get', 'list', 'watch', 'head', 'options']);
const APPLY = 'application/apply-patch';
const DRY_RUN = /[?&]dryRun=All(&|$)/;
/** First parts of paths that are no resources; any other counts as none, so that clients make no series up. */
const PATHS = new Set(['api', 'apis', 'healthz', 'livez', 'readyz', 'metrics', 'openapi', 'version', '.well-known']);

/** What a request is counted as. */
export interface Counted {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
}

/** Upstream's CleanScope. */
function scopeOf({ resourceRequest, name, namespace, verb }: RequestInfo): string {
  if (name !== '' || verb === 'create') return 'resource';
  if (namespace !== '') return 'namespace';
  return resourceRequest ? 'cluster' : '';
}

const UNKNOWN = { group: '', version: '', resource: '', subresource: '', scope: '' };

/** A request's labels. What is not served is counted together; `isApply`: a patch of server-side apply. */
export function countedAs(info: RequestInfo, isServed: boolean, isApply: boolean): Counted {
  const verb = CONNECTED.has(info.subresource) ? 'CONNECT' : isApply ? 'APPLY' : (VERBS[info.verb] ?? 'other');
  if (!info.resourceRequest) {
    const [, first = ''] = info.path.split('/', 2);
    return { ...UNKNOWN, verb, subresource: PATHS.has(first) ? `/${first}` : '' };
  }
  if (!isServed) return { ...UNKNOWN, verb };
  const { group, version, resource, subresource } = info;
  return { verb, group, version, resource, subresource, scope: scopeOf(info) };
}

/** The metrics of requests, under the names of upstream's API server. */
export class RequestMetrics {
  private readonly total: Metric<Count>;
  private readonly durations: Metric<Distribution>;
  private readonly sizes: Metric<Distribution>;
  private readonly longRunning: Metric<Level>;
  private readonly reading: Level;
  private readonly mutating: Level;
  private readonly cells = new Map<string, Cells>();

  /** `serves`: whether a request names what is served, so that clients make no series up. */
  constructor(
    metrics: Metrics,
    private readonly serves: (info: RequestInfo) => boolean,
  ) {
    this.total = metrics.counter({
      name: 'apiserver_request_total',
      help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
      labels: ['verb', 'dry_run', ...PLACE, 'code'],
    });
    this.durations = metrics.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
      labels: ['verb', 'dry_run', ...PLACE],
      buckets: DURATION_BUCKETS,
    });
    this.sizes = metrics.histogram({
      name: 'apiserver_response_sizes',
      help: 'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
      labels: ['verb', ...PLACE],
      buckets: SIZE_BUCKETS,
    });
    this.longRunning = metrics.gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.',
      labels: ['verb', ...PLACE],
    });
    const inflight = metrics.gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Number of requests that are being worked on, per request kind.',
      labels: ['request_kind'],
    });
    this.reading = inflight.of('readOnly');
    this.mutating = inflight.of('mutating');
  }

  /** A request that lasts has been let in; returns how to say that it ended. */
  lasts(info: RequestInfo, request: IncomingMessage): () => void {
    const { verb, group, version, resource, subresource, scope } = this.counted(info, request);
    const level = this.longRunning.of(verb, group, version, resource, subresource, scope, COMPONENT);
    level.add(1);
    return () => level.add(-1);
  }

  /** A request has its turn; returns how to say that it is done. */
  works({ verb }: RequestInfo): () => void {
    const level = WITHOUT_EFFECT.has(verb) ? this.reading : this.mutating;
    level.add(1);
    return () => level.add(-1);
  }

  /** A request has been answered. */
  answered(info: RequestInfo, request: IncomingMessage, response: ServerResponse, code: number, seconds: number): void {
    const isDryRun = !WITHOUT_EFFECT.has(info.verb) && DRY_RUN.test(request.url ?? '');
    const cells = this.cellsOf(info, request, isDryRun);
    cells.total(code).add();
    cells.seconds.observe(seconds);
    const length = cells.sizes && response.getHeader('content-length');
    if (length !== undefined) cells.sizes?.observe(Number(length));
  }

  /** The series of requests alike, found at once: what is served is bounded, and nothing else is kept. */
  private cellsOf(info: RequestInfo, request: IncomingMessage, isDryRun: boolean): Cells {
    const { verb, group, version, resource, subresource } = info;
    const isApply = verb === 'patch' && isApplied(request);
    const key = info.resourceRequest
      ? `${verb} ${group}/${version}/${resource}/${subresource} ${scopeOf(info)}${isApply ? ' apply' : ''}${isDryRun ? ' dry' : ''}`
      : '';
    const known = key === '' ? undefined : this.cells.get(key);
    if (known) return known;
    const isServed = info.resourceRequest && this.serves(info);
    const cells = this.made(countedAs(info, isServed, isApply), isDryRun);
    if (isServed) this.cells.set(key, cells);
    return cells;
  }

  private made({ verb, group, version, resource, subresource, scope }: Counted, isDryRun: boolean): Cells {
    const dryRun = isDryRun ? 'All' : '';
    const totals = new Map<number, Count>();
    const total = (code: number): Count => {
      const known = totals.get(code);
      if (known) return known;
      const made = this.total.of(verb, dryRun, group, version, resource, subresource, scope, COMPONENT, String(code));
      totals.set(code, made);
      return made;
    };
    return {
      total,
      seconds: this.durations.of(verb, dryRun, group, version, resource, subresource, scope, COMPONENT),
      sizes: SIZED.has(verb) ? this.sizes.of(verb, group, version, resource, subresource, scope, COMPONENT) : undefined,
    };
  }

  private counted(info: RequestInfo, request: IncomingMessage): Counted {
    return countedAs(info, info.resourceRequest && this.serves(info), info.verb === 'patch' && isApplied(request));
  }
}

/** What is counted of requests that are alike. */
interface Cells {
  total(code: number): Count;
  readonly seconds: Distribution;
  readonly sizes: Distribution | undefined;
}

const isApplied = ({ headers }: IncomingMessage): boolean => headers['content-type']?.startsWith(APPLY) === true;
