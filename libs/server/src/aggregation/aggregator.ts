import {
  APISERVICES,
  ENDPOINTSLICES,
  isAvailable,
  SERVICES,
  type AggregatedGroupVersion,
  type APIService,
  type APIServiceCondition,
  type ApiResource,
  type GroupVersion,
} from '#libs/api';
import { formatTime, type KubeObject } from '#libs/apimachinery';
import type { CacheEvent, Logger, StateView, World, WritePath } from '#libs/runtime';
import type { Call } from '../call.js';
import type { Forwarder, Upgrade } from '../proxy/forwarder.js';
import { sendBody } from '../encoding/respond.js';
import { failedDiscovery, PASSED, type Availability } from './availability.js';
import { ApiBackend, type FrontProxyTls } from './backend.js';

/** What aggregation is made of. */
export interface AggregationSources {
  readonly view: StateView;
  readonly writePath: WritePath;
  readonly world: World;
  readonly logger: Logger;
  readonly forwarder: Forwarder;
  readonly frontProxy: FrontProxyTls | undefined;
  /** Called when what others serve has changed: documents that name it are due anew. */
  readonly changed: () => void;
}

const CHECK_EVERY_MS = 30_000;
const CHECK_TIMEOUT_MS = 5_000;
/** After a change everything is checked again, but not more often than this. */
const SETTLE_MS = 100;

/** A group and version that another server answers for. */
interface Registered {
  readonly service: APIService;
  readonly backend: ApiBackend;
  /** What it said of its resources when it was asked last. */
  resources: readonly ApiResource[];
  /** Where its OpenAPI v3 document is, below the server; undefined where it has none. */
  document: string | undefined;
}

/** Passes on what other servers answer for (APIServices with a Service), asks them whether they do, and knows what they serve. */
export class Aggregator {
  private registered: ReadonlyMap<string, Registered> = new Map();
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private checking = false;
  private readonly stopped = new AbortController();

  constructor(private readonly sources: AggregationSources) {}

  start(): void {
    this.stopListening = this.sources.view.subscribe((event) => this.heard(event));
    this.register();
  }

  stop(): void {
    this.stopListening?.();
    clearTimeout(this.timer);
    this.stopped.abort();
  }

  /** Whether another server answers for a group and version. */
  passesOn({ group, version }: GroupVersion): boolean {
    return this.registered.has(`${group}/${version}`);
  }

  /** What others serve, for discovery and documents. */
  groupVersions(): readonly (AggregatedGroupVersion & { readonly document?: string })[] {
    return [...this.registered.values()].map(({ service, resources, document }) => {
      const { group = '', version = '', groupPriorityMinimum, versionPriority } = service.spec ?? NOWHERE;
      const priority = { group: groupPriorityMinimum, version: versionPriority };
      return { group, version, priority, resources, current: isAvailable(service), ...(document === undefined ? {} : { document }) };
    });
  }

  /** Passes a request on. `path`: with its query. Answers 503 where its server is not available. */
  async forward(call: Call, upgrade: Upgrade | undefined, { group, version }: GroupVersion): Promise<void> {
    const found = this.registered.get(`${group}/${version}`);
    if (found === undefined || !isAvailable(found.service)) {
      const headers = { 'X-Content-Type-Options': 'nosniff' };
      return sendBody(call.request, call.response, 503, Buffer.from('service unavailable\n'), { headers });
    }
    await this.sources.forwarder.forward(call, upgrade, found.backend.to(call.target, call.user));
  }

  private heard({ resource }: CacheEvent): void {
    if (resource.group === APISERVICES.group && resource.resource === APISERVICES.resource) this.register();
    else if (this.registered.size > 0 && (isResource(resource, SERVICES) || isResource(resource, ENDPOINTSLICES))) this.checkIn(SETTLE_MS);
  }

  private register(): void {
    const { view, forwarder, frontProxy, world } = this.sources;
    const before = this.registered;
    const next = new Map<string, Registered>();
    for (const service of view.list(APISERVICES) as readonly APIService[]) {
      const { spec } = service;
      if (spec?.service === undefined) continue;
      const key = `${spec.group ?? ''}/${spec.version ?? ''}`;
      const known = before.get(key);
      const same = known !== undefined && known.service.spec === spec;
      const backend = same ? known.backend : new ApiBackend(spec, view, forwarder, frontProxy, world.random);
      next.set(key, { service, backend, resources: known?.resources ?? [], document: known?.document });
    }
    this.registered = next;
    if (before.size === 0 && next.size === 0) return;
    this.sources.changed();
    this.checkIn(SETTLE_MS);
  }

  private checkIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.checkAll(), ms);
    this.timer.unref();
  }

  private async checkAll(): Promise<void> {
    if (this.checking) return this.checkIn(SETTLE_MS);
    this.checking = true;
    try {
      await Promise.all([...this.registered.values()].map((one) => this.check(one)));
    } catch (error) {
      this.sources.logger.warn('an APIService could not be checked', { error: String(error) });
    } finally {
      this.checking = false;
      if (!this.stopped.signal.aborted && this.registered.size > 0) this.checkIn(CHECK_EVERY_MS);
    }
  }

  private async check(one: Registered): Promise<void> {
    const found = one.backend.hindrance() ?? (await this.asked(one));
    if (this.stopped.signal.aborted) return;
    const condition = one.service.status?.conditions?.find(({ type }) => type === found.type);
    if (condition?.status === found.status && condition.reason === found.reason && condition.message === found.message) return;
    await this.say(one.service, found);
  }

  /** Asks the server itself: its resources, and where it describes them. */
  private async asked(one: Registered): Promise<Availability> {
    const { group = '', version = '' } = one.service.spec ?? NOWHERE;
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const url = one.backend.url(path);
    const signal = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    try {
      const { code, text } = await one.backend.ask(path, 'application/json', signal);
      if (code < 200 || code > 299) return failedDiscovery(url, `bad status from ${url}: ${code}`);
      const { resources } = JSON.parse(text) as { readonly resources?: readonly ApiResource[] };
      const document = await documentOf(one.backend, path.slice(1), signal);
      const changed = JSON.stringify([one.resources, one.document]) !== JSON.stringify([resources ?? [], document]);
      one.resources = resources ?? [];
      one.document = document;
      if (changed) this.sources.changed();
      return PASSED;
    } catch (error) {
      return failedDiscovery(url, error instanceof Error ? error.message : String(error));
    }
  }

  private async say(service: APIService, found: Availability): Promise<void> {
    const { view, writePath, world, logger } = this.sources;
    const definition = view.catalog.current.definitionOf(APISERVICES);
    if (definition === undefined) return;
    const now = world.now();
    const others = (service.status?.conditions ?? []).filter(({ type }) => type !== found.type);
    const before = service.status?.conditions?.find(({ type }) => type === found.type);
    const since = before?.status === found.status ? before.lastTransitionTime : undefined;
    const condition: APIServiceCondition = { ...found, lastTransitionTime: since ?? formatTime(now) };
    const object: KubeObject & Pick<APIService, 'status'> = { ...service, status: { conditions: [...others, condition] } };
    try {
      await writePath.execute({
        verb: 'update',
        definition,
        subresource: 'status',
        name: service.metadata.name ?? '',
        object,
        options: { fieldValidation: 'Ignore' },
        requester: {
          actor: { user: 'system:apiserver', groups: ['system:masters'] },
          requestId: world.uuid(),
          fieldManager: 'kube-aggregator',
        },
      });
    } catch (error) {
      // Another server said it first, or the APIService went meanwhile: the next check sees what there is.
      logger.debug('the state of an APIService could not be told', { name: service.metadata.name, error: String(error) });
    }
  }
}

const NOWHERE = { groupPriorityMinimum: 0, versionPriority: 0 } as { readonly group?: string; readonly version?: string } & {
  readonly groupPriorityMinimum: number;
  readonly versionPriority: number;
};

const isResource = (a: CacheEvent['resource'], b: { readonly group: string; readonly resource: string }): boolean =>
  a.group === b.group && a.resource === b.resource;

/** Where a server's index has the document of a group and version; undefined where it has no index. */
async function documentOf(backend: ApiBackend, name: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, text } = await backend.ask('/openapi/v3', 'application/json', signal);
  if (code !== 200) return undefined;
  const { paths } = JSON.parse(text) as { readonly paths?: Readonly<Record<string, { readonly serverRelativeURL?: string }>> };
  return paths?.[name]?.serverRelativeURL;
}
